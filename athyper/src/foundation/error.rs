//! The framework's error: one pointer wide, with a kind that says what the caller can do about it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A result whose error is [`athyper::Error`](Error) unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input breaks a rule; the same input will fail again.
    Invalid,
    /// The caller did not say, or did not prove, who it is.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// What was asked for does not exist.
    NotFound,
    /// The current state contradicts the request: a duplicate, a lost race, a stale version.
    Conflict,
    /// The input is larger than the limit.
    TooLarge,
    /// Too many requests; [`Error::retry_after`] may say when to come back.
    RateLimited,
    /// It took longer than allowed; nothing is known to have been done.
    Timeout,
    /// A dependency cannot be reached right now; trying again may help.
    Unavailable,
    /// The work was cancelled on purpose.
    Cancelled,
    /// A write was sent and its outcome is not known: check before repeating it.
    UnknownOutcome,
    /// The program is configured or wired wrongly; it cannot start like this.
    Configuration,
    /// A defect: report it.
    Internal,
}

impl ErrorKind {
    /// The HTTP status that tells this kind to a client (RFC 9110).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid => 422,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Timeout => 504,
            Self::Unavailable => 503,
            Self::Cancelled => 499,
            Self::UnknownOutcome | Self::Configuration | Self::Internal => 500,
        }
    }

    /// Whether repeating the same call may succeed without anybody changing anything.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::RateLimited | Self::Timeout | Self::Unavailable)
    }

    /// The stable code used when the error names none of its own.
    #[must_use]
    pub const fn default_code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::TooLarge => "too-large",
            Self::RateLimited => "rate-limited",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Cancelled => "cancelled",
            Self::UnknownOutcome => "unknown-outcome",
            Self::Configuration => "configuration",
            Self::Internal => "internal",
        }
    }
}

/// One field of the input that broke a rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) to the value, `""` for the whole document.
    pub pointer: String,
    /// A stable code of the rule, such as `email` or `length`.
    pub code: String,
    /// What is wrong, for a person.
    pub detail: String,
}

struct Inner {
    kind: ErrorKind,
    code: &'static str,
    status: Option<u16>,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    fields: Vec<FieldError>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, for the program ([`kind`](Self::kind), [`code`](Self::code)) and for a person
/// (`Display`, and the chain of [sources](StdError::source)).
///
/// A message of kind [`Internal`](ErrorKind::Internal), [`Configuration`](ErrorKind::Configuration),
/// [`Unavailable`](ErrorKind::Unavailable) or [`UnknownOutcome`](ErrorKind::UnknownOutcome) is for
/// operators: it is logged and never sent to an HTTP client.
///
/// ```
/// use athyper::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Conflict, "that address is taken").with_code("user-taken");
/// assert_eq!(error.status(), 409);
/// assert_eq!(error.code(), "user-taken");
/// assert_eq!(error.to_string(), "that address is taken");
/// ```
pub struct Error(Box<Inner>);

impl Error {
    /// An error of `kind` with a message for a person.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            code: kind.default_code(),
            status: None,
            message: message.into(),
            retry_after: None,
            fields: Vec::new(),
            source: None,
        }))
    }

    /// Input that breaks a rule.
    #[must_use]
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Something that does not exist.
    #[must_use]
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// A dependency that cannot be reached right now.
    #[must_use]
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// A program that is configured or wired wrongly.
    #[must_use]
    pub fn configuration(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    /// A defect.
    #[must_use]
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Sets the stable code that programs compare.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = code;
        self
    }

    /// Sets an HTTP status other than the kind's.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Names the fields that broke a rule.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Puts a sentence in front and keeps kind, code and status: `context: message`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = Cow::Owned(format!("{context}: {}", self.0.message));
        self
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The HTTP status that tells it to a client.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status.unwrap_or(self.0.kind.status())
    }

    /// The message without its sources.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// When trying again makes sense, if known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The fields that broke a rule.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// The message followed by every source, joined with `: `; for logs. A source whose text the message ends with
    /// already is not repeated.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.0.message.to_string();
        let mut source = StdError::source(self);
        while let Some(error) = source {
            let words = error.to_string();
            if !text.ends_with(&words) {
                text.push_str(": ");
                text.push_str(&words);
            }
            source = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} [{}] {}", self.0.kind, self.0.code, self.report())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

macro_rules! from_error {
    ($($type:ty => $kind:ident, $message:literal;)*) => {$(
        impl From<$type> for Error {
            fn from(error: $type) -> Self {
                Self::new(ErrorKind::$kind, $message).with_source(error)
            }
        }
    )*};
}

from_error! {
    std::io::Error => Internal, "input or output failed";
    serde_json::Error => Invalid, "a JSON document does not fit";
    std::num::ParseIntError => Invalid, "not a whole number";
    std::string::FromUtf8Error => Invalid, "not UTF-8";
}

/// Turns any error of a library into an [`Error`] with a sentence of context.
///
/// ```
/// use athyper::{ErrorKind, ResultExt};
///
/// let parsed = "x".parse::<u16>().or_error(ErrorKind::Invalid, "the port is not a number");
/// assert_eq!(parsed.unwrap_err().kind(), ErrorKind::Invalid);
/// ```
pub trait ResultExt<T> {
    /// Makes the error one of `kind`, with `message`, keeping the original as its source.
    ///
    /// # Errors
    /// When `self` is an error.
    fn or_error(self, kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> ResultExt<T> for std::result::Result<T, E> {
    fn or_error(self, kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Result<T> {
        self.map_err(|source| Error::new(kind, message).with_source(source))
    }
}
