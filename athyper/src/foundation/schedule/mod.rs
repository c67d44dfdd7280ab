//! When recurring work is due, and the port that remembers which ticks were fired.

mod cron;
mod policy;
mod store;

pub use cron::Cron;
pub use policy::{MissedTicks, Overlap};
pub use store::{Fire, Fired, ScheduleRecord, ScheduleStore};
