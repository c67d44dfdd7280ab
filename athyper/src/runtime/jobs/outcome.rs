//! What a handler can return.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// What a handler may return: `()`, a serialisable value, [`JobOutcome`], or a `Result` of one of them.
#[diagnostic::on_unimplemented(
    message = "a job cannot return `{Self}`",
    note = "a job returns `Result<T>` or `Result<JobOutcome<T>>` with a `T` that is `Serialize + DeserializeOwned`"
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

impl<T, E> JobReturn for Result<JobOutcome<T>, E>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    E: Into<Error>,
{
    type Output = T;

    fn into_outcome(self) -> Result<HandlerOutcome> {
        match self.map_err(Into::into)? {
            JobOutcome::Done(value) => encode(&value),
            JobOutcome::Snooze(delay) => Ok(HandlerOutcome::Snooze(delay)),
            JobOutcome::Discard(reason) => Ok(HandlerOutcome::Discard(reason)),
        }
    }
}

fn encode<T: Serialize>(value: &T) -> Result<HandlerOutcome> {
    match serde_json::to_vec(value) {
        Ok(json) => Ok(HandlerOutcome::Done(Bytes::from(json))),
        Err(error) => Err(Error::internal("the result of the job cannot be written as JSON").with_source(error)),
    }
}
