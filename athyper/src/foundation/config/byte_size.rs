//! A number of bytes that people can read.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written as `512kB` (powers of ten) or `2 MiB` (powers of two; IEC 80000-13).
///
/// ```
/// use athyper::config::ByteSize;
///
/// assert_eq!("2 MiB".parse(), Ok(ByteSize::new(2 * 1024 * 1024)));
/// assert_eq!("512kB".parse(), Ok(ByteSize::new(512_000)));
/// assert_eq!(ByteSize::mebibytes(2).to_string(), "2 MiB");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

impl ByteSize {
    /// This many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// This many times 1,024 bytes.
    #[must_use]
    pub const fn kibibytes(count: u32) -> Self {
        Self((count as u64) << 10)
    }

    /// This many times 1,048,576 bytes.
    #[must_use]
    pub const fn mebibytes(count: u32) -> Self {
        Self((count as u64) << 20)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory; the longest there is, if it does not fit.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    /// The largest unit that divides it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = UNITS
            .into_iter()
            .filter(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size))
            .max_by_key(|(_, size)| *size)
            .unwrap_or(("B", 1));
        write!(formatter, "{} {unit}", self.0 / size)
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits_end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(digits_end);
        let unit = unit.trim_start();
        let size = match unit {
            "" => Some(1),
            _ => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, size)| *size),
        };
        let count: Option<u64> = digits.parse().ok();
        count
            .zip(size)
            .and_then(|(count, size)| count.checked_mul(size))
            .map(Self)
            .ok_or_else(|| "a size is a whole number of bytes with a unit, such as 512 kB or 2 MiB".to_owned())
    }
}
