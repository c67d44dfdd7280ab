//! Request heads that hyper refuses by itself: no middleware sees them, so the server counts and logs them.

use std::net::SocketAddr;

use http::StatusCode;

use super::requests::{NO_ROUTE, REQUEST_LOG_TARGET, UNKNOWN_METHOD, request_counter};
use crate::foundation::error::Result;
use crate::foundation::metrics::{Counter, Family, MetricsRegistry};

/// Counts what hyper refused among the other requests.
#[derive(Debug, Clone)]
pub(super) struct RefusedHeads(Family<Counter, 3>);

impl RefusedHeads {
    pub(super) fn new(registry: &MetricsRegistry) -> Result<Self> {
        Ok(Self(request_counter(registry)?))
    }

    /// Counts one. Its method and route are not known: the head was never read to its end.
    pub(super) fn count(&self, status: StatusCode) {
        self.0.with([UNKNOWN_METHOD, NO_ROUTE, status.as_str()]).increment();
    }
}

/// Writes the line that every other request leaves when its record is closed.
pub(super) fn log(peer: SocketAddr, status: StatusCode, error: &hyper::Error) {
    tracing::info!(
        target: REQUEST_LOG_TARGET,
        status = status.as_u16(),
        client = %peer.ip().to_canonical(),
        error = %error,
        "request"
    );
}

/// The status of a response that hyper writes by itself: its head begins what is written.
///
/// hyper tells of a refused head only that it ended the connection, not how it answered.
pub(super) fn written_status(bytes: &[u8]) -> Option<StatusCode> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 ").or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?;
    StatusCode::from_bytes(rest.get(..3)?).ok()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::written_status;

    #[test]
    fn the_status_is_read_from_the_first_line_only() {
        assert_eq!(written_status(b"HTTP/1.1 414 URI Too Long\r\n"), Some(StatusCode::URI_TOO_LONG));
        assert_eq!(written_status(b"HTTP/1.0 400 Bad Request\r\n"), Some(StatusCode::BAD_REQUEST));
        for other in [&b"HTTP/1.1 4"[..], b"a body", b"", b"HTTP/1.1 abc", b"x HTTP/1.1 400 "] {
            assert_eq!(written_status(other), None);
        }
    }
}
