//! The hasher of the container's table.

use std::hash::Hasher;

/// Takes a `TypeId` as it is, because the compiler hashed it already, and mixes names in by FNV-1a
/// (<https://www.rfc-editor.org/rfc/rfc9923>). The keys are the product's own, so nobody can choose them to collide.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = self.0.rotate_left(5) ^ value;
    }
}
