//! What a handler can return.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::payload::encode;
use crate::foundation::error::{Error, Result};

/// What a handler asks for besides success and failure. Outcomes are values, not errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome<T = ()> {
    /// It is done.
    Done(T),
    /// Run it again after a while; the attempt does not count.
    Snooze(Duration),
    /// Give it up for a reason; it counts as failed and is not tried again.
    Discard(String),
}

/// What became of a handler's run, with its result encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandlerOutcome {
    /// It is done, with its result as JSON.
    Done(Bytes),
    /// Run it again after a while.
    Snooze(Duration),
    /// Give it up for a reason.
    Discard(String),
}

/// What a handler may return: `()`, [`JobOutcome<T>`], `Result<T>` or `Result<JobOutcome<T>>`, with any error type that
/// becomes an [`Error`].
#[diagnostic::on_unimplemented(
    message = "a job cannot return `{Self}`",
    label = "not what a job can return",
    note = "a job returns `Result<T>` or `Result<JobOutcome<T>>` with a `T` that is `Serialize + DeserializeOwned`",
    note = "and with an error that becomes `athyper::Error`, such as one with `#[derive(Failure)]`"
)]
pub trait JobReturn {
    /// The typed result.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Encodes it.
    ///
    /// # Errors
    /// The handler's own error, or `Internal` when the result cannot be encoded.
    fn into_outcome(self) -> Result<HandlerOutcome>;
}

/// What stands inside the `Result` of a handler: a value, or a [`JobOutcome`].
#[diagnostic::on_unimplemented(
    message = "a job cannot return `Result<{Self}>`",
    note = "a job returns `Result<T>` or `Result<JobOutcome<T>>` with a `T` that is `Serialize + DeserializeOwned`"
)]
pub trait JobValue {
    /// The typed result.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Encodes it.
    ///
    /// # Errors
    /// `Internal` when the result cannot be encoded.
    fn into_outcome(self) -> Result<HandlerOutcome>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> JobValue for T {
    type Output = T;

    fn into_outcome(self) -> Result<HandlerOutcome> {
        encode("the result of the job", &self).map(HandlerOutcome::Done)
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static> JobValue for JobOutcome<T> {
    type Output = T;

    fn into_outcome(self) -> Result<HandlerOutcome> {
        match self {
            Self::Done(value) => JobValue::into_outcome(value),
            Self::Snooze(delay) => Ok(HandlerOutcome::Snooze(delay)),
            Self::Discard(reason) => Ok(HandlerOutcome::Discard(reason)),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<V: JobValue, E: Into<Error>> JobReturn for Result<V, E> {
    type Output = V::Output;

    fn into_outcome(self) -> Result<HandlerOutcome> {
        self.map_err(Into::into)?.into_outcome()
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static> JobReturn for JobOutcome<T> {
    type Output = T;

    fn into_outcome(self) -> Result<HandlerOutcome> {
        JobValue::into_outcome(self)
    }
}

impl JobReturn for () {
    type Output = ();

    fn into_outcome(self) -> Result<HandlerOutcome> {
        JobValue::into_outcome(self)
    }
}
