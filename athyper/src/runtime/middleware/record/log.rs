//! The one line a request leaves in the log.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use super::body::{Closing, Ending};
use crate::runtime::http::{REQUEST_LOG_TARGET as TARGET, RequestRecord};

/// Writes the line. Of the request it holds method and path; no query, header or body, for those carry secrets.
pub(super) fn write(record: &RequestRecord, closing: Closing, took: Duration) {
    let status = closing.status.as_u16();
    let is_defect = closing.status.is_server_error() || closing.ending == Ending::Failed;
    if !(tracing::enabled!(target: TARGET, tracing::Level::INFO)
        || is_defect && tracing::enabled!(target: TARGET, tracing::Level::ERROR))
    {
        return;
    }
    let context = record.known_context();
    let context = context.as_ref();
    let principal = context.and_then(|context| context.principal()).map(|principal| printable(&principal.id));
    let tenant = context.and_then(|context| context.tenant()).map(printable);
    let mut trace_text = [0; 32];
    let trace_id = context.map(|context| context.trace().trace_id().write(&mut trace_text));
    let client = AddressText::new(record.client());
    let route = record.route();
    let error = record.error();
    macro_rules! line {
        ($level:ident) => {
            tracing::event!(
                target: TARGET,
                tracing::Level::$level,
                message = "request",
                method = record.method().as_str(),
                path = &*printable(record.uri().path()),
                route = route.as_ref().map(|route| route.as_str()),
                status,
                duration_ms = milliseconds(took),
                bytes = closing.bytes,
                ending = closing.ending.as_str(),
                client = client.as_str(),
                request_id = context.map(|context| context.request_id()),
                trace_id,
                principal = principal.as_deref(),
                tenant = tenant.as_deref(),
                error = error.as_deref(),
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

/// An address as text, without an allocation: most are four numbers, for which `Display` takes longer than for all the rest.
struct AddressText {
    bytes: [u8; 45],
    length: usize,
}

impl AddressText {
    fn new(address: IpAddr) -> Self {
        let mut text = Self { bytes: [0; 45], length: 0 };
        match address {
            IpAddr::V4(address) => {
                for (index, octet) in address.octets().into_iter().enumerate() {
                    let _ = text.write_str(if index == 0 { "" } else { "." });
                    let _ = text.write_str(itoa::Buffer::new().format(octet));
                }
            }
            IpAddr::V6(address) => {
                let _ = write!(text, "{address}");
            }
        }
        text
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for AddressText {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        let end = self.length + part.len();
        // The longest IPv6 address has 45 characters.
        self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(part.as_bytes());
        self.length = end;
        Ok(())
    }
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
    use super::{AddressText, printable};

    #[test]
    fn an_address_reads_as_ever() {
        for text in ["0.0.0.0", "192.0.2.10", "255.255.255.255", "::", "2001:db8::1", "::ffff:192.0.2.10"] {
            assert_eq!(AddressText::new(text.parse().unwrap()).as_str(), text);
        }
        let longest = "1111:2222:3333:4444:5555:6666:7777:8888";
        assert_eq!(AddressText::new(longest.parse().unwrap()).as_str(), longest);
    }

    #[test]
    fn a_line_cannot_be_forged() {
        assert_eq!(printable("/users/42"), "/users/42");
        assert_eq!(printable("/a\r\nstatus=200"), "/a%0D%0Astatus=200");
        assert_eq!(printable("/\u{2028}\u{1b}[31m"), "/%E2%80%A8%1B[31m");
    }
}
