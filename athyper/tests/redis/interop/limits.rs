//! What holds for a whole queue: pauses, and limits that Node wrote.

use serde_json::json;

use super::scenario::{Side, everybody};
use crate::support::queue;

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
