//! A server with a replica: the replica by mistake, and the replica in place of a primary that was lost.

use std::sync::Arc;
use std::time::Duration;

use athyper::ErrorKind;
use athyper_testkit::services::{Fault, FaultProxy, PostgresServer};

use crate::faults::{Fleet, server};
use crate::support::{context, job, jobs, number, open, queue, run};

/// The mark of `RELIABILITY.md`.
const RESUMES_WITHIN: Duration = Duration::from_secs(15);

async fn replica_of(server: &Arc<PostgresServer>, through: Option<std::net::SocketAddr>) -> Arc<PostgresServer> {
    let server = server.clone();
    tokio::task::spawn_blocking(move || Arc::new(server.start_replica(through))).await.unwrap()
}

/// The URL that names both.
fn url_of(one: &PostgresServer, other: &PostgresServer) -> String {
    let both = format!("{},{}", one.address(), other.address());
    one.url().replacen(&one.address().to_string(), &both, 1) + "?target_session_attrs=read-write"
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn a_replica_is_refused_and_the_primary_beside_it_is_found() {
    let primary = server().await;
    let replica = replica_of(&primary, None).await;
    for error in [
        open(&context(&replica.url())).await.unwrap_err(),
        jobs(&context(&replica.url())).await.unwrap_err(),
        open(&context(&url_of(&replica, &replica))).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "postgres-read-only"), "{}", error.report());
        assert!(error.to_string().contains("one,other"), "it says what to write: {error}");
    }
    for url in [url_of(&replica, &primary), url_of(&primary, &replica)] {
        let db = open(&context(&url)).await.unwrap();
        run(&db, &["CREATE TABLE IF NOT EXISTS notes (text TEXT)", "INSERT INTO notes VALUES ('a')"]).await;
    }
    let db = open(&context(&primary.url())).await.unwrap();
    assert_eq!(number(&db, "SELECT count(*) FROM notes").await, 2);
}

/// The primary is killed and its replica promoted, while workers run and somebody enqueues.
async fn fail_over(synchronous_commit: &'static str) {
    let primary = server().await;
    let replica = replica_of(&primary, None).await;
    let url = url_of(&primary, &replica);
    let fleet = Fleet::start(&url, &url).await;
    let waits = primary.clone();
    blocking(move || waits.wait_for_replicas(synchronous_commit)).await;
    let (killed, promoted) = (primary.clone(), replica.clone());
    fleet.survives(RESUMES_WITHIN, move || killed.kill(), move || promoted.promote()).await;
    fleet.all_ran().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_with_a_promoted_replica_that_had_every_commit() {
    fail_over("on").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_with_a_promoted_replica_that_showed_every_commit() {
    fail_over("remote_apply").await;
}

/// The known-bad control: a replica that was cut off, and nobody waited for it.
#[tokio::test]
async fn without_confirmation_a_promotion_loses_what_no_replica_has() {
    let primary = server().await;
    let proxy = FaultProxy::start(primary.address());
    let replica = replica_of(&primary, Some(proxy.address())).await;
    let url = url_of(&primary, &replica);
    let accepted = jobs(&context(&url)).await.unwrap();
    accepted.add(vec![job("before")]).await.unwrap();
    let (one, other) = (primary.clone(), replica.clone());
    blocking(move || other.catch_up_with(&one)).await;
    proxy.set(Fault::BlackHole);
    accepted.add(vec![job("lost")]).await.unwrap();
    let (killed, promoted) = (primary.clone(), replica.clone());
    blocking(move || {
        killed.kill();
        promoted.promote();
    })
    .await;
    let left = jobs(&context(&url)).await.unwrap();
    let exists = async |id: &str| left.get(&queue(), &id.into()).await.unwrap().is_some();
    assert!(exists("before").await);
    assert!(!exists("lost").await, "a job that was accepted is gone: otherwise the tests above prove nothing");
}
