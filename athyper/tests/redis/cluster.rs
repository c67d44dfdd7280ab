//! A cluster whose nodes are killed while workers work.

use std::sync::Arc;
use std::time::Duration;

use athyper::clock::SystemClock;
use athyper_testkit::services::RedisCluster;

use crate::support::{jobs, jobs_with, leases_with, within_a_minute};
use crate::work::{Ledger, Producer, add_surely, await_all, await_run, rest, worker};

const PREFIX: &str = "{bull}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_once_the_node_of_the_queues_is_back() {
    let cluster = RedisCluster::start_with(&[("appendfsync", "always")]);
    let ledger = Arc::<Ledger>::default();
    let jobs = jobs(&cluster.url()).await;
    let running = worker(&cluster.url(), &ledger).await;
    let producer = Producer::start(jobs.clone());
    producer.await_more(50).await;
    let owner = cluster.owner_of(PREFIX);
    let (node, witness) = (&cluster.nodes()[owner], &cluster.nodes()[(owner + 1) % 3]);
    node.kill();
    within_a_minute(async {
        while !witness.ask(&["CLUSTER", "INFO"]).text().contains("cluster_state:fail") {
            rest(5).await;
        }
    })
    .await;
    assert!(jobs.ping().await.is_err(), "a cluster without the node of the queues is not ready");
    node.restart();
    let resumed = tokio::time::timeout(Duration::from_secs(15), async {
        add_surely(&*jobs, "after").await;
        await_run(&ledger, "after").await;
    });
    resumed.await.expect("the worker takes jobs within 15 seconds of the node's return");
    jobs.ping().await.unwrap();
    let (accepted, _) = producer.stop().await;
    await_all(&*jobs, &ledger, &accepted).await;
    running.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_with_everything_that_was_confirmed() {
    let (cluster, ledger) = (RedisCluster::start_with_replicas(&[]), Arc::<Ledger>::default());
    let url = format!("{}?replicas=1", cluster.url());
    let jobs = jobs(&url).await;
    let running = worker(&url, &ledger).await;
    let producer = Producer::start(jobs.clone());
    producer.await_more(50).await;
    let owner = cluster.owner_of(PREFIX);
    cluster.nodes()[owner].kill();
    // The replica has no replica of its own: nothing can be confirmed there.
    let unconfirmed = format!("{}?replicas=0", cluster.url());
    let resumed = tokio::time::timeout(Duration::from_secs(15), async {
        let jobs = loop {
            if let Ok(jobs) = jobs_with(&unconfirmed, Arc::new(SystemClock::new())).await {
                break jobs;
            }
        };
        add_surely(&*jobs, "after").await;
        await_run(&ledger, "after").await;
    });
    resumed.await.expect("the worker takes jobs within 15 seconds of the death of the primary");
    assert_ne!(cluster.owner_of(PREFIX), owner);
    let (accepted, _) = producer.stop().await;
    await_all(&*jobs, &ledger, &accepted).await;
    running.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_lease_survives_a_move() {
    let cluster = RedisCluster::start();
    let clock = Arc::new(SystemClock::new());
    let leases = leases_with(&cluster.url(), clock.clone()).await.unwrap();
    let lease = leases.acquire("scheduler", "one", Duration::from_secs(60)).await.unwrap().unwrap();
    cluster.move_slot(PREFIX, (cluster.owner_of(PREFIX) + 1) % 3);
    assert!(leases.renew(&lease, Duration::from_secs(60)).await.unwrap());
    let other = leases_with(&cluster.url(), clock).await.unwrap();
    assert!(other.acquire("scheduler", "two", Duration::from_secs(60)).await.unwrap().is_none());
}
