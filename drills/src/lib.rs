//! What the drills share: products as child processes, a client that trusts nothing, a ledger that survives a power cut,
//! signals, clocks that jump, and waiting for a condition with a deadline.
//!
//! The drills themselves are the tests of this crate; `RELIABILITY.md` says which fault each of them puts and what passes.
//! They run small by default; `DRILLS=full` runs them in the size of the pass marks.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "drills watch real processes in real time")]

pub mod client;
pub mod clock;
pub mod journal;
pub mod ledger;
pub mod process;
pub mod product;
pub mod size;
pub mod store;
pub mod wait;
