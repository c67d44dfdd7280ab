//! How an attempt learns that it should stop.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// Why an attempt should stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It ran longer than its time-out.
    Timeout,
    /// The job is, or may be, in other hands.
    LostLock,
    /// The process stops and the deadline of its drain has passed.
    Drain,
    /// Somebody cancelled the job.
    Cancelled,
}

/// How an attempt learns that it should stop, and whether its handler listens.
#[derive(Debug, Default)]
pub(super) struct Cancellation {
    token: CancellationToken,
    reason: OnceLock<Reason>,
    listened: AtomicBool,
}

impl Cancellation {
    /// Asks the attempt to stop. The first reason stands.
    pub(super) fn fire(&self, reason: Reason) {
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    /// Why it was asked to stop, if it was.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.reason.get().copied()
    }

    /// Waits until it is asked to stop.
    pub(super) async fn fired(&self) -> Reason {
        self.token.cancelled().await;
        self.reason().unwrap_or(Reason::LostLock)
    }

    /// Waits like [`fired`](Self::fired), on behalf of the handler.
    pub(super) async fn listen(&self) {
        self.listened.store(true, Ordering::Relaxed);
        self.token.cancelled().await;
    }

    /// Looks, on behalf of the handler.
    pub(super) fn look(&self) -> bool {
        self.listened.store(true, Ordering::Relaxed);
        self.token.is_cancelled()
    }

    /// Whether the handler ever asked, and so deserves time to end by itself.
    pub(super) fn is_listened_to(&self) -> bool {
        self.listened.load(Ordering::Relaxed)
    }
}
