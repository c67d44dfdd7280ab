//! The kernel: checked as a whole, started and stopped in order, several in one process.

mod lifecycle;
mod modes;
mod public_metrics;
mod report;
mod stores;
