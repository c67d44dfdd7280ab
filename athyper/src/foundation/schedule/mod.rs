//! When recurring work is due, and what happens with ticks that were missed or that overlap.

mod civil;
mod cron;
mod expression;
mod policy;
mod ticks;

pub use cron::Cron;
pub use policy::{MissedTicks, Overlap};
pub use ticks::Ticks;
