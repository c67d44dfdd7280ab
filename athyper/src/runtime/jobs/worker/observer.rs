//! What the pool counts and measures.

use std::time::Duration;

use crate::foundation::clock::Clock;
use crate::foundation::jobs::{Claimed, Outcome, QueueName};

/// Counts and measures what a pool does.
#[derive(Debug, Default)]
pub(super) struct Observer;

/// An attempt under way.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) started: Duration,
}

impl Observer {
    pub(super) fn started(&self, _: &Claimed, clock: &dyn Clock) -> Ran {
        Ran { started: clock.since_boot() }
    }

    pub(super) fn ended(&self, claimed: &Claimed, outcome: Option<&Outcome>, ran: &Ran, clock: &dyn Clock) {
        let took = clock.since_boot().saturating_sub(ran.started);
        tracing::debug!(queue = %claimed.envelope.queue, kind = %claimed.envelope.kind, ?took, ?outcome, "an attempt ended");
    }

    pub(super) fn stalled(&self, _: &QueueName) {}

    pub(super) fn failed_by_stalls(&self, _: &QueueName, _: &str) {}
}
