//! Workers that are killed, and whose jobs the other side takes back.

use std::collections::HashSet;
use std::time::Duration;

use athyper::jobs::{JobState, Recovered, RecoveryPolicy, Verdict};
use athyper_testkit::services::RedisServer;
use serde_json::json;

use super::dump::Explained;
use super::scenario::{Cell, Side, everybody_but};
use super::session::{Session, answer};
use crate::support::{done, outcome_of, queue, take, within_a_minute};

#[tokio::test]
async fn a_job_is_taken_back_in_the_same_way() {
    let explained = [Explained("a.stc", "stalls are counted in a row: they begin anew when an attempt has ended")];
    everybody_but(&explained, async |cell| {
        cell.add(json!([["send", {}, {"jobId": "a"}]])).await;
        cell.lose_one().await;
        assert_eq!(cell.work(1).await, ["a"]);
    })
    .await;
}

/// Node takes the job `a`, which never ends, and is killed.
async fn killed_in_node(cell: &Cell<'_>) {
    let mut node = Session::start(cell.server);
    let _killed = node.begin(&cell.prefix, "work", json!({"attempts": 1, "options": {"lockDuration": 1_000}})).await;
    within_a_minute(async { while cell.record("a").await.state != JobState::Active {} }).await;
    node.kill().await;
}

async fn recovered(cell: &Cell<'_>, policy: RecoveryPolicy) -> Vec<Recovered> {
    within_a_minute(async {
        loop {
            let recovered = cell.queue.recover(&queue(), policy).await.unwrap();
            if !recovered.is_empty() {
                break recovered;
            }
        }
    })
    .await
}

#[tokio::test]
async fn we_take_back_what_a_killed_node_worker_held() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Node, Side::Node, &node).await;
    cell.node_adds(json!([["send", {"hang": "once"}, {"jobId": "a"}]])).await;
    killed_in_node(&cell).await;
    let recovered = recovered(&cell, RecoveryPolicy::default()).await;
    assert_eq!((recovered[0].id.as_str(), recovered[0].state), ("a", JobState::Waiting));
    assert_eq!(cell.work(1).await, ["a"]);
    let record = cell.record("a").await;
    assert_eq!((record.state, record.attempts_started, record.attempts_made), (JobState::Completed, 2, 1));
    let counts = cell.call("getJobCounts", json!([])).await;
    assert_eq!((&counts["completed"], &counts["active"]), (&json!(1), &json!(0)));
    let told = cell.events().await;
    let names: Vec<&str> = told.as_array().unwrap().iter().map(|event| event[0].as_str().unwrap()).collect();
    let wanted = ["added", "waiting", "active", "waiting", "stalled", "active", "completed", "drained"];
    assert_eq!(names, wanted);
}

#[tokio::test]
async fn we_fail_what_ends_one_node_worker_after_another() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Node, Side::Ours, &node).await;
    cell.node_adds(json!([["send", {"hang": "ever"}, {"jobId": "a"}]])).await;
    for _ in 0..2 {
        killed_in_node(&cell).await;
        recovered(&cell, RecoveryPolicy { max_stalls: 1 }).await;
    }
    assert_eq!(cell.record("a").await.state, JobState::Failed);
    let told = cell.ask_node("wait", json!({"id": "a"})).await;
    assert!(told["error"].as_str().unwrap().contains("silent"), "{told}");
}

/// We take a job, and do no more.
async fn left_by_us(cell: &Cell<'_>) {
    cell.add(json!([["send", {}, {"jobId": "a"}]])).await;
    let mut brief = take(1, Duration::ZERO);
    brief.lock_for = Duration::from_millis(1);
    assert_eq!(cell.queue.take(&brief).await.unwrap().len(), 1);
}

#[tokio::test]
async fn node_takes_back_what_a_worker_of_ours_held() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Ours, Side::Node, &node).await;
    left_by_us(&cell).await;
    let told = cell.ask_node("work", json!({"attempts": 1, "options": {"stalledInterval": 200}})).await;
    assert_eq!(told, json!(["a"]));
    let record = cell.record("a").await;
    assert_eq!((record.state, record.stalls, record.attempts_started), (JobState::Completed, 1, 2));
}

#[tokio::test]
async fn we_fail_what_node_condemned() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Ours, Side::Ours, &node).await;
    left_by_us(&cell).await;
    // A paused queue hands out nothing, so that Node only looks for stalled jobs.
    cell.call("pause", json!([])).await;
    let mut checker = Session::start(cell.server);
    let options = json!({"stalledInterval": 100, "maxStalledCount": 0});
    let _never = checker.begin(&cell.prefix, "work", json!({"attempts": 1, "options": options})).await;
    within_a_minute(async { while cell.record("a").await.state != JobState::Waiting {} }).await;
    checker.kill().await;
    cell.queue.resume(&queue()).await.unwrap();
    assert!(cell.queue.take(&take(1, Duration::ZERO)).await.unwrap().is_empty());
    let record = cell.record("a").await;
    assert_eq!((record.state, record.stalls), (JobState::Failed, 1));
    assert_eq!(record.error.as_deref(), Some("job stalled more than allowable limit"));
}

#[tokio::test]
async fn node_leaves_us_what_we_hold_on_to() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Ours, Side::Node, &node).await;
    cell.add(json!([["send", {}, {"jobId": "a"}]])).await;
    let mut brief = take(1, Duration::ZERO);
    brief.lock_for = Duration::from_secs(1);
    let held = cell.queue.take(&brief).await.unwrap();
    let locks = [held[0].lock.clone()];
    let options = json!({"stalledInterval": 100, "maxStalledCount": 0});
    let later = node.begin(&cell.prefix, "work", json!({"attempts": 1, "options": options})).await;
    // Node notes when it has looked for stalled jobs: it has done so for longer than a lock lasts.
    let mut looked = HashSet::new();
    within_a_minute(async {
        while looked.len() < 20 {
            assert!(cell.queue.renew(&locks, Duration::from_secs(1)).await.unwrap().is_empty());
            looked.insert(cell.server.ask(&["GET", &format!("{}:email:stalled-check", cell.prefix)]).text());
        }
    })
    .await;
    assert_eq!(cell.record("a").await.stalls, 0);
    let finished = cell.queue.finish(vec![outcome_of(&held[0], done())], None).await.unwrap();
    assert_eq!(finished.verdicts, [Verdict::Applied]);
    cell.add(json!([["send", {}, {"jobId": "last"}]])).await;
    assert_eq!(answer("a worker", later).await, json!(["last"]));
}

#[tokio::test]
async fn we_leave_node_what_it_holds_on_to() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Node, Side::Node, &node).await;
    cell.node_adds(json!([["send", {"sleep": 3_000}, {"jobId": "a"}]])).await;
    let options = json!({"lockDuration": 2_000});
    let mut running = node.begin(&cell.prefix, "work", json!({"attempts": 1, "options": options})).await;
    within_a_minute(async {
        while running.try_recv().is_err() {
            assert!(cell.queue.recover(&queue(), RecoveryPolicy::default()).await.unwrap().is_empty());
        }
    })
    .await;
    let record = cell.record("a").await;
    assert_eq!((record.state, record.attempts_started), (JobState::Completed, 1));
}
