//! The suites that every job queue and every store of leases pass, on a cluster.

use std::sync::Arc;

use athyper_testkit::clock::VirtualClock;
use athyper_testkit::services::RedisCluster;

use crate::support::{ServerTime, fresh_prefix};

/// The URL of a prefix that nobody else has, and the time of the node that has it.
fn place() -> (String, Arc<VirtualClock>, Arc<ServerTime>) {
    let (cluster, prefix, clock) = (RedisCluster::shared(), fresh_prefix(), VirtualClock::new());
    let url = format!("{}?prefix={prefix}", cluster.url());
    let prefix = format!("{{{prefix}}}");
    let server = &cluster.nodes()[cluster.owner_of(&prefix)];
    (url, clock.clone(), Arc::new(ServerTime { clock, server, prefix }))
}

mod job_queue {
    use athyper_testkit::conformance::job_queue::JobQueueFixture;

    use super::place;
    use crate::support::jobs_with;

    async fn fixture() -> JobQueueFixture {
        let (url, clock, time) = place();
        JobQueueFixture {
            queue: jobs_with(&url, clock.clone()).await.unwrap(),
            other: jobs_with(&url, clock.clone()).await.unwrap(),
            database: None,
            clock,
            time,
        }
    }

    athyper_testkit::job_queue_conformance!(fixture);
}

mod leases {
    use athyper_testkit::conformance::leadership::LeadershipFixture;

    use super::place;
    use crate::support::leases_with;

    async fn fixture() -> LeadershipFixture {
        let (url, clock, time) = place();
        let leadership = leases_with(&url, clock.clone()).await.unwrap();
        LeadershipFixture { leadership, other: leases_with(&url, clock).await.unwrap(), time }
    }

    athyper_testkit::leadership_conformance!(fixture);
}
