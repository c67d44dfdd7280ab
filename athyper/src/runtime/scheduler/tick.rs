//! The payload of a schedule's job.

use serde::{Deserialize, Serialize};

use crate::foundation::clock::Timestamp;
use crate::foundation::jobs::JobId;

/// The payload of a schedule's job: which tick it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The schedule's name.
    pub schedule: String,
    /// When the tick was due.
    pub at: Timestamp,
}

impl Tick {
    /// The id of the tick's job: `tick.nightly.20260328T230000Z`. The same tick has the same id whoever fires it. It has no
    /// colon and is no number: BullMQ refuses both in an id.
    #[must_use]
    pub fn job_id(&self) -> JobId {
        JobId::from(format!("tick.{}.{}", self.schedule, self.at.format("%Y%m%dT%H%M%SZ")))
    }
}
