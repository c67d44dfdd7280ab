//! The queue in memory keeps every rule of the port; how queues are opened for the comparison with a model.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use athyper::clock::Clock;
use athyper::driver::{DriverContext, SharedConnections, drivers};
use athyper::jobs::{JobQueue, MemoryJobQueue};
use athyper_testkit::clock::VirtualClock;
use athyper_testkit::conformance::StoreTime;
use athyper_testkit::conformance::job_queue::JobQueueFixture;

/// The time of a store that does not outlive the process, and so no restart of the machine.
struct Time(Arc<VirtualClock>);

#[async_trait]
impl StoreTime for Time {
    async fn pass(&self, duration: Duration) {
        self.0.advance(duration).await;
    }

    async fn jump_wall_clock(&self, ahead: Duration) {
        self.0.set(self.0.now() + ahead);
    }

    async fn restart_machine(&self) -> bool {
        false
    }
}

pub(crate) async fn memory_fixture() -> JobQueueFixture {
    let clock = VirtualClock::new();
    let queue: Arc<dyn JobQueue> = Arc::new(MemoryJobQueue::new(clock.clone()));
    JobQueueFixture { other: queue.clone(), queue, clock: clock.clone(), time: Arc::new(Time(clock)), database: None }
}

/// A queue in a private SQLite database; its own suite runs with the adapter's tests.
pub(crate) async fn sqlite_fixture() -> JobQueueFixture {
    let clock = VirtualClock::new();
    let url = "sqlite::memory:".to_owned();
    let context = DriverContext { url, clock: clock.clone(), shared: Arc::new(SharedConnections::default()) };
    let driver = drivers().find(|driver| driver.scheme == "sqlite").expect("the SQLite driver is linked in");
    let queue = driver.jobs.expect("the driver opens job queues")(&context).await.unwrap();
    JobQueueFixture { other: queue.clone(), queue, clock: clock.clone(), time: Arc::new(Time(clock)), database: None }
}

mod on_memory {
    athyper_testkit::job_queue_conformance!(super::memory_fixture);
}
