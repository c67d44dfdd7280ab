//! Flows that Node adds: parents and children, whoever runs them.

use athyper::jobs::{JobFilter, JobState};
use athyper_testkit::services::RedisServer;
use serde_json::{Value, json};

use super::scenario::{Cell, Side, both_workers};
use super::session::Session;
use crate::support::queue;

fn child(id: &str, wish: Value, opts: Value) -> Value {
    let mut all = json!({"jobId": id});
    for (word, value) in opts.as_object().unwrap() {
        all[word] = value.clone();
    }
    json!({"name": "child", "data": wish, "opts": all})
}

fn tree(opts: Value, children: Vec<Value>) -> Value {
    let mut parent = child("parent", json!({}), opts);
    parent["name"] = json!("parent");
    parent["children"] = json!(children);
    parent
}

#[tokio::test]
async fn a_parent_runs_after_its_children() {
    both_workers(async |cell| {
        let mut middle = child("middle", json!({}), json!({}));
        middle["children"] = json!([child("leaf", json!({}), json!({}))]);
        let tree = tree(json!({"priority": 3}), vec![middle, child("other", json!({}), json!({"priority": 2}))]);
        cell.ask_node("flow", json!({"tree": tree})).await;
        assert_eq!(cell.work(4).await, ["leaf", "middle", "other", "parent"]);
    })
    .await;
}

#[tokio::test]
async fn a_parent_with_a_delay_waits_for_it_after_its_children() {
    both_workers(async |cell| {
        let tree = tree(json!({"delay": 3_600_000}), vec![child("one", json!({}), json!({}))]);
        cell.ask_node("flow", json!({"tree": tree})).await;
        assert_eq!(cell.work(1).await, ["one"]);
        cell.look("delayed");
    })
    .await;
}

/// A flow one of whose children fails.
async fn failing(flag: &str, attempts: usize) {
    both_workers(async |cell| {
        let mut opts = json!({});
        if !flag.is_empty() {
            opts[flag] = json!(true);
        }
        let mut children = vec![child("good", json!({}), json!({})), child("bad", json!({"fail": 9}), opts)];
        if flag != "continueParentOnFailure" {
            children.push(child("last", json!({}), json!({})));
        }
        cell.ask_node("flow", json!({"tree": tree(json!({}), children)})).await;
        // What a child condemned never reaches a handler of ours.
        let condemned = usize::from(flag == "failParentOnFailure" && cell.worker == Side::Ours);
        assert_eq!(cell.work(attempts - condemned).await.len(), attempts - condemned);
    })
    .await;
}

#[tokio::test]
async fn a_child_that_fails_fails_its_parent() {
    // The parent, too, ends without being run.
    failing("failParentOnFailure", 4).await;
}

#[tokio::test]
async fn a_child_that_fails_lets_its_parent_go_on_at_once() {
    failing("continueParentOnFailure", 3).await;
}

#[tokio::test]
async fn a_parent_may_go_on_before_its_other_children() {
    both_workers(async |cell| {
        let bad = child("bad", json!({"fail": 9}), json!({"continueParentOnFailure": true}));
        let other = child("other", json!({}), json!({"delay": 3_600_000}));
        cell.ask_node("flow", json!({"tree": tree(json!({}), vec![bad, other])})).await;
        let held = cell.take_one().await;
        cell.end(held).await;
        assert!(cell.at("wait[0]").is_some_and(|first| first == "parent"));
    })
    .await;
}

