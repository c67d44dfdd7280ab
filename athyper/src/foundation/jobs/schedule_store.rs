//! The port that remembers, with the jobs, which ticks were fired.

use std::fmt;

use async_trait::async_trait;

use super::{JobId, NewJob};
use crate::foundation::clock::Timestamp;
use crate::foundation::error::Result;
use crate::foundation::schedule::Overlap;

/// What the store remembers of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// The schedule's name.
    pub name: String,
    /// Its expression and zone as text; when it changes, ticks count from the change.
    pub definition: String,
    /// The latest tick that was fired or passed over; a tick at or before it never fires again.
    pub high_water: Timestamp,
    /// The fencing epoch of the leader that last declared the schedule.
    pub epoch: u64,
    /// When the process began whose declaration it is.
    pub since: Timestamp,
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
    /// A leader with a later epoch has declared the schedule: whoever asks leads no more.
    StaleLeader,
    /// The schedule was removed.
    Unknown,
}

/// The port of schedules, implemented by each job queue's store.
///
/// Each call is one transaction of the store. What fences a leader that was replaced and does not know it: its successor
/// [declares](Self::declare) with a later epoch before it fires anything, and from then on every earlier epoch is refused.
#[async_trait]
pub trait ScheduleStore: Send + Sync + fmt::Debug {
    /// Makes the store hold exactly these schedules `(name, definition)`: new and changed ones start with their mark at
    /// `now`, others keep theirs, and those not named disappear (their jobs stay). Every record takes over `epoch` and `since`,
    /// the time at which the declaring process began.
    ///
    /// While a new version of a product replaces an old one, processes of both may lead. Those of the new one began later: if
    /// any record's `since` is later than this one, and not later than `now`, the records stay as they are and only take over
    /// `epoch`.
    ///
    /// Refused (`false`), with nothing changed, for an epoch older than any record's.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn declare(
        &self,
        epoch: u64,
        since: Timestamp,
        now: Timestamp,
        schedules: &[(String, String)],
    ) -> Result<bool>;

    /// What is remembered, sorted by name.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn records(&self) -> Result<Vec<ScheduleRecord>>;

    /// Moves a schedule's mark to a tick and adds the tick's job, both or neither.
    ///
    /// In this order: [`Fired::Unknown`] without a record, [`Fired::StaleLeader`] for an epoch older than the record's,
    /// [`Fired::AlreadyFired`] for a tick at or before the mark. Otherwise the mark moves; with [`Overlap::Skip`] no job is
    /// added while the record's last job exists and is neither completed nor failed.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached; `UnknownOutcome` when the tick may have been fired: asking again is
    /// safe and tells.
    async fn fire(&self, fire: Fire) -> Result<Fired>;
}
