//! Closing what was built, in reverse order.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;

use super::Instance;
use super::provider::{CloseInstance, Provider, Source};
use super::slot::Value;
use crate::foundation::clock::{Clock, ClockExt};
use crate::foundation::container::Place;
use crate::foundation::error::{Error, ErrorKind, Result};

/// A component that did not close as it should.
#[derive(Debug)]
pub struct CloseFailure {
    /// What it is in the source, such as ``factory `mailer` ``.
    pub label: String,
    /// Where it stands.
    pub place: Place,
    /// What went wrong.
    pub error: Error,
    /// Whether it was given up because it took too long.
    pub overran: bool,
}

struct Open {
    label: String,
    place: Place,
    close: Arc<CloseInstance>,
    component: Component,
}

enum Component {
    /// Where it was put when it was built.
    Built(Value),
    /// It was there from the start.
    Given(Instance),
}

#[derive(Default)]
struct State {
    closed: bool,
    open: Vec<Open>,
}

/// The components to be closed, in the order they were built.
#[derive(Default)]
pub(super) struct Closing(Mutex<State>);

impl Closing {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a component into its place, to be closed later; gives it back when everything is closed already.
    pub(super) fn admit(&self, provider: &Provider, value: &Value, instance: Instance) -> Result<(), Instance> {
        let mut state = self.state();
        if state.closed {
            return Err(instance);
        }
        value.set(instance)?;
        if let Some(close) = provider.close.clone() {
            let component = Component::Built(Arc::clone(value));
            state.open.push(Open { label: provider.label.clone(), place: provider.place, close, component });
        }
        Ok(())
    }

    /// Whether there is anything to close.
    pub(super) fn is_due(&self) -> bool {
        !self.state().open.is_empty()
    }

    /// Notes a component that was there from the start.
    pub(super) fn admit_given(&self, provider: &Provider) {
        if let (Some(close), Source::Ready(ready)) = (provider.close.clone(), &provider.source) {
            let component = Component::Given(ready());
            self.state().open.push(Open { label: provider.label.clone(), place: provider.place, close, component });
        }
    }

    /// Closes each component once, the last one first, and nothing is built any more. Each gets the time of `limit`.
    pub(super) async fn close(&self, limit: Option<(&dyn Clock, Duration)>) -> Vec<CloseFailure> {
        self.state().closed = true;
        let mut failures = Vec::new();
        loop {
            let Some(open) = self.state().open.pop() else { return failures };
            let instance = match &open.component {
                Component::Given(instance) => Some(instance),
                Component::Built(value) => value.get(),
            };
            let Some(instance) = instance else { continue };
            let closing = close_one(&*open.close, instance);
            let outcome = match limit {
                None => Some(closing.await),
                Some((clock, time)) => clock.timeout(time, closing).await,
            };
            let overran = outcome.is_none();
            let late = || Err(Error::new(ErrorKind::Timeout, "closing did not end in time"));
            if let Err(error) = outcome.unwrap_or_else(late) {
                failures.push(CloseFailure { label: open.label, place: open.place, error, overran });
            }
        }
    }
}

/// Closes one component; a panic is an error like others.
pub(super) async fn close_one(close: &CloseInstance, instance: &Instance) -> Result<()> {
    match AssertUnwindSafe(async { close(instance).await }).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(Error::internal(format!("closing panicked: {}", panic_text(&*panic)))),
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

impl fmt::Debug for Closing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Closing").field("open", &self.state().open.len()).finish_non_exhaustive()
    }
}

impl fmt::Display for CloseFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}) did not close: {}", self.label, self.place, self.error.report())
    }
}
