//! The suite that every job queue passes, with two connections to one server.

use std::sync::Arc;

use athyper_testkit::clock::VirtualClock;
use athyper_testkit::conformance::job_queue::JobQueueFixture;

use crate::support::{ServerTime, context_with, fresh_url_with_clock, jobs, open};

async fn fixture() -> JobQueueFixture {
    let (url, clock) = (fresh_url_with_clock().await, VirtualClock::new());
    let (here, there) = (context_with(&url, clock.clone()), context_with(&url, clock.clone()));
    let db = open(&here).await.unwrap();
    JobQueueFixture {
        queue: jobs(&here).await.unwrap(),
        other: jobs(&there).await.unwrap(),
        database: Some(db.database().clone()),
        clock: clock.clone(),
        time: Arc::new(ServerTime { clock, db }),
    }
}

athyper_testkit::job_queue_conformance!(fixture);
