//! The databases that tests were given, so that a disk need not hold all of them at once.

use std::mem;
use std::time::{Duration, Instant};

/// How long a database stays at least: longer than any test leaves its own without a connection.
const STAYS: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Databases {
    given: u32,
    kept: Vec<(String, Instant)>,
}

impl Databases {
    /// The name of another database, and the old ones, which are no longer kept.
    pub(super) fn next(&mut self) -> (String, Vec<String>) {
        let name = format!("test_{}", self.given);
        self.given += 1;
        let now = now();
        let (old, kept) = mem::take(&mut self.kept).into_iter().partition(|(_, kept)| now - *kept > STAYS);
        self.kept = kept;
        let old: Vec<(String, Instant)> = old;
        (name, old.into_iter().map(|(name, _)| name).collect())
    }

    /// Keeps a database for a while from now.
    pub(super) fn keep(&mut self, name: String) {
        self.kept.push((name, now()));
    }
}

#[allow(clippy::disallowed_methods, reason = "tests of a server run in real time")]
fn now() -> Instant {
    Instant::now()
}
