//! Where a job stands.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Envelope, Parent};
use crate::foundation::clock::Timestamp;

/// Where a job stands. A job is in exactly one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// Ready to be taken.
    Waiting,
    /// Not due yet: enqueued with a delay, or backing off after a failure.
    Delayed,
    /// Not runnable by any worker seen so far; tried again later, no attempt counted.
    Parked,
    /// Waiting for its children, which have not all ended.
    #[serde(rename = "waiting-children")]
    WaitingChildren,
    /// In a worker's hands.
    Active,
    /// Done.
    Completed,
    /// Given up.
    Failed,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Delayed,
        Self::Parked,
        Self::WaitingChildren,
        Self::Active,
        Self::Completed,
        Self::Failed,
    ];

    /// The name on the wire and in commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delayed => "delayed",
            Self::Parked => "parked",
            Self::WaitingChildren => "waiting-children",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether the job will not run again by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// How many jobs of a queue stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each field is named as the state it counts")]
pub struct JobCounts {
    pub waiting: u64,
    pub delayed: u64,
    pub parked: u64,
    #[serde(default)]
    pub waiting_children: u64,
    pub active: u64,
    pub completed: u64,
    pub failed: u64,
}

impl JobCounts {
    /// The count of one state.
    #[must_use]
    pub const fn get(&self, state: JobState) -> u64 {
        match state {
            JobState::Waiting => self.waiting,
            JobState::Delayed => self.delayed,
            JobState::Parked => self.parked,
            JobState::WaitingChildren => self.waiting_children,
            JobState::Active => self.active,
            JobState::Completed => self.completed,
            JobState::Failed => self.failed,
        }
    }

    /// Sets the count of one state.
    pub fn set(&mut self, state: JobState, count: u64) {
        *match state {
            JobState::Waiting => &mut self.waiting,
            JobState::Delayed => &mut self.delayed,
            JobState::Parked => &mut self.parked,
            JobState::WaitingChildren => &mut self.waiting_children,
            JobState::Active => &mut self.active,
            JobState::Completed => &mut self.completed,
            JobState::Failed => &mut self.failed,
        } = count;
    }
}

/// Everything a queue knows about one job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    /// The job as it was enqueued.
    pub envelope: Envelope,
    /// The job that waits, or waited, for it, as far as the store still knows.
    pub parent: Option<Parent>,
    /// Where it stands.
    pub state: JobState,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it becomes, or became, ready.
    pub due_at: Timestamp,
    /// When its latest attempt started.
    pub started_at: Option<Timestamp>,
    /// When it completed or failed.
    pub finished_at: Option<Timestamp>,
    /// How often a worker took it; the fencing token of the latest attempt.
    pub attempts_started: u32,
    /// How many attempts count against [`JobOptions::attempts`](super::JobOptions::attempts).
    pub attempts_made: u32,
    /// How often it was taken back from a worker that went silent.
    pub stalls: u32,
    /// What the handler last reported, as JSON.
    pub progress: Option<Bytes>,
    /// What an attempt kept for the next one, as JSON.
    pub checkpoint: Option<Bytes>,
    /// What the handler returned, as JSON.
    pub result: Option<Bytes>,
    /// Why the latest attempt failed, or why the job is parked.
    pub error: Option<String>,
}
