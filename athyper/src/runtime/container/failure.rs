//! A constructor that failed, and the chain that wanted it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::foundation::container::Place;
use crate::foundation::error::{Error, ErrorKind};

/// Why a component could not be built. It is kept as the source of the [`Error`], so that each level on the way up can
/// add itself to the chain, and it is cheap to copy, so that everybody who waited for the same attempt gets it.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    kind: ErrorKind,
    chain: String,
    cause: Arc<Error>,
}

impl Failure {
    /// The failure of the constructor at `place` with `error`, as long-lived components fail: an error that would
    /// blame a client for the input is a fault of the program here.
    pub(super) fn new(error: Error, what: &str, label: &str, place: Place) -> Self {
        if let Some(inner) = Self::of(&error) {
            return Self { chain: format!("{}, wanted by {label} ({place})", inner.chain), ..inner.clone() };
        }
        let kind = match error.kind() {
            ErrorKind::Configuration => ErrorKind::Configuration,
            ErrorKind::UnknownOutcome => ErrorKind::UnknownOutcome,
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        };
        Self { kind, chain: format!("while building `{what}` ({place})"), cause: Arc::new(error) }
    }

    /// Adds whoever asked the container in the first place.
    pub(super) fn for_origin(error: Error, origin: &str) -> Error {
        match Self::of(&error) {
            Some(inner) => Self { chain: format!("{}, wanted by {origin}", inner.chain), ..inner.clone() }.into(),
            None => error.context(format_args!("wanted by {origin}")),
        }
    }

    /// The failure inside an error, unless somebody put words of their own around it.
    pub(super) fn of(error: &Error) -> Option<&Self> {
        let failure = error.source()?.downcast_ref::<Self>()?;
        (error.message() == failure.message()).then_some(failure)
    }

    fn message(&self) -> String {
        format!("{}: {}", self.chain, self.cause.message())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.cause.message())
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let mut error = Self::new(failure.kind, failure.message());
        if failure.cause.kind() == failure.kind || failure.cause.code() != failure.cause.kind().default_code() {
            error = error.with_code(failure.cause.code());
        }
        if let Some(after) = failure.cause.retry_after() {
            error = error.with_retry_after(after);
        }
        error.with_source(failure)
    }
}

/// Whether an error of a request's own component is an answer to whoever sent the request, not a fault: it passes as it is.
pub(super) fn is_answer(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Invalid
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::TooLarge
            | ErrorKind::RateLimited
            | ErrorKind::Cancelled
    )
}
