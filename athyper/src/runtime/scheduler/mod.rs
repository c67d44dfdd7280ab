//! Fires schedules: one leader of all processes adds one job a tick.

mod descriptor;
mod due;
mod options;
mod plan;
mod schedule;
mod scheduler;
mod status;
mod term;
mod tick;

pub use descriptor::ScheduleDescriptor;
pub use options::SchedulerOptions;
pub use plan::{NextTick, SchedulePlan};
pub use schedule::{Schedule, ScheduleBuilder};
pub use scheduler::{FiredTick, Scheduler, SchedulerPorts};
pub use tick::Tick;
