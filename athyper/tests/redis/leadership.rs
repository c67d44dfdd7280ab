//! Leases on Redis: the conformance suite, with two connections to one server.

use std::sync::Arc;

use athyper::leadership::Leadership;
use athyper_testkit::clock::VirtualClock;
use athyper_testkit::conformance::leadership::LeadershipFixture;
use athyper_testkit::services::RedisServer;

use crate::support::{ServerTime, context_with, driver, fresh_prefix};

async fn open(url: &str, clock: &Arc<VirtualClock>) -> Arc<dyn Leadership> {
    let open = driver().leases.expect("the driver opens leases");
    open(&context_with(url, clock.clone())).await.unwrap()
}

async fn fixture() -> LeadershipFixture {
    let (server, prefix, clock) = (RedisServer::shared(), fresh_prefix(), VirtualClock::new());
    let url = format!("{}?prefix={prefix}", server.url());
    let (leadership, other) = (open(&url, &clock).await, open(&url, &clock).await);
    LeadershipFixture { leadership, other, time: Arc::new(ServerTime { clock, server, prefix }) }
}

athyper_testkit::leadership_conformance!(fixture);
