//! The suite that every job queue passes, with two connections to one server.

use std::sync::Arc;

use athyper_testkit::clock::VirtualClock;
use athyper_testkit::conformance::job_queue::JobQueueFixture;
use athyper_testkit::services::RedisServer;

use crate::support::{ServerTime, fresh_prefix, jobs_with};

async fn fixture() -> JobQueueFixture {
    let (server, prefix, clock) = (RedisServer::shared(), fresh_prefix(), VirtualClock::new());
    let url = format!("{}?prefix={prefix}", server.url());
    JobQueueFixture {
        queue: jobs_with(&url, clock.clone()).await.unwrap(),
        other: jobs_with(&url, clock.clone()).await.unwrap(),
        database: None,
        clock: clock.clone(),
        time: Arc::new(ServerTime { clock, server, prefix }),
    }
}

athyper_testkit::job_queue_conformance!(fixture);
