//! Leases on SQLite: the conformance suite, with two stores on one file.

use std::sync::Arc;
use std::time::Duration;

use athyper::leadership::Leadership;
use athyper_testkit::conformance::leadership::LeadershipFixture;

use crate::clock::{MachineClock, TimeOf};
use crate::support::{Folder, context_with, driver};

async fn open(url: &str, clock: &Arc<MachineClock>) -> Arc<dyn Leadership> {
    let open = driver().leases.expect("the driver opens leases");
    open(&context_with(url, clock.clone())).await.unwrap()
}

async fn fixture() -> LeadershipFixture {
    let folder = Folder::new();
    let url = folder.url("leases.db?synchronous=normal");
    let clock = MachineClock::new();
    let (leadership, other) = (open(&url, &clock).await, open(&url, &clock).await);
    LeadershipFixture { leadership, other, time: Arc::new(TimeOf { clock, _folder: folder }) }
}

mod conformance {
    athyper_testkit::leadership_conformance!(super::fixture);
}

#[tokio::test]
async fn the_epoch_survives_the_process() {
    let folder = Folder::new();
    let clock = MachineClock::new();
    let mut epochs = Vec::new();
    for _ in 0..3 {
        let leadership = open(&folder.url("leases.db"), &clock).await;
        let lease = leadership.acquire("scheduler", "one", Duration::from_secs(1)).await.unwrap().unwrap();
        leadership.release(&lease).await.unwrap();
        epochs.push(lease.epoch);
    }
    assert_eq!(epochs, [1, 2, 3]);
}
