//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>): reading, continuing and writing it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::state;

/// The flag that says that whoever started the trace records it.
const SAMPLED: u8 = 1;
/// The flag that says that the trace id is random.
const RANDOM: u8 = 2;

/// Sixteen bytes that name a trace; never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Eight bytes that name one step of a trace; never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }

    /// An id of random bytes from elsewhere. All zero, which names no trace, becomes another id.
    #[must_use]
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        if u128::from_ne_bytes(bytes) == 0 { Self([1; 16]) } else { Self(bytes) }
    }

    /// Its text, in the memory of somebody else.
    pub(crate) fn write<'text>(&self, text: &'text mut [u8; 32]) -> &'text str {
        hex(&self.0, text)
    }
}

impl SpanId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        // The second half of a version 4 UUID holds 62 random bits behind a fixed variant, so it
        // is never zero.
        let bytes = *uuid::Uuid::new_v4().as_bytes();
        let mut id = [0; 8];
        id.copy_from_slice(&bytes[8..]);
        Self(id)
    }

    /// An id of random bytes from elsewhere. All zero, which names no step, becomes another id.
    #[must_use]
    pub const fn from_random(bytes: [u8; 8]) -> Self {
        if u64::from_ne_bytes(bytes) == 0 { Self([1; 8]) } else { Self(bytes) }
    }
}

/// The bytes in lower-case hexadecimal digits, at the beginning of `text`.
pub(crate) fn hex<'text>(bytes: &[u8], text: &'text mut [u8]) -> &'text str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let length = bytes.len() * 2;
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
}

fn write_hex(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    formatter.write_str(hex(bytes, &mut [0; 32]))
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

macro_rules! hex_id {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, formatter)
            }
        }
    };
}

hex_id!(TraceId);
hex_id!(SpanId);

/// The position in a distributed trace: which trace, which step, whether it is recorded.
///
/// Serialised as its `traceparent` text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    flags: u8,
    state: Option<String>,
}

/// The header value is not a `traceparent` of the W3C recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct InvalidTraceparent;

impl TraceContext {
    /// Starts a new trace that is recorded.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(TraceId::random(), SpanId::random())
    }

    /// Starts a new trace that is recorded, with ids that are random.
    #[must_use]
    pub const fn start_with(trace_id: TraceId, span_id: SpanId) -> Self {
        // Level 2 of the recommendation has a second flag that says that the trace id is random.
        Self { trace_id, span_id, flags: SAMPLED | RANDOM, state: None }
    }

    /// The same trace, one new step further.
    #[must_use]
    pub fn child(&self) -> Self {
        self.clone().child_with(SpanId::random())
    }

    /// The same trace, at the step of this id.
    #[must_use]
    pub fn child_with(self, span_id: SpanId) -> Self {
        Self { span_id, ..self }
    }

    /// The same position with a `tracestate`.
    #[must_use]
    pub fn with_state(mut self, state: Option<String>) -> Self {
        self.state = state;
        self
    }

    /// The same position with the `tracestate` of these header values, in their order; without one if they break its rules
    /// (W3C Trace Context, section 3.3).
    #[must_use]
    pub fn with_states<'a>(self, values: impl Iterator<Item = &'a str>) -> Self {
        self.with_state(state::join(values))
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The step.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Whether whoever started the trace records it.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The vendors' own `tracestate`, passed on untouched.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The value of the `traceparent` header.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let mut text = String::with_capacity(55);
        for (separator, bytes) in [("00-", &self.trace_id.0[..]), ("-", &self.span_id.0), ("-", &[self.flags])] {
            text.push_str(separator);
            text.push_str(hex(bytes, &mut [0; 32]));
        }
        text
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(InvalidTraceparent);
        let (version, trace, span, flags) = (next()?, next()?, next()?, next()?);
        let version: [u8; 1] = parse_hex(version).ok_or(InvalidTraceparent)?;
        let has_more = parts.next().is_some();
        // Version ff is forbidden; version 00 has exactly four fields; later ones may have more.
        if version[0] == 0xff || (version[0] == 0 && has_more) {
            return Err(InvalidTraceparent);
        }
        let trace: [u8; 16] = parse_hex(trace).ok_or(InvalidTraceparent)?;
        let span: [u8; 8] = parse_hex(span).ok_or(InvalidTraceparent)?;
        let flags: [u8; 1] = parse_hex(flags).ok_or(InvalidTraceparent)?;
        if trace == [0; 16] || span == [0; 8] {
            return Err(InvalidTraceparent);
        }
        // Only the bits that version 00 defines are passed on: sampled (1) and, in level 2, random (2).
        Ok(Self { trace_id: TraceId(trace), span_id: SpanId(span), flags: flags[0] & (SAMPLED | RANDOM), state: None })
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.traceparent())
    }
}

impl<'de> Deserialize<'de> for TraceContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
