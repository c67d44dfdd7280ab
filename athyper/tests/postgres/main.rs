//! The PostgreSQL adapter, through the ports and the driver table, on real servers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod leadership;
mod support;
