//! The PostgreSQL adapter, through the ports and the driver table, on real servers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod database;
mod faults;
mod job_queue;
mod leadership;
mod limits;
mod pooled;
mod pooled_conformance;
mod replica;
mod support;
