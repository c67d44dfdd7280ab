//! A primary that is killed, or demoted, while workers work, and sentinels that know its successor.

use std::sync::Arc;
use std::time::Duration;

use athyper::ErrorKind;
use athyper::clock::{Clock, SystemClock};
use athyper_testkit::services::RedisSentinel;

use crate::support::{add, job, jobs, jobs_with, leases_with, queue, within_a_minute};
use crate::work::{Ledger, Producer, add_surely, await_all, await_run, rest, worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_with_the_successor_of_a_killed_primary() {
    let (service, ledger) = (RedisSentinel::start(), Arc::<Ledger>::default());
    let jobs = jobs(&format!("{}?replicas=1", service.url())).await;
    let running = worker(&service.url(), &ledger).await;
    let producer = Producer::start(jobs.clone());
    producer.await_more(100).await;
    let killed = service.kill_primary();
    let clock = SystemClock::new();
    let begun = clock.since_boot();
    let unconfirmed = {
        service.await_primary(killed.address());
        crate::support::jobs(&service.url()).await
    };
    add_surely(&*unconfirmed, "after").await;
    await_run(&ledger, "after").await;
    let resumed = clock.since_boot() - begun;
    assert!(resumed <= Duration::from_secs(15), "the worker took {resumed:?} to go on");
    println!("resumed after {resumed:?}");
    // As a replica of its successor, the old primary confirms again.
    killed.restart();
    producer.await_more(20).await;
    let (accepted, _) = producer.stop().await;
    await_all(&*jobs, &ledger, &accepted).await;
    running.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_with_the_successor_of_a_frozen_primary() {
    let (service, ledger) = (RedisSentinel::start(), Arc::<Ledger>::default());
    let jobs = jobs(&service.url()).await;
    let running = worker(&service.url(), &ledger).await;
    add_surely(&*jobs, "before").await;
    await_run(&ledger, "before").await;
    let (frozen, clock) = (service.primary(), SystemClock::new());
    let begun = clock.since_boot();
    // Connections to it stay, and nothing comes over them.
    frozen.freeze();
    add_surely(&*jobs, "after").await;
    await_run(&ledger, "after").await;
    let resumed = clock.since_boot() - begun;
    assert!(resumed <= Duration::from_secs(15), "the worker took {resumed:?} to go on");
    assert_ne!(service.primary_address(), frozen.address());
    // It comes back believing that it is the primary, and nobody is left to believe it.
    frozen.thaw();
    add_surely(&*jobs, "at last").await;
    await_run(&ledger, "at last").await;
    assert_eq!(service.primary().ask(&["EXISTS", "bull:email:at last"]).text(), "1");
    running.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_failover_passes_without_a_failure() {
    let (service, ledger) = (RedisSentinel::start(), Arc::<Ledger>::default());
    let jobs = jobs(&service.url()).await;
    let leases = leases_with(&service.url(), Arc::new(SystemClock::new())).await.unwrap();
    let lease = leases.acquire("scheduler", "one", Duration::from_secs(60)).await.unwrap().unwrap();
    let running = worker(&service.url(), &ledger).await;
    add(&jobs, &["before"]).await;
    await_run(&ledger, "before").await;
    service.fail_over();
    add_surely(&*jobs, "after").await;
    await_run(&ledger, "after").await;
    assert!(leases.renew(&lease, Duration::from_secs(60)).await.unwrap(), "the lease is lost");
    jobs.ping().await.unwrap();
    running.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demoted_primary_that_keeps_its_connections_is_left() {
    let service = RedisSentinel::start();
    let jobs = jobs(&service.url()).await;
    add(&jobs, &["before"]).await;
    let demoted = service.primary();
    service.swap();
    // What it still answers is of the past.
    demoted.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    // It answers READONLY, so that nothing happened, and its successor is found while the caller waits.
    jobs.add(vec![job("after")]).await.unwrap();
    assert_eq!(jobs.counts(&queue()).await.unwrap().waiting, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_replica_has_does_not_count_as_added() {
    let service = RedisSentinel::start();
    let url = format!("{}?replicas=1", service.url());
    let leases = leases_with(&url, Arc::new(SystemClock::new())).await.unwrap();
    let jobs = jobs(&url).await;
    add(&jobs, &["confirmed"]).await;
    service.replica().freeze();
    let error = jobs.add(vec![job("unconfirmed")]).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::UnknownOutcome, "redis-replicas"), "{error:?}");
    let error = leases.acquire("scheduler", "one", Duration::from_secs(60)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::UnknownOutcome, "redis-replicas"), "{error:?}");
    service.replica().thaw();
    assert!(leases.acquire("scheduler", "one", Duration::from_secs(60)).await.unwrap().is_some());
    add(&jobs, &["later"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_with_too_few_replicas_writes_nothing() {
    let service = RedisSentinel::start_with(&[("min-replicas-to-write", "1"), ("min-replicas-max-lag", "1")]);
    let jobs = jobs(&service.url()).await;
    add(&jobs, &["before"]).await;
    service.replica().kill();
    let refused = within_a_minute(async {
        for number in 0.. {
            if let Err(error) = jobs.add(vec![job(&format!("job-{number}"))]).await {
                return (error, jobs.counts(&queue()).await.unwrap().waiting, number + 1);
            }
        }
        unreachable!("it is refused")
    })
    .await;
    let (error, waiting, accepted) = refused;
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "redis-replicas"), "{error:?}");
    assert_eq!(waiting, accepted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_confirmation_a_failover_loses_what_no_replica_has() {
    let service = RedisSentinel::start();
    let jobs = jobs(&service.url()).await;
    add(&jobs, &["before"]).await;
    let replica = service.replica();
    within_a_minute(async {
        while replica.ask(&["EXISTS", "bull:email:before"]).text() != "1" {
            rest(5).await;
        }
    })
    .await;
    service.cut_replication();
    add(&jobs, &["after"]).await;
    let killed = service.kill_primary();
    service.await_primary(killed.address());
    let counts = within_a_minute(async {
        loop {
            if let Ok(counts) = jobs.counts(&queue()).await {
                break counts;
            }
        }
    });
    assert_eq!(counts.await.waiting, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_not_taken_for_the_primary() {
    let service = RedisSentinel::start();
    let replica = service.replica().address();
    for sentinel in service.sentinels() {
        sentinel.ask(&["SENTINEL", "REMOVE", "main"]);
        let (host, port) = (replica.ip().to_string(), replica.port().to_string());
        assert_eq!(sentinel.ask(&["SENTINEL", "MONITOR", "main", &host, &port, "3"]).text(), "OK");
    }
    let error = jobs_with(&service.url(), Arc::new(SystemClock::new())).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "redis-unreachable"), "{error:?}");
    assert!(format!("{error:?}").contains("name a primary that is a replica"), "{error:?}");
}
