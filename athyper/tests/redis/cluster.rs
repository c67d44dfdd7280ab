//! A cluster whose nodes are killed while workers work.

use std::sync::Arc;
use std::time::Duration;

use athyper::ErrorKind;
use athyper::clock::SystemClock;
use athyper_testkit::services::{RedisCluster, RedisServer};

use crate::support::{add, ids, job, jobs, jobs_with, leases_with, take_now, within_a_minute};
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
    await_state(witness, "fail").await;
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
    let owner = cluster.owner_of(PREFIX);
    // The first one that is named is the one that dies.
    let (first, second) = (cluster.nodes()[owner].address(), cluster.nodes()[(owner + 1) % 3].address());
    let url = format!("redis+cluster://{first},{second}?replicas=1");
    let jobs = jobs(&url).await;
    let running = worker(&url, &ledger).await;
    let producer = Producer::start(jobs.clone());
    producer.await_more(50).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_down_is_not_ready_and_forgets_nothing() {
    let cluster = RedisCluster::start();
    let jobs = jobs(&cluster.url()).await;
    add(&jobs, &["before"]).await;
    let owner = cluster.owner_of(PREFIX);
    let (node, other) = (&cluster.nodes()[owner], &cluster.nodes()[(owner + 1) % 3]);
    other.kill();
    // The node of the queues is there, and serves nobody while a part of the cluster is gone.
    await_state(node, "fail").await;
    for error in [jobs.add(vec![job("refused")]).await.map(drop), jobs.ping().await].map(Result::unwrap_err) {
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "redis-not-ready"), "{error:?}");
    }
    other.restart();
    await_state(node, "ok").await;
    jobs.ping().await.unwrap();
    add(&jobs, &["after"]).await;
    assert_eq!(ids(&take_now(&jobs, 9).await), ["before", "after"]);
}

/// Waits until a node takes the cluster for being `ok`, or to `fail`.
async fn await_state(node: &RedisServer, state: &str) {
    let wanted = format!("cluster_state:{state}");
    within_a_minute(async {
        while !node.ask(&["CLUSTER", "INFO"]).text().contains(&wanted) {
            rest(5).await;
        }
    })
    .await;
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
