//! The SQLite adapter, through the ports and the driver table.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cancel_safety;
mod clock;
mod conformance;
mod database;
mod faults;
mod job_queue;
mod leadership;
mod migrations;
mod processes;
mod support;
