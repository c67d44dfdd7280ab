//! Tests for athyper products and adapters.

pub mod conformance;
