//! One job as the queue holds it.

use std::collections::VecDeque;
use std::time::Duration;

use super::flows::Child;
use super::store::Reading;
use crate::foundation::clock::Timestamp;
use crate::foundation::jobs::{Claimed, JobRecord, JobState, Lock, NewJob, Priority, Retention, Take};

/// Where a waiting job stands among the others: by priority, then by turn or by when it became ready, then by when it was
/// added.
pub(super) type Place = (Priority, u64, Timestamp, u64);

/// One job as the queue holds it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: JobRecord,
    pub(super) serial_key: Option<String>,
    pub(super) unique_key: Option<String>,
    pub(super) added: u64,
    /// Its turn where tenants take turns; 0 anywhere else.
    pub(super) turn: u64,
    pub(super) locked_until: Duration,
    pub(super) logs: VecDeque<String>,
    /// Whether it was cancelled while it was held.
    pub(super) is_cancelled: bool,
    /// Counts finished jobs, so that they have an order.
    pub(super) concluded: u64,
    /// The jobs that it waits, or waited, for.
    pub(super) children: Vec<Child>,
}

impl Entry {
    pub(super) fn new(job: NewJob, added: u64, now: Timestamp) -> Self {
        Self {
            record: JobRecord {
                envelope: job.envelope,
                parent: job.parent,
                state: JobState::Waiting,
                created_at: now,
                due_at: job.due_at.max(now),
                started_at: None,
                finished_at: None,
                attempts_started: 0,
                attempts_made: 0,
                stalls: 0,
                progress: None,
                checkpoint: None,
                result: None,
                error: None,
            },
            serial_key: job.serial_key,
            unique_key: job.unique.map(|unique| unique.key),
            added,
            turn: 0,
            locked_until: Duration::ZERO,
            logs: VecDeque::new(),
            is_cancelled: false,
            concluded: 0,
            children: Vec::new(),
        }
    }

    pub(super) fn priority(&self) -> Priority {
        self.record.envelope.options.effective_priority()
    }

    pub(super) fn place(&self) -> Place {
        let ready_at = if self.turn > 0 { Timestamp::UNIX_EPOCH } else { self.record.due_at };
        (self.priority(), self.turn, ready_at, self.added)
    }

    pub(super) fn lock(&self) -> Lock {
        let envelope = &self.record.envelope;
        Lock { queue: envelope.queue.clone(), id: envelope.id.clone(), token: self.record.attempts_started }
    }

    pub(super) fn is_held_by(&self, lock: &Lock) -> bool {
        self.record.state == JobState::Active && self.record.attempts_started == lock.token
    }

    /// How long it is kept once it finished as it did.
    pub(super) fn retention(&self) -> Retention {
        let options = &self.record.envelope.options;
        if self.record.state == JobState::Completed { options.keep_completed } else { options.keep_failed }
    }

    /// Puts it into a worker's hands.
    pub(super) fn start(&mut self, request: &Take, now: Reading) -> Claimed {
        self.record.state = JobState::Active;
        self.record.attempts_started = self.record.attempts_started.saturating_add(1);
        self.record.started_at = Some(now.wall);
        self.locked_until = now.since_boot.saturating_add(request.lock_for);
        Claimed {
            envelope: self.record.envelope.clone(),
            lock: self.lock(),
            attempts_made: self.record.attempts_made,
            stalls: self.record.stalls,
            created_at: self.record.created_at,
            due_at: self.record.due_at,
            checkpoint: self.record.checkpoint.clone(),
        }
    }
}
