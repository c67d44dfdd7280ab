//! Schedules: cron expressions in time zones, and the scheduler that fires them.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod cron;
mod cron_properties;
mod faults;
mod firing;
mod leadership;
mod leading;
mod plan;
mod replaced;
mod support;
mod versions;
