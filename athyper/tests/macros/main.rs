//! What the macros emit does what they promise: descriptors in the tables, with places, options and working functions.

mod components;
mod config;
mod failures;
mod jobs;
mod modules;
mod ports;
mod rows;
mod schedules;
