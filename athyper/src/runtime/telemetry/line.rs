//! One line of the log: text for people or JSON, without secrets and without a way to forge another line.

use std::cell::Cell;
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

thread_local! {
    /// The memory of the thread's last line, for its next one.
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
    /// The second of the thread's last line, as it stands there.
    static SECOND: Cell<(i64, [u8; 20])> = const { Cell::new((i64::MIN, [0; 20])) };
}

/// The memory of the thread's last line. A thread that ends may log when it has given that back already.
fn reuse() -> String {
    BUFFER.try_with(Cell::take).unwrap_or_default()
}

/// The longest memory that a thread keeps for its next line, in bytes.
const MOST_KEPT: usize = 16 * 1024;

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
        let mut text = reuse();
        text.clear();
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
        self.push_shown("trace_id", format_args!("{}", context.trace().trace_id()));
        if let Some(tenant) = context.tenant() {
            self.push_text("tenant", tenant);
        }
    }

    /// Ends it and hands it to `take`.
    pub(super) fn finish(mut self, take: impl FnOnce(&[u8])) {
        if self.format == LineFormat::Json {
            self.text.push('}');
        }
        self.text.push('\n');
        take(self.text.as_bytes());
        if self.text.capacity() <= MOST_KEPT {
            let _ = BUFFER.try_with(|buffer| buffer.set(self.text));
        }
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
        if is_secret(name) {
            self.push_value(name, HIDDEN);
        } else {
            self.push_open(name, value);
        }
    }

    /// A value whose name tells of no secret.
    fn push_open(&mut self, name: &str, value: &str) {
        let classes = classes(value);
        if may_hold_password(value, classes) {
            self.push_value(name, &hide_passwords(value));
        } else {
            self.push_classified(name, value, classes);
        }
    }

    fn push_value(&mut self, name: &str, value: &str) {
        self.push_classified(name, value, classes(value));
    }

    fn push_classified(&mut self, name: &str, value: &str, classes: u8) {
        let is_bare = self.format != LineFormat::Json && (name == "message" || is_word(value, classes));
        if !is_bare {
            self.text.push('"');
        }
        if classes & ESCAPED == 0 {
            self.text.push_str(value);
        } else {
            escape(&mut self.text, value);
        }
        if !is_bare {
            self.text.push('"');
        }
    }

    /// What formats itself: written in place, and once more if it cannot stand there as it is.
    fn push_shown(&mut self, name: &str, value: fmt::Arguments<'_>) {
        if is_secret(name) {
            return self.push_text(name, HIDDEN);
        }
        self.push_name(name);
        let is_json = self.format == LineFormat::Json;
        if is_json {
            self.text.push('"');
        }
        let start = self.text.len();
        let _ = self.text.write_fmt(value);
        let written = &self.text[start..];
        let classes = classes(written);
        let is_right = classes & ESCAPED == 0
            && !may_hold_password(written, classes)
            && (is_json || name == "message" || is_word(written, classes));
        if !is_right {
            let written = self.text.split_off(start);
            if is_json {
                self.text.pop();
            }
            self.push_open(name, &written);
        } else if is_json {
            self.text.push('"');
        }
    }

    /// A number or a truth value: the same in both formats, and never a secret unless its name says so.
    fn push_bare(&mut self, name: &str, value: impl Display) {
        if sounds_secret(name) {
            return self.push_text(name, HIDDEN);
        }
        self.push_name(name);
        let _ = write!(self.text, "{value}");
    }

    fn push_integer(&mut self, name: &str, value: impl itoa::Integer) {
        self.push_bare(name, itoa::Buffer::new().format(value));
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.has_request_id |= field.name() == "request_id";
        self.push_text(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push_integer(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push_integer(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push_bare(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.push_bare(field.name(), zmij::Buffer::new().format_finite(value));
        } else {
            self.push_shown(field.name(), format_args!("{value}"));
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
        self.has_request_id |= field.name() == "request_id";
        self.push_shown(field.name(), format_args!("{value:?}"));
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

/// Whether a field's name says that its value is to be hidden.
fn is_secret(name: &str) -> bool {
    sounds_secret(name) || is_secret_header(name)
}

/// RFC 3339 in UTC, to the microsecond. chrono's own takes ten times as long.
fn push_time(text: &mut String, time: Timestamp) {
    let (mut second, mut written) = SECOND.get();
    if second != time.timestamp() {
        second = time.timestamp();
        written = *b"0000-00-00T00:00:00.";
        push_digits(&mut written[0..4], u32::try_from(time.year()).unwrap_or_default());
        for (start, number) in
            [(5, time.month()), (8, time.day()), (11, time.hour()), (14, time.minute()), (17, time.second())]
        {
            push_digits(&mut written[start..start + 2], number);
        }
        SECOND.set((second, written));
    }
    let mut fraction = *b"000000Z";
    // A leap second is 1,000,000 and more.
    push_digits(&mut fraction[..6], time.nanosecond() / 1_000 % 1_000_000);
    for part in [&written[..], &fraction[..]] {
        text.push_str(std::str::from_utf8(part).unwrap_or_default());
    }
}

/// Writes a number in so many digits.
fn push_digits(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
}

/// Not allowed in a JSON string as it is, or no ASCII.
const ESCAPED: u8 = 1;
/// Not allowed outside of quotation marks.
const QUOTED: u8 = 2;
/// Passwords hide in addresses (`://`), and in what follows an equals sign.
const SUSPICIOUS: u8 = 4;

/// What each byte asks for.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let is_plain = byte >= 0x20 && byte < 0x7f && byte != b'"' as usize && byte != b'\\' as usize;
        let is_word = is_plain && byte != b' ' as usize && byte != b'=' as usize;
        let is_suspicious = byte == b'=' as usize || byte == b':' as usize;
        classes[byte] = (if is_plain { 0 } else { ESCAPED })
            | (if is_word { 0 } else { QUOTED })
            | (if is_suspicious { SUSPICIOUS } else { 0 });
        byte += 1;
    }
    classes
};

/// What the bytes of a text ask for, all of them together.
fn classes(text: &str) -> u8 {
    text.bytes().fold(0, |classes, byte| classes | CLASSES[usize::from(byte)])
}

/// Whether it can stand in a line of text as it is.
fn is_word(text: &str, classes: u8) -> bool {
    !text.is_empty() && classes & QUOTED == 0
}

fn may_hold_password(text: &str, classes: u8) -> bool {
    classes & SUSPICIOUS != 0 && (text.contains('=') || text.contains("://"))
}

/// Whether a character does something to a terminal besides standing there: control characters, line and paragraph separators,
/// and marks that turn the direction of what follows.
pub(crate) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Writes text so that it can stand in JSON, and so that it begins no new line and steers no terminal.
fn escape(text: &mut String, value: &str) {
    if classes(value) & ESCAPED == 0 {
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
            steering if steers(steering) => {
                let _ = write!(text, "\\u{:04x}", u32::from(steering));
            }
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{escape, push_time, reuse};

    /// Begins a line when its thread ends.
    struct Farewell;

    impl Drop for Farewell {
        fn drop(&mut self) {
            drop(reuse());
        }
    }

    thread_local! {
        static EARLY: Farewell = const { Farewell };
        static LATE: Farewell = const { Farewell };
    }

    #[test]
    fn a_thread_that_ends_may_log() {
        let ended = std::thread::spawn(|| {
            // One of the two is dropped after the thread's memory for lines, whichever order that takes.
            EARLY.with(|_| {});
            super::BUFFER.set(String::from("a line"));
            LATE.with(|_| {});
        });
        assert!(ended.join().is_ok());
    }

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
