//! The Redis adapter, through the ports and the driver table.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
mod cluster;
mod cluster_conformance;
mod conformance;
mod durability;
mod errors;
mod faults;
mod interop;
mod layout;
mod leadership;
mod sentinel;
mod slots;
mod support;
mod tls;
mod topologies;
mod users;
mod work;
