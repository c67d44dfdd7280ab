//! The clock of a store under test.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use athyper::clock::{Clock, Timestamp};

use super::StoreTime;
use crate::clock::VirtualClock;

/// The clock to open a store with when a suite is to move it: it is a [`VirtualClock`], and its machine can restart once
/// while the store stays open, as a store on a disk is still there afterwards.
#[derive(Debug)]
pub struct StoreClock {
    first: Arc<VirtualClock>,
    second: OnceLock<Arc<VirtualClock>>,
    outlives_restart: bool,
}

impl StoreClock {
    /// The clock of a store that is still there after the machine restarted.
    #[must_use]
    pub fn durable() -> Arc<Self> {
        Arc::new(Self { first: VirtualClock::new(), second: OnceLock::new(), outlives_restart: true })
    }

    /// The clock of a store that is gone with the machine, or has a clock of its own: no case restarts it.
    #[must_use]
    pub fn volatile() -> Arc<Self> {
        Arc::new(Self { first: VirtualClock::new(), second: OnceLock::new(), outlives_restart: false })
    }

    fn current(&self) -> &VirtualClock {
        self.second.get().unwrap_or(&self.first)
    }
}

#[async_trait]
impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        self.current().now()
    }

    fn since_boot(&self) -> Duration {
        self.current().since_boot()
    }

    fn boot_id(&self) -> &str {
        self.current().boot_id()
    }

    async fn sleep_until(&self, deadline: Duration) {
        self.current().sleep_until(deadline).await;
    }
}

#[async_trait]
impl StoreTime for StoreClock {
    async fn pass(&self, duration: Duration) {
        self.current().advance(duration).await;
    }

    async fn jump_wall_clock(&self, ahead: Duration) {
        self.current().set(self.now() + ahead);
    }

    async fn restart_machine(&self) -> bool {
        self.outlives_restart && self.second.set(self.first.restarted()).is_ok()
    }
}
