//! Payloads between Rust and JSON.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::foundation::error::{Error, Result};

/// The code of the error that says a payload is not what its handler takes. Such a job fails for good: the same bytes
/// will not decode the next time either.
pub(crate) const PAYLOAD_CODE: &str = "job-payload";

/// Encodes a payload or a result.
pub(crate) fn encode<T: Serialize>(what: &str, value: &T) -> Result<Bytes> {
    match serde_json::to_vec(value) {
        Ok(json) => Ok(Bytes::from(json)),
        Err(error) => Err(Error::internal(format!("{what} cannot be written as JSON: {error}")).with_source(error)),
    }
}

/// Decodes a payload for its handler; used by `#[job]`.
///
/// # Errors
/// `Invalid` with the code `job-payload` when the JSON does not fit the type.
pub fn decode_payload<P: DeserializeOwned>(payload: &[u8]) -> Result<P> {
    serde_json::from_slice(payload).map_err(|error| {
        let type_name = std::any::type_name::<P>();
        Error::invalid(format!("the payload is not a `{type_name}`: {error}"))
            .with_code(PAYLOAD_CODE)
            .with_source(error)
    })
}

/// Makes a payload of an earlier version one of the handler's; used by `#[derive(Job)]`.
///
/// # Errors
/// `Invalid` with the code `job-payload` when the JSON does not fit the earlier type.
pub fn upcast_payload<Old, New>(payload: &[u8]) -> Result<Bytes>
where
    Old: DeserializeOwned,
    New: From<Old> + Serialize,
{
    decode_payload::<Old>(payload).and_then(|old| encode("the payload", &New::from(old)))
}

/// Checks a payload given as JSON against the payload type; the `check` of a [`JobDescriptor`](super::JobDescriptor).
///
/// # Errors
/// Those of [`decode_payload`].
pub fn check_payload<P: DeserializeOwned>(payload: &[u8]) -> Result<()> {
    decode_payload::<P>(payload).map(drop)
}