#[tokio::test]
async fn a_parent_that_waits_is_found_listed_and_counted() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Node, Side::Ours, &node).await;
    cell.ask_node("flow", json!({"tree": tree(json!({}), vec![child("one", json!({}), json!({}))])})).await;
    let counts = cell.queue.counts(&queue()).await.unwrap();
    assert_eq!((counts.waiting, counts.delayed), (1, 1));
    let delayed = JobFilter { states: vec![JobState::Delayed], ..JobFilter::default() };
    let listed = cell.queue.list(&queue(), &delayed).await.unwrap();
    assert_eq!(listed.iter().map(|record| record.envelope.id.as_str()).collect::<Vec<_>>(), ["parent"]);
    assert_eq!(cell.record("parent").await.state, JobState::Delayed);
    cell.work(2).await;
    assert_eq!(cell.queue.counts(&queue()).await.unwrap().delayed, 0);
}

#[tokio::test]
async fn a_child_that_fails_is_ignored() {
    failing("ignoreDependencyOnFailure", 4).await;
}

#[tokio::test]
async fn a_child_that_fails_is_waited_for_no_longer() {
    failing("removeDependencyOnFailure", 4).await;
}

#[tokio::test]
async fn a_child_that_fails_is_waited_for() {
    failing("", 3).await;
}

#[tokio::test]
async fn a_child_that_fails_and_is_not_kept_is_waited_for_no_longer() {
    both_workers(async |cell| {
        let bad = child("bad", json!({"fail": 9}), json!({"removeOnFail": true}));
        cell.ask_node("flow", json!({"tree": tree(json!({}), vec![bad])})).await;
        assert_eq!(cell.work(2).await, ["bad", "parent"]);
    })
    .await;
}

#[tokio::test]
async fn a_child_that_is_retried_by_hand_lets_its_parent_go() {
    both_workers(async |cell| {
        cell.ask_node("flow", json!({"tree": tree(json!({}), vec![child("bad", json!({"fail": 1}), json!({}))])}))
            .await;
        assert_eq!(cell.work(1).await, ["bad"]);
        cell.ask_node("job", json!({"id": "bad", "method": "retry"})).await;
        assert_eq!(cell.work(2).await, ["bad", "parent"]);
    })
    .await;
}

#[tokio::test]
async fn a_parent_is_removed_with_its_children() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Node, Side::Ours, &node).await;
    let mut middle = child("middle", json!({}), json!({}));
    middle["children"] = json!([child("leaf", json!({}), json!({}))]);
    let children = vec![
        child("done", json!({}), json!({"priority": 1})),
        middle,
        child("late", json!({}), json!({"delay": 3_600_000})),
    ];
    cell.ask_node("flow", json!({"tree": tree(json!({}), children)})).await;
    let held = cell.take_one().await;
    let refused = cell.queue.remove(&queue(), &"parent".into()).await.unwrap_err();
    assert_eq!(refused.code(), "job-state", "{refused}");
    cell.end(held).await;
    cell.change("parent", "remove").await;
    for id in ["parent", "middle", "leaf", "done", "late"] {
        assert_eq!(cell.at(&format!("{id}.name")), None, "{id}");
    }
    let counts = cell.call("getJobCounts", json!([])).await;
    assert!(counts.as_object().unwrap().values().all(|count| count == 0), "{counts}");
}

#[tokio::test]
async fn a_child_that_is_removed_lets_its_parent_go() {
    both_workers(async |cell| {
        cell.ask_node("flow", json!({"tree": tree(json!({}), vec![child("one", json!({}), json!({}))])})).await;
        cell.change("one", "remove").await;
        cell.look("removed");
        assert_eq!(cell.work(1).await, ["parent"]);
    })
    .await;
}

#[tokio::test]
async fn a_parent_in_another_queue_is_let_go() {
    let node = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Node, Side::Ours, &node).await;
    let mut tree = tree(json!({}), vec![child("one", json!({}), json!({}))]);
    tree["queueName"] = json!("other");
    cell.ask_node("flow", json!({"tree": tree})).await;
    assert_eq!(cell.work(1).await, ["one"]);
    let waiting = cell.server.ask(&["LRANGE", &format!("{}:other:wait", cell.prefix), "0", "-1"]);
    assert_eq!(waiting.texts(), ["parent"]);
}
