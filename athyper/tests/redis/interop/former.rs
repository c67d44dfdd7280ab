//! The last version of BullMQ before 6: the basics.

use athyper::jobs::JobState;
use athyper_testkit::services::RedisServer;
use serde_json::json;

use super::scenario::{Cell, Side};
use super::session::Session;

#[tokio::test]
async fn we_run_what_bullmq_5_added() {
    let node = Session::start_version(RedisServer::shared(), "bullmq5");
    let cell = Cell::new(Side::Node, Side::Ours, &node).await;
    let version = cell.ask_node("version", json!({})).await;
    assert!(version.as_str().unwrap().starts_with("5."), "{version}");
    cell.node_adds(json!([
        ["send", {"n": 1}, {"jobId": "a"}],
        ["send", {"n": 2}, {"jobId": "b", "priority": 3}],
        ["send", {"n": 3}, {"jobId": "c", "lifo": true}],
        ["send", {"n": 4}, {"jobId": "d", "delay": 3_600_000}],
        ["send", {"fail": 1}, {"jobId": "e", "attempts": 2}],
    ]))
    .await;
    assert_eq!(cell.work(5).await, ["c", "a", "e", "e", "b"]);
    cell.change("d", "promote").await;
    assert_eq!(cell.work(1).await, ["d"]);
    assert_eq!(cell.ask_node("wait", json!({"id": "d"})).await, json!({"value": {"did": {"n": 4}}}));
    let counts = cell.call("getJobCounts", json!([])).await;
    assert_eq!((&counts["completed"], &counts["active"]), (&json!(5), &json!(0)));
}

#[tokio::test]
async fn bullmq_5_runs_what_we_added() {
    let node = Session::start_version(RedisServer::shared(), "bullmq5");
    let cell = Cell::new(Side::Ours, Side::Node, &node).await;
    cell.add(json!([
        ["send", {}, {"jobId": "once"}],
        ["send", {"fail": 1}, {"jobId": "twice", "backoff": {"type": "fixed", "delay": 50}}],
        ["send", {"fail": 9}, {"jobId": "never", "attempts": 1, "priority": 2}],
    ]))
    .await;
    cell.work(4).await;
    for (id, attempts, state) in
        [("once", 1, JobState::Completed), ("twice", 2, JobState::Completed), ("never", 1, JobState::Failed)]
    {
        let record = cell.record(id).await;
        assert_eq!((record.state, record.attempts_made), (state, attempts), "{id}");
    }
}
