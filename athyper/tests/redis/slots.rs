//! A cluster that moves the slot of the queues from node to node while workers work.

use std::sync::Arc;
use std::time::Duration;

use athyper::ErrorKind;
use athyper::clock::{Clock, SystemClock};
use athyper_testkit::services::{RedisCluster, RedisServer};

use crate::support::{add, done, ids, job, jobs, outcome_of, queue, take_now, within_a_minute};
use crate::work::{Ledger, Producer, add_surely, await_all, await_run, rest, worker};

const PREFIX: &str = "{bull}";

fn next_node(cluster: &RedisCluster) -> usize {
    (cluster.owner_of(PREFIX) + 1) % 3
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_under_load_loses_nothing() {
    let (cluster, ledger) = (RedisCluster::start(), Arc::<Ledger>::default());
    let jobs = jobs(&cluster.url()).await;
    let running = worker(&cluster.url(), &ledger).await;
    let producer = Producer::start(jobs.clone());
    for _ in 0..6 {
        producer.await_more(50).await;
        let to = next_node(&cluster);
        let from = &cluster.nodes()[cluster.owner_of(PREFIX)];
        let moving = cluster.begin_move(PREFIX, to);
        for _ in 0..2 {
            // Some keys here, some there, and callers who try.
            moving.pass(3);
            await_refusal(from).await;
        }
        moving.finish();
        assert_eq!(cluster.owner_of(PREFIX), to);
    }
    producer.await_more(50).await;
    let (accepted, refused) = producer.stop().await;
    assert!(accepted.len() >= 350, "only {} jobs were accepted", accepted.len());
    // Moves are shorter than callers are made to wait, unless the machine is busy with something else.
    assert!(refused.iter().all(|error| error.code() == "redis-slot-moving"), "{refused:?}");
    assert!(refused.len() < 10, "{refused:?}");
    await_all(&*jobs, &ledger, &accepted).await;
    running.stop().await.expect("it stops");
}

/// All that lies in the slot: the keys with what they hold.
fn everything(server: &RedisServer) -> Vec<(String, String)> {
    let mut keys = server.ask(&["KEYS", "{bull}:*"]).texts();
    keys.sort();
    keys.into_iter().map(|key| (format!("{:?}", server.ask(&["DUMP", &key])), key)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_half_done_while_the_slot_is_on_its_way() {
    let cluster = RedisCluster::start();
    let jobs = jobs(&cluster.url()).await;
    add(&jobs, &["held", "waiting"]).await;
    let claimed = take_now(&jobs, 1).await;
    let from = cluster.owner_of(PREFIX);
    let moving = cluster.begin_move(PREFIX, next_node(&cluster));
    for some in [0, 2] {
        moving.pass(some);
        let before = everything(&cluster.nodes()[from]);
        let mut late = job("late");
        late.due_at += Duration::from_secs(600);
        let answers = within_a_minute(async {
            tokio::join!(
                async { jobs.add(vec![job("new")]).await.map(drop) },
                async { jobs.add(vec![late]).await.map(drop) },
                async { jobs.take(&crate::support::take(1, Duration::ZERO)).await.map(drop) },
                async { jobs.finish(vec![outcome_of(&claimed[0], done())], None).await.map(drop) },
            )
        })
        .await;
        for error in [answers.0, answers.1, answers.2, answers.3].map(Result::unwrap_err) {
            assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "redis-slot-moving"), "{error:?}");
        }
        assert_eq!(everything(&cluster.nodes()[from]), before);
    }
    moving.finish();
    assert_eq!(jobs.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap().verdicts.len(), 1);
    add(&jobs, &["new"]).await;
    assert_eq!(ids(&take_now(&jobs, 9).await), ["waiting", "new"]);
}

/// How often a node said that a slot is on its way.
fn refusals(server: &RedisServer) -> String {
    let errors = server.ask(&["INFO", "errorstats"]).text();
    errors.lines().find(|line| line.contains("TRYAGAIN")).unwrap_or_default().to_owned()
}

/// Waits until a node has refused somebody once more.
async fn await_refusal(server: &RedisServer) {
    let before = refusals(server);
    within_a_minute(async {
        while refusals(server) == before {
            rest(1).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_during_a_short_move_is_answered_after_it() {
    let cluster = RedisCluster::start();
    let jobs = jobs(&cluster.url()).await;
    add(&jobs, &["before"]).await;
    let from = cluster.owner_of(PREFIX);
    let moving = cluster.begin_move(PREFIX, next_node(&cluster));
    let asked = {
        let jobs = jobs.clone();
        tokio::spawn(async move { jobs.add(vec![job("during")]).await })
    };
    await_refusal(&cluster.nodes()[from]).await;
    moving.finish();
    asked.await.unwrap().unwrap();
    assert_eq!(ids(&take_now(&jobs, 9).await), ["before", "during"]);
}

/// Whether a server holds an answer back until there is a job.
fn is_listened_to(server: &RedisServer) -> bool {
    !server.ask(&["INFO", "clients"]).text().contains("blocked_clients:0")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_wait_are_woken_at_the_new_place() {
    let (cluster, ledger) = (RedisCluster::start(), Arc::<Ledger>::default());
    let jobs = jobs(&cluster.url()).await;
    let running = worker(&cluster.url(), &ledger).await;
    add_surely(&*jobs, "before").await;
    await_run(&ledger, "before").await;
    cluster.move_slot(PREFIX, next_node(&cluster));
    let place = &cluster.nodes()[cluster.owner_of(PREFIX)];
    let (clock, mut quickest) = (SystemClock::new(), Duration::MAX);
    for round in 0..4 {
        within_a_minute(async {
            // Nobody is at work, and somebody waits here.
            while jobs.counts(&queue()).await.unwrap().completed < round + 1 || !is_listened_to(place) {
                rest(5).await;
            }
        })
        .await;
        let (id, begun) = (format!("job-{round}"), clock.since_boot());
        add_surely(&*jobs, &id).await;
        await_run(&ledger, &id).await;
        quickest = quickest.min(clock.since_boot() - begun);
    }
    // One that is not woken looks for itself every five seconds.
    assert!(quickest < Duration::from_secs(1), "the quickest took {quickest:?}");
    running.stop().await.expect("it stops");
}
