//! Schedules: cron expressions in time zones, and the scheduler that fires them.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod cron;
mod cron_properties;
mod firing;
mod leadership;
mod leading;
mod replaced;
mod support;
