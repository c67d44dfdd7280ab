//! The other implementations.

use serde::Deserialize;

/// Another implementation of cron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// The Rust crate `cron`.
    RustCron,
    /// The Python package `croniter`.
    Croniter,
}

/// What a peer made of a case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Its ticks, a list a window.
    Ticks(Vec<Vec<i64>>),
    /// It does not understand the expression.
    Refused(String),
}
