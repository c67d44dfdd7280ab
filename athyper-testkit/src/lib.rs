//! Tests for athyper products and adapters.

pub mod clock;
pub mod conformance;
pub mod http;

mod app;

#[doc(hidden)]
pub use app::run_test;
pub use app::{Replace, TestApp, TestClock, TestJobs, check_graph};
