//! A server that is killed, started again or frozen while workers work.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::ErrorKind;
use athyper_testkit::services::RedisServer;

use crate::support::{job, jobs, queue, within_a_minute};
use crate::work::{Ledger, add_surely, await_run, rest, worker};

/// A server that answers a write only when it is on the disk. With `appendfsync everysec` it answers before it has handed the
/// write to the operating system while a flush of earlier ones lasts, and a kill loses what it holds back (for at most two seconds).
fn lossless() -> RedisServer {
    RedisServer::start_with(&[("appendfsync", "always")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_after_the_server_was_killed() {
    let (server, ledger) = (lossless(), Arc::<Ledger>::default());
    let jobs = jobs(&server.url()).await;
    let running = worker(&server.url(), &ledger).await;
    for round in 0..4_u64 {
        let id = format!("job-{round}");
        add_surely(&*jobs, &id).await;
        await_run(&ledger, &id).await;
        server.kill();
        // Long enough for the worker to notice, in each of the states it may be in.
        rest(round % 2 * 2_000).await;
        server.restart();
        let after = format!("after-{round}");
        add_surely(&*jobs, &after).await;
        // The pass mark: five seconds after the server answers.
        let resumed = tokio::time::timeout(Duration::from_secs(5), await_run(&ledger, &after));
        resumed.await.expect("the worker takes jobs within five seconds of the server's return");
    }
    within_a_minute(async {
        // What ran may still have to be told.
        while jobs.counts(&queue()).await.unwrap().completed < 8 {
            rest(5).await;
        }
    })
    .await;
    let counts = jobs.counts(&queue()).await.unwrap();
    assert_eq!((counts.completed, counts.waiting, counts.active), (8, 0, 0));
    running.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_under_way_survive_the_servers_death() {
    let (server, ledger) = (lossless(), Arc::<Ledger>::default());
    let jobs = jobs(&server.url()).await;
    let running = worker(&server.url(), &ledger).await;
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let producer = {
        let (jobs, accepted) = (jobs.clone(), accepted.clone());
        tokio::spawn(async move {
            for number in 0..600 {
                let id = format!("job-{number}");
                if jobs.add(vec![job(&id)]).await.is_ok() {
                    accepted.lock().unwrap().push(id);
                }
            }
        })
    };
    for _ in 0..3 {
        rest(150).await;
        server.restart();
    }
    within_a_minute(producer).await.unwrap();
    let accepted = std::mem::take(&mut *accepted.lock().unwrap());
    assert!(accepted.len() > 100, "only {} jobs were accepted", accepted.len());
    for id in &accepted {
        await_run(&ledger, id).await;
    }
    running.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_told_of_and_waited_for() {
    let (server, ledger) = (RedisServer::start(), Arc::<Ledger>::default());
    let jobs = jobs(&server.url()).await;
    let running = worker(&server.url(), &ledger).await;
    add_surely(&*jobs, "before").await;
    await_run(&ledger, "before").await;
    server.freeze();
    // It was sent, and nobody knows what became of it.
    let error = within_a_minute(jobs.add(vec![job("unknown")])).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::UnknownOutcome, "redis-no-answer"));
    server.thaw();
    add_surely(&*jobs, "after").await;
    let resumed = tokio::time::timeout(Duration::from_secs(5), await_run(&ledger, "after"));
    resumed.await.expect("the worker takes jobs within five seconds of the server's return");
    running.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_demoted_is_left_for_its_successor() {
    let (server, successor) = (RedisServer::start(), RedisServer::start());
    let jobs = jobs(&server.url()).await;
    jobs.add(vec![job("before")]).await.unwrap();
    let port = successor.address().port().to_string();
    server.ask(&["REPLICAOF", "127.0.0.1", &port]);
    let refused = jobs.add(vec![job("a")]).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, "redis-not-ready"), "{refused:?}");
    // The same address leads to a primary again.
    server.ask(&["REPLICAOF", "NO", "ONE"]);
    jobs.add(vec![job("a")]).await.unwrap();
}

/// Adds jobs, kills the server, and counts those that are there when it has started again.
async fn left_after_a_kill(server: &RedisServer, query: &str) -> u64 {
    let jobs = jobs(&format!("{}{query}", server.url())).await;
    for number in 0..50 {
        jobs.add(vec![job(&format!("job-{number}"))]).await.unwrap();
    }
    server.restart();
    jobs.counts(&queue()).await.unwrap().waiting
}

#[tokio::test]
async fn what_was_accepted_is_there_after_a_kill() {
    assert_eq!(left_after_a_kill(&lossless(), "").await, 50);
}

#[tokio::test]
async fn on_a_server_that_is_refused_by_default_the_same_kill_loses_jobs() {
    let server = RedisServer::start_with(&[("appendonly", "no")]);
    assert!(left_after_a_kill(&server, "?durability=none").await < 50);
}
