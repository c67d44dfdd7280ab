//! What people do to jobs and queues: by our administration, and by Node's on what ours left there.

use std::time::Duration;

use athyper::jobs::{JobFilter, JobState, Outcome};
use athyper_testkit::services::RedisServer;
use serde_json::json;

use super::dump::Explained;
use super::scenario::{Cell, Side, everybody, everybody_but};
use super::session::Session;
use crate::support::{outcome_of, queue, take_now};

#[tokio::test]
async fn a_failed_job_is_retried_by_hand() {
    let explained = [
        Explained("a.atm", "ours is given all its attempts again"),
        Explained("a.failedReason", "ours tells the last failure until there is another outcome"),
    ];
    everybody_but(&explained, async |cell| {
        cell.add(json!([["send", {"stumble": 1}, {"jobId": "a", "attempts": 1}]])).await;
        cell.work(1).await;
        cell.change("a", "retry").await;
        cell.look("retried");
        cell.work(1).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_is_removed_wherever_it_stands() {
    everybody(async |cell| {
        cell.add(json!([
            ["send", {}, {"jobId": "waits"}],
            ["send", {}, {"jobId": "has-a-priority", "priority": 5}],
            ["send", {}, {"jobId": "later", "delay": 3_600_000}],
            ["send", {}, {"jobId": "runs"}],
        ]))
        .await;
        for id in ["waits", "has-a-priority", "later"] {
            cell.change(id, "remove").await;
        }
        cell.look("removed");
        assert_eq!(cell.work(1).await, ["runs"]);
        cell.change("runs", "remove").await;
    })
    .await;
}

/// A queue with jobs in every state.
async fn fill(cell: &Cell<'_>) {
    cell.add(json!([
        ["send", {}, {"jobId": "done"}],
        ["send", {"stumble": 1}, {"jobId": "broken", "attempts": 1}],
        ["send", {"stumble": 1}, {"jobId": "broken-too", "attempts": 1}],
    ]))
    .await;
    cell.work(3).await;
    cell.add(json!([
        ["send", {}, {"jobId": "waits"}],
        ["send", {}, {"jobId": "important", "priority": 5}],
        ["send", {}, {"jobId": "later", "delay": 3_600_000}],
        ["send", {}, {"jobId": "much-later", "delay": 7_200_000}],
    ]))
    .await;
}

#[tokio::test]
async fn node_changes_jobs_that_wait() {
    everybody(async |cell| {
        fill(cell).await;
        for (id, method, arguments) in [
            ("waits", "changePriority", json!([{"priority": 9}])),
            ("important", "changePriority", json!([{"priority": 0}])),
            ("later", "changeDelay", json!([10_800_000])),
            ("waits", "updateData", json!([{"n": 2}])),
        ] {
            cell.ask_node("job", json!({"id": id, "method": method, "args": arguments})).await;
        }
        cell.look("changed");
        assert_eq!(cell.work(2).await, ["important", "waits"]);
        assert_eq!(&*cell.record("waits").await.result.unwrap(), b"{\"did\":{\"n\":2}}");
    })
    .await;
}

#[tokio::test]
async fn node_retries_and_promotes_all() {
    everybody(async |cell| {
        fill(cell).await;
        cell.call("retryJobs", json!([{"state": "failed"}])).await;
        cell.call("promoteJobs", json!([])).await;
        cell.look("all of them");
        assert_eq!(cell.work(6).await.len(), 6);
    })
    .await;
}

#[tokio::test]
async fn node_cleans_and_drains() {
    everybody(async |cell| {
        fill(cell).await;
        assert_eq!(cell.call("clean", json!([0, 1, "failed"])).await.as_array().unwrap().len(), 1);
        cell.look("cleaned");
        cell.call("drain", json!([true])).await;
    })
    .await;
}

#[tokio::test]
async fn node_obliterates() {
    everybody(async |cell| {
        fill(cell).await;
        cell.call("pause", json!([])).await;
        cell.call("obliterate", json!([])).await;
        assert!(cell.queue.list(&queue(), &JobFilter::default()).await.unwrap().is_empty());
        // The queue goes on as a new one.
        cell.add(json!([["send", {}, {"jobId": "done"}]])).await;
        assert_eq!(cell.work(1).await, ["done"]);
    })
    .await;
}

#[tokio::test]
async fn what_we_parked_is_delayed_to_node() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Node, Side::Node, &node).await;
    cell.add(json!([["send", {}, {"jobId": "a"}]])).await;
    let held = take_now(&cell.queue, 1).await;
    let parked = Outcome::Park { reason: "nobody knows it".to_owned(), delay: Duration::from_secs(3_600) };
    cell.queue.finish(vec![outcome_of(&held[0], parked)], None).await.unwrap();
    assert_eq!(cell.record("a").await.state, JobState::Parked);
    let counts = cell.call("getJobCounts", json!([])).await;
    assert_eq!((&counts["delayed"], &counts["active"]), (&json!(1), &json!(0)));
    cell.change("a", "promote").await;
    assert_eq!(cell.work(1).await, ["a"]);
    let record = cell.record("a").await;
    assert_eq!((record.state, record.attempts_made), (JobState::Completed, 1));
    assert_eq!(cell.queue.counts(&queue()).await.unwrap().parked, 0);
}
