//! Schedules: cron expressions in time zones, and the scheduler that fires them.

mod cron;
mod cron_properties;
