//! One line of the log: text for people or JSON, without secrets and without a way to forge another line.

use std::fmt::{self, Debug, Display, Write};

use chrono::{Datelike, Timelike};
use tracing::field::{Field, Visit};
use tracing::{Level, Metadata};

use crate::foundation::clock::Timestamp;
use crate::foundation::config::{HIDDEN, hide_passwords, sounds_secret};
use crate::foundation::context::Context;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineFormat {
    /// For people.
    Text,
    /// The same, with the level in colour.
    Coloured,
    /// One JSON object a line.
    Json,
}

/// A line that is being written.
#[derive(Debug)]
pub(super) struct Line {
    format: LineFormat,
    text: String,
    has_request_id: bool,
}

impl Line {
    /// Begins with when, how grave and from where.
    pub(super) fn begin(format: LineFormat, now: Timestamp, metadata: &Metadata<'_>) -> Self {
        let mut text = String::with_capacity(512);
        let level = metadata.level();
        match format {
            LineFormat::Json => {
                text.push_str("{\"timestamp\":\"");
                push_time(&mut text, now);
                text.push_str("\",\"level\":\"");
                text.push_str(level.as_str());
                text.push_str("\",\"target\":\"");
                escape(&mut text, metadata.target());
                text.push('"');
            }
            LineFormat::Text | LineFormat::Coloured => {
                push_time(&mut text, now);
                let (on, off) = if format == LineFormat::Coloured { (colour(*level), "\u{1b}[0m") } else { ("", "") };
                let _ = write!(text, " {on}{:>5}{off} ", level.as_str());
                escape(&mut text, metadata.target());
                text.push(':');
            }
        }
        Self { format, text, has_request_id: false }
    }

    /// The fields of a span, in the same format, to be added to each line inside of it.
    pub(super) fn fields_only(format: LineFormat) -> Self {
        Self { format, text: String::new(), has_request_id: false }
    }

    pub(super) fn into_fields(self) -> String {
        self.text
    }

    /// Adds the name and fields of a span.
    pub(super) fn push_span(&mut self, name: &str, fields: &str) {
        self.push_text("span", name);
        self.text.push_str(fields);
    }

    /// Whether it says itself which request it belongs to.
    pub(super) fn names_request(&self) -> bool {
        self.has_request_id
    }

    /// Adds what the line belongs to.
    pub(super) fn push_context(&mut self, context: &Context) {
        self.push_text("request_id", context.request_id());
        self.push_shown("trace_id", &context.trace().trace_id());
        if let Some(tenant) = context.tenant() {
            self.push_text("tenant", tenant);
        }
    }

    /// Ends it.
    pub(super) fn finish(mut self) -> String {
        if self.format == LineFormat::Json {
            self.text.push('}');
        }
        self.text.push('\n');
        self.text
    }

    fn push_name(&mut self, name: &str) {
        match self.format {
            LineFormat::Json => {
                self.text.push_str(",\"");
                escape(&mut self.text, name);
                self.text.push_str("\":");
            }
            LineFormat::Text | LineFormat::Coloured => {
                self.text.push(' ');
                if name != "message" {
                    escape(&mut self.text, name);
                    self.text.push('=');
                }
            }
        }
    }

    fn push_text(&mut self, name: &str, value: &str) {
        self.push_name(name);
        if sounds_secret(name) || is_secret_header(name) {
            return self.push_value(name, HIDDEN);
        }
        // Passwords hide in addresses, and in what follows an equals sign.
        if value.contains("://") || value.contains('=') {
            return self.push_value(name, &hide_passwords(value));
        }
        self.push_value(name, value);
    }

    fn push_value(&mut self, name: &str, value: &str) {
        let is_bare = self.format != LineFormat::Json
            && (name == "message"
                || (!value.is_empty()
                    && value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"=\\".contains(&byte))));
        if is_bare {
            escape(&mut self.text, value);
        } else {
            self.text.push('"');
            escape(&mut self.text, value);
            self.text.push('"');
        }
    }

    fn push_shown(&mut self, name: &str, value: &impl Display) {
        self.push_text(name, &value.to_string());
    }

    /// A number or a truth value: the same in both formats, and never a secret unless its name says so.
    fn push_bare(&mut self, name: &str, value: fmt::Arguments<'_>) {
        if sounds_secret(name) {
            return self.push_text(name, HIDDEN);
        }
        self.push_name(name);
        let _ = self.text.write_fmt(value);
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.has_request_id |= field.name() == "request_id";
        self.push_text(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push_bare(field.name(), format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push_bare(field.name(), format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push_bare(field.name(), format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.push_bare(field.name(), format_args!("{value}"));
        } else {
            self.push_shown(field.name(), &value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            let _ = write!(text, ": {error}");
            source = error.source();
        }
        self.push_text(field.name(), &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.push_text(field.name(), &format!("{value:?}"));
    }
}

/// The headers that carry a proof of identity.
fn is_secret_header(name: &str) -> bool {
    ["authorization", "cookie", "set-cookie", "set_cookie", "proxy-authorization", "proxy_authorization"]
        .iter()
        .any(|header| name.eq_ignore_ascii_case(header))
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

/// RFC 3339 in UTC, to the microsecond. chrono's own takes ten times as long.
fn push_time(text: &mut String, time: Timestamp) {
    fn push(text: &mut String, number: u32, digits: u32) {
        for power in (0..digits).rev() {
            let digit = number / 10_u32.pow(power) % 10;
            text.push(char::from_digit(digit, 10).unwrap_or('0'));
        }
    }
    let separated = [
        (u32::try_from(time.year()).unwrap_or_default(), 4, '-'),
        (time.month(), 2, '-'),
        (time.day(), 2, 'T'),
        (time.hour(), 2, ':'),
        (time.minute(), 2, ':'),
        (time.second(), 2, '.'),
        // A leap second is 1,000,000 and more.
        (time.nanosecond() / 1_000 % 1_000_000, 6, 'Z'),
    ];
    for (number, digits, separator) in separated {
        push(text, number, digits);
        text.push(separator);
    }
}

/// Writes text so that it can stand in JSON, and so that it begins no new line and steers no terminal.
fn escape(text: &mut String, value: &str) {
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    if value.bytes().all(is_plain) {
        text.push_str(value);
        return;
    }
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            // Line and paragraph separators, and marks that turn the direction of what follows.
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            control if control.is_control() => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{escape, push_time};

    #[test]
    fn a_time_is_rfc_3339() {
        for text in ["2026-11-23T07:45:12.012345Z", "1970-01-01T00:00:00.000000Z", "2024-02-29T23:59:59.999999Z"] {
            let mut written = String::new();
            push_time(&mut written, text.parse().unwrap());
            assert_eq!(written, text);
        }
    }

    #[test]
    fn nothing_begins_a_new_line() {
        let mut text = String::new();
        escape(&mut text, "a\"\\\n\r\t\u{1b}[31m\u{2028}\u{202e}\u{85}\u{7f}ä");
        assert_eq!(text, "a\\\"\\\\\\n\\r\\t\\u001b[31m\\u2028\\u202e\\u0085\\u007fä");
    }
}
