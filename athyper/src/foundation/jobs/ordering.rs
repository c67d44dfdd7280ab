//! In which order a queue hands out its jobs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// In which order a queue hands out its jobs; a property of the queue, which all of its jobs share.
///
/// ```
/// use athyper::jobs::QueueOrdering;
///
/// assert_eq!(QueueOrdering::default(), QueueOrdering::Priority);
/// assert_eq!(QueueOrdering::Fair.to_string(), "fair");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum QueueOrdering {
    /// By priority; among equal ones first come, first served.
    #[default]
    Priority,
    /// First come, first served, whatever the priority says.
    Fifo,
    /// By priority; among equal ones tenants take turns, however many jobs each has waiting. Jobs without a tenant count as
    /// those of one more.
    ///
    /// The turns are those of start-time fair queueing (Goyal, Vin, Cheng, 1996), with each job at the same cost.
    Fair,
}

impl QueueOrdering {
    /// Its name in configuration and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Fifo => "fifo",
            Self::Fair => "fair",
        }
    }
}

impl fmt::Display for QueueOrdering {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
