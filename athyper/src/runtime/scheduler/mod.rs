//! Fires schedules: one leader of all processes adds one job a tick.

mod descriptor;
mod tick;

pub use descriptor::ScheduleDescriptor;
pub use tick::Tick;
