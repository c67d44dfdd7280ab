//! When recurring work is due, and the port that remembers which ticks were fired.

mod civil;
mod cron;
mod expression;
mod policy;
mod store;
mod ticks;

pub use cron::Cron;
pub use policy::{MissedTicks, Overlap};
pub use store::{Fire, Fired, ScheduleRecord, ScheduleStore};
pub use ticks::Ticks;
