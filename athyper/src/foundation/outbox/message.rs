//! What lies in an outbox.

use bytes::Bytes;

use crate::foundation::clock::Timestamp;
use crate::foundation::context::Context;

/// A message that is written in a transaction, and moved to another store after the commit.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxMessage {
    /// Names the message in its outbox.
    pub id: String,
    /// Where it is to be moved, such as [`JOBS`](super::JOBS).
    pub destination: String,
    /// What it is about, such as the queue of its jobs: for people.
    pub key: String,
    /// What the destination understands.
    pub payload: Bytes,
    /// Whether it is moved by itself, and not together with others.
    pub alone: bool,
    /// On whose behalf it was written.
    pub context: Context,
}

/// Where a message stands. What was moved is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutboxState {
    /// It waits to be moved, or is being moved.
    Waiting,
    /// Its destination refused it: it waits for a person.
    Failed,
}

impl OutboxState {
    /// Every state.
    pub const ALL: [Self; 2] = [Self::Waiting, Self::Failed];

    /// The name in commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }
}

/// A message as it lies in its outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRecord {
    /// The message.
    pub message: OutboxMessage,
    /// When it was written.
    pub created_at: Timestamp,
    /// When its destination refused it.
    pub failed_at: Option<Timestamp>,
    /// Why.
    pub error: Option<String>,
}

impl OutboxRecord {
    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> OutboxState {
        if self.failed_at.is_some() { OutboxState::Failed } else { OutboxState::Waiting }
    }
}

/// Which messages to list.
#[derive(Debug, Clone)]
pub struct OutboxFilter {
    /// In which state; both when there is none.
    pub state: Option<OutboxState>,
    /// How many to pass over.
    pub offset: u64,
    /// How many at most.
    pub limit: u64,
}

impl Default for OutboxFilter {
    /// The first 100 of any state.
    fn default() -> Self {
        Self { state: None, offset: 0, limit: 100 }
    }
}

/// How many messages for a destination stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// How many wait.
    pub waiting: u64,
    /// How many were refused.
    pub failed: u64,
    /// When the oldest of those that wait was written.
    pub oldest_waiting: Option<Timestamp>,
}
