//! The SQLite adapter, through the ports and the driver table.

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
