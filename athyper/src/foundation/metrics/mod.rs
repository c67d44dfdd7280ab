//! Counters, gauges, histograms and summaries of one kernel, and the text Prometheus reads.
//!
//! A [`MetricsRegistry`] is a value, never a global: each kernel has its own. Asking it for a family checks name, help and labels
//! once; asking the family for a series gives a handle that costs an atomic addition to use, so resolve handles outside of hot
//! paths.

mod family;
mod histogram;
mod name;
mod number;
mod registry;
mod summary;
mod text;

pub use family::Family;
pub use histogram::{Buckets, Histogram};
pub use number::{Counter, Gauge};
pub use registry::MetricsRegistry;
pub use summary::Summary;
