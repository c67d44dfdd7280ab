//! What happens to ticks that nobody was there to fire, and to ticks that come too early.

use serde::{Deserialize, Serialize};

/// What happens to the ticks that passed while no scheduler ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedTicks {
    /// They are passed over.
    Skip,
    /// The latest one is fired, the others are passed over.
    #[default]
    Once,
    /// Each one is fired, up to the last 1,000.
    All,
}

/// What happens to a tick while the job of an earlier tick is not finished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The tick is passed over.
    #[default]
    Skip,
    /// Its job waits until the earlier one is finished.
    Queue,
    /// Both run.
    Allow,
}
