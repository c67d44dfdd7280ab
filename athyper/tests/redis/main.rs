//! The Redis adapter, through the ports and the driver table.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
mod conformance;
mod durability;
mod errors;
mod faults;
mod interop;
mod layout;
mod leadership;
mod support;
