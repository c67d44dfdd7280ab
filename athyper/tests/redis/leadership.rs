//! Leases on Redis: the conformance suite, with two connections to one server.

use std::sync::Arc;

use athyper_testkit::clock::VirtualClock;
use athyper_testkit::conformance::leadership::LeadershipFixture;
use athyper_testkit::services::RedisServer;

use crate::support::{ServerTime, fresh_prefix, leases_with};

async fn fixture() -> LeadershipFixture {
    let (server, prefix, clock) = (RedisServer::shared(), fresh_prefix(), VirtualClock::new());
    let url = format!("{}?prefix={prefix}", server.url());
    let (leadership, other) =
        (leases_with(&url, clock.clone()).await.unwrap(), leases_with(&url, clock.clone()).await.unwrap());
    LeadershipFixture { leadership, other, time: Arc::new(ServerTime { clock, server, prefix }) }
}

athyper_testkit::leadership_conformance!(fixture);
