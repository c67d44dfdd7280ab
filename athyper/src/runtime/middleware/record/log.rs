//! The one line a request leaves in the log.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use super::body::{Closing, Ending};
use crate::runtime::http::{REQUEST_LOG_TARGET as TARGET, RequestRecord};

/// Writes the line. Of the request it holds method and path; no query, header or body, for those carry secrets.
pub(super) fn write(record: &RequestRecord, closing: Closing, took: Duration) {
    let status = closing.status.as_u16();
    let is_defect = closing.status.is_server_error() || closing.ending == Ending::Failed;
    if !(tracing::enabled!(target: TARGET, tracing::Level::ERROR) && is_defect
        || tracing::enabled!(target: TARGET, tracing::Level::INFO))
    {
        return;
    }
    let context = record.known_context();
    let context = context.as_ref();
    let principal = context.and_then(|context| context.principal()).map(|principal| printable(&principal.id));
    let tenant = context.and_then(|context| context.tenant()).map(printable);
    let route = record.route();
    let error = record.error();
    macro_rules! line {
        ($level:ident) => {
            tracing::event!(
                target: TARGET,
                tracing::Level::$level,
                method = record.method().as_str(),
                path = &*printable(record.uri().path()),
                route = route.as_ref().map(|route| route.as_str()),
                status,
                duration_ms = milliseconds(took),
                bytes = closing.bytes,
                ending = closing.ending.as_str(),
                client = %record.client(),
                request_id = context.map(|context| context.request_id()),
                trace_id = context.map(|context| tracing::field::display(context.trace().trace_id())),
                principal = principal.as_deref(),
                tenant = tenant.as_deref(),
                error = error.as_deref(),
                "request"
            )
        };
    }
    if is_defect {
        line!(ERROR);
    } else {
        line!(INFO);
    }
}

/// To the microsecond.
fn milliseconds(took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a duration in a log is for reading")]
    let microseconds = took.as_micros() as f64;
    microseconds / 1000.0
}

/// The text with everything but printable ASCII percent-encoded, so that no reader of the log takes it for something else.
fn printable(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_graphic() || byte == b' ' {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_line_cannot_be_forged() {
        assert_eq!(printable("/users/42"), "/users/42");
        assert_eq!(printable("/a\r\nstatus=200"), "/a%0D%0Astatus=200");
        assert_eq!(printable("/\u{2028}\u{1b}[31m"), "/%E2%80%A8%1B[31m");
    }
}
