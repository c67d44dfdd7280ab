//! The payload of a schedule's job.

use serde::{Deserialize, Serialize};

use crate::foundation::clock::Timestamp;

/// The payload of a schedule's job: which tick it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The schedule's name.
    pub schedule: String,
    /// When the tick was due.
    pub at: Timestamp,
}
