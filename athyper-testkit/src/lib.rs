//! Tests for athyper products and adapters.

pub mod clock;
pub mod conformance;
