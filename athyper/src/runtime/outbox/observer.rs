//! What a relay counts and measures.

use crate::foundation::clock::Timestamp;
use crate::foundation::error::Result;
use crate::foundation::metrics::{Counter, Family, Gauge, MetricsRegistry};
use crate::foundation::outbox::{OutboxCounts, OutboxState};

/// Counts and measures what a relay does.
#[derive(Debug)]
pub(super) struct Observer {
    moved: Counter,
    refused: Counter,
    faults: Counter,
    messages: Family<Gauge, 2>,
    oldest: Gauge,
    destination: String,
}

impl Observer {
    pub(super) fn new(metrics: &MetricsRegistry, destination: &str) -> Result<Self> {
        let moved = metrics.counter(
            "outbox_moved_total",
            "Messages of the outbox that this process moved to their destination.",
            ["destination"],
        )?;
        let refused = metrics.counter(
            "outbox_refused_total",
            "Messages of the outbox that this process set aside because their destination refused them.",
            ["destination"],
        )?;
        let faults = metrics.counter(
            "outbox_faults_total",
            "Attempts of this process to move messages of the outbox that failed.",
            ["destination"],
        )?;
        let messages = metrics.gauge(
            "outbox_messages",
            "Messages in the outbox by state, as last looked up.",
            ["destination", "state"],
        )?;
        let oldest = metrics.gauge(
            "outbox_oldest_waiting_seconds",
            "For how long the message that waits longest has been in the outbox, as last looked up.",
            ["destination"],
        )?;
        Ok(Self {
            moved: moved.with([destination]),
            refused: refused.with([destination]),
            faults: faults.with([destination]),
            oldest: oldest.with([destination]),
            messages,
            destination: destination.to_owned(),
        })
    }

    pub(super) fn moved(&self, messages: usize) {
        self.moved.add(u64::try_from(messages).unwrap_or(u64::MAX));
    }

    pub(super) fn refused(&self) {
        self.refused.increment();
    }

    pub(super) fn fault(&self) {
        self.faults.increment();
    }

    pub(super) fn looked_up(&self, counts: &OutboxCounts, now: Timestamp) {
        for (state, count) in [(OutboxState::Waiting, counts.waiting), (OutboxState::Failed, counts.failed)] {
            #[allow(clippy::cast_precision_loss, reason = "a gauge need not tell 2^53 messages from one more")]
            self.messages.with([&self.destination, state.as_str()]).set(count as f64);
        }
        let age = counts.oldest_waiting.and_then(|oldest| (now - oldest).to_std().ok()).unwrap_or_default();
        self.oldest.set(age.as_secs_f64());
    }
}
