//! Payloads of earlier versions.

use bytes::Bytes;

use crate::foundation::error::Result;

/// How a payload of an earlier version becomes one of the version that a handler takes.
#[derive(Debug, Clone, Copy)]
pub struct Upcast {
    /// The earlier version.
    pub version: u32,
    /// From the earlier JSON to that of the handler's version.
    pub convert: fn(&[u8]) -> Result<Bytes>,
}
