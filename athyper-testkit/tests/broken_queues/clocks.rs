//! Clocks for queues that ask the wrong one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use athyper::clock::{Clock, Timestamp};
use athyper_testkit::clock::VirtualClock;

use crate::fault::Fault;

/// A clock that shows one of its readings in the place of the other.
#[derive(Debug)]
pub(crate) struct CrookedClock {
    clock: Arc<VirtualClock>,
    fault: Option<Fault>,
    start: (Timestamp, Duration),
}

impl CrookedClock {
    pub(crate) fn new(clock: Arc<VirtualClock>, fault: Option<Fault>) -> Self {
        let start = (clock.now(), clock.since_boot());
        Self { clock, fault, start }
    }
}

#[async_trait]
impl Clock for CrookedClock {
    fn now(&self) -> Timestamp {
        match self.fault {
            Some(Fault::DueByBootClock) => self.start.0 + (self.clock.since_boot() - self.start.1),
            _ => self.clock.now(),
        }
    }

    fn since_boot(&self) -> Duration {
        match self.fault {
            Some(Fault::LocksByWallClock) => {
                self.start.1 + (self.clock.now() - self.start.0).to_std().unwrap_or_default()
            }
            _ => self.clock.since_boot(),
        }
    }

    fn boot_id(&self) -> &str {
        self.clock.boot_id()
    }

    async fn sleep_until(&self, deadline: Duration) {
        self.clock.sleep_until(deadline).await;
    }
}
