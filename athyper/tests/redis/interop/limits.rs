//! What holds for a whole queue: pauses, and limits that Node wrote.

use athyper_testkit::services::RedisServer;
use serde_json::json;

use super::scenario::{Cell, Side, everybody};
use super::session::Session;
use crate::support::{queue, take_now};

#[tokio::test]
async fn a_paused_queue_takes_jobs_and_hands_out_none() {
    everybody(async |cell| {
        cell.add(json!([["send", {}, {"jobId": "before"}]])).await;
        match cell.producer {
            Side::Ours => cell.queue.pause(&queue()).await.unwrap(),
            Side::Node => drop(cell.call("pause", json!([])).await),
        }
        cell.add(json!([
            ["send", {}, {"jobId": "after"}],
            ["send", {}, {"jobId": "important", "priority": 1}],
            ["send", {}, {"jobId": "later", "delay": 3_600_000}],
        ]))
        .await;
        cell.look("paused");
        assert_eq!(cell.call("isPaused", json!([])).await, true);
        assert!(cell.queue.is_paused(&queue()).await.unwrap());
        assert!(take_now(&cell.queue, 1).await.is_empty());
        match cell.worker {
            Side::Ours => cell.queue.resume(&queue()).await.unwrap(),
            Side::Node => drop(cell.call("resume", json!([])).await),
        }
        cell.look("resumed");
        assert_eq!(cell.work(3).await, ["before", "after", "important"]);
    })
    .await;
}

#[tokio::test]
async fn a_rate_limit_lets_so_many_go() {
    everybody(async |cell| {
        cell.call("setGlobalRateLimit", json!([2, 3_600_000])).await;
        let job = |id: &str| json!(["send", {}, {"jobId": id}]);
        cell.add(json!([job("a"), job("b"), job("c"), job("d")])).await;
        assert_eq!(cell.work(2).await, ["a", "b"]);
        cell.look("used up");
        cell.call("removeGlobalRateLimit", json!([])).await;
        assert_eq!(cell.work(2).await, ["c", "d"]);
    })
    .await;
}

#[tokio::test]
async fn a_global_concurrency_lets_so_many_run() {
    everybody(async |cell| {
        cell.call("setGlobalConcurrency", json!([1])).await;
        let job = |id: &str| json!(["send", {"progress": [1]}, {"jobId": id}]);
        cell.add(json!([job("a"), job("b"), job("c")])).await;
        cell.look("added");
        // One after another, however many the worker would run at once.
        assert_eq!(cell.work_together(3, 3).await, ["a", "b", "c"]);
    })
    .await;
}

#[tokio::test]
async fn a_rate_limit_set_by_hand_holds_for_us() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Node, Side::Ours, &node).await;
    cell.call("setGlobalRateLimit", json!([1_000, 1_000])).await;
    cell.add(json!([["send", {}, {"jobId": "a"}]])).await;
    cell.call("rateLimit", json!([3_600_000])).await;
    assert!(take_now(&cell.queue, 1).await.is_empty());
    cell.call("removeRateLimitKey", json!([])).await;
    assert_eq!(cell.work(1).await, ["a"]);
}
