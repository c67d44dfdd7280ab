//! What the macros emit does what they promise: descriptors in the tables, with places, options and working functions.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod components;
mod config;
mod failures;
mod jobs;
mod modules;
mod ports;
mod rows;
mod schedules;
