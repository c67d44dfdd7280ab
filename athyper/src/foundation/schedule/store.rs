//! The port that remembers, with the jobs, which ticks were fired.

use std::fmt;

use async_trait::async_trait;

use super::Overlap;
use crate::foundation::clock::Timestamp;
use crate::foundation::error::Result;
use crate::foundation::jobs::{JobId, NewJob};

/// What the store remembers of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// The schedule's name.
    pub name: String,
    /// Its expression and zone as text; when it changes, ticks count from the change.
    pub definition: String,
    /// The latest tick that was fired or passed over; a tick at or before it never fires again.
    pub high_water: Timestamp,
    /// The fencing epoch of the leader that last moved the mark.
    pub epoch: u64,
    /// The job of the latest tick that was fired.
    pub last_job: Option<JobId>,
}

/// A tick to be fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Fire {
    /// The schedule's name.
    pub schedule: String,
    /// The fencing epoch of the leader that asks.
    pub epoch: u64,
    /// The tick.
    pub tick: Timestamp,
    /// What happens while the job of an earlier tick is not finished.
    pub overlap: Overlap,
    /// The job to add; `None` passes the tick over.
    pub job: Option<NewJob>,
}

/// What became of a [`Fire`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fired {
    /// The mark moved and the job was added.
    Added(JobId),
    /// The mark moved and no job was added: passed over, or the earlier job is not finished.
    Skipped,
    /// The tick is at or before the mark: it was fired already.
    AlreadyFired,
    /// A leader with a later epoch has moved the mark: whoever asks leads no more.
    StaleLeader,
    /// The schedule was removed.
    Unknown,
}

/// The port of schedules, implemented by each job queue's store.
#[async_trait]
pub trait ScheduleStore: Send + Sync + fmt::Debug {
    /// Makes the store hold exactly these schedules `(name, definition)`: new and changed ones start with their mark at
    /// `now`, others keep theirs, and those not named disappear. Refused (`false`) for an epoch older than any record's.
    async fn declare(&self, epoch: u64, now: Timestamp, schedules: &[(String, String)]) -> Result<bool>;

    /// What is remembered, sorted by name.
    async fn records(&self) -> Result<Vec<ScheduleRecord>>;

    /// Moves a schedule's mark to a tick and adds the tick's job, both or neither.
    async fn fire(&self, fire: Fire) -> Result<Fired>;
}
