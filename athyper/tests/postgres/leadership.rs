//! Leases on PostgreSQL: the conformance suite, with two connections to one server.

use std::sync::Arc;

use athyper::leadership::Leadership;
use athyper_testkit::clock::VirtualClock;
use athyper_testkit::conformance::leadership::LeadershipFixture;

use crate::support::{ServerTime, context_with, driver, fresh_url_with_clock, open};

pub(crate) async fn leases(url: &str, clock: &Arc<VirtualClock>) -> Arc<dyn Leadership> {
    let open = driver().leases.expect("the driver opens leases");
    open(&context_with(url, clock.clone())).await.unwrap()
}

async fn fixture() -> LeadershipFixture {
    let (url, clock) = (fresh_url_with_clock().await, VirtualClock::new());
    let (leadership, other) = (leases(&url, &clock).await, leases(&url, &clock).await);
    let db = open(&context_with(&url, clock.clone())).await.unwrap();
    LeadershipFixture { leadership, other, time: Arc::new(ServerTime { clock, db }) }
}

athyper_testkit::leadership_conformance!(fixture);
