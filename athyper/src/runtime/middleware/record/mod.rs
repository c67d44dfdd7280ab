//! The request record: opened outermost, closed when the response has ended, counted and logged once.

mod body;
mod layer;
mod log;
mod metrics;

pub use layer::{LoggingLayer, MetricsLayer, RequestRecordLayer};

pub(crate) use body::OpenRecord;
