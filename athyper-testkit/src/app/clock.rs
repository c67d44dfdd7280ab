//! The test's hand on time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use athyper::clock::{Clock, Timestamp};

use super::driver::Driver;

/// Time under test. It stands still unless the test moves it.
#[derive(Clone)]
pub struct TestClock {
    driver: Arc<Driver>,
}

impl fmt::Debug for TestClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("TestClock").field(&self.now()).finish()
    }
}

impl TestClock {
    pub(super) fn new(driver: Arc<Driver>) -> Self {
        Self { driver }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.driver.clock.now()
    }

    /// Sets the wall clock, as if somebody had moved its hands: nothing runs and no time has passed.
    ///
    /// # Panics
    /// When the text is not an instant of RFC 3339, such as `2026-03-28T22:59:00Z`.
    #[track_caller]
    pub fn set(&self, instant: &str) {
        match instant.parse::<Timestamp>() {
            Ok(instant) => self.driver.clock.set(instant),
            Err(error) => panic!("`{instant}` is not an instant such as 2026-03-28T22:59:00Z: {error}"),
        }
    }

    /// Lets time pass: fires the ticks and runs the jobs that become due on the way, each at its own time, to the end.
    ///
    /// # Panics
    /// When a job neither ends nor waits for the clock within ten seconds of real time.
    pub async fn advance(&self, duration: Duration) {
        self.driver.advance(duration).await;
    }

    /// Lets minutes pass, as [`advance`](Self::advance).
    pub async fn advance_minutes(&self, minutes: u64) {
        self.advance(Duration::from_secs(minutes * 60)).await;
    }

    /// Lets hours pass, as [`advance`](Self::advance).
    pub async fn advance_hours(&self, hours: u64) {
        self.advance(Duration::from_secs(hours * 3600)).await;
    }
}
