//! What `#[scheduled]` says of a function.

use crate::foundation::schedule::{MissedTicks, Overlap};
use crate::runtime::jobs::JobDescriptor;

/// What `#[scheduled]` says of a function: when its ticks are due, and the job each tick adds.
#[derive(Debug, Clone, Copy)]
pub struct ScheduleDescriptor {
    /// The schedule's name, unique in the product: the function's name unless given.
    pub name: &'static str,
    /// The cron expression, checked when the product was compiled.
    pub expression: &'static str,
    /// The IANA time zone, checked when the product was compiled.
    pub zone: &'static str,
    /// What happens to ticks that passed while no scheduler ran.
    pub missed: MissedTicks,
    /// What happens to a tick while the job of an earlier one is not finished.
    pub overlap: Overlap,
    /// The handler that a tick's job runs; its payload is [`Tick`](super::Tick).
    pub job: JobDescriptor,
}
