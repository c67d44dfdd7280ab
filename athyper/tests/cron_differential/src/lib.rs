//! Compares athyper's cron ticks with those of two other implementations.

pub mod cases;
pub mod comparison;
pub mod croniter;
pub mod differences;
pub mod expressions;
pub mod local;
pub mod peers;
pub mod reading;
pub mod rust_cron;
