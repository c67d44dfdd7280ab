//! Fires schedules: one leader of all processes adds one job a tick.

mod descriptor;
mod due;
mod firing;
mod leading;
mod observer;
mod options;
mod plan;
mod schedule;
mod service;
mod status;
mod term;
mod tick;

pub use descriptor::ScheduleDescriptor;
pub use options::SchedulerOptions;
pub use plan::{NextTick, SchedulePlan};
pub use schedule::{Schedule, ScheduleBuilder};
pub use service::{FiredTick, Scheduler, SchedulerPorts};
pub use tick::Tick;
