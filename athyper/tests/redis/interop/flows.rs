//! Flows: parents and children, whoever adds and whoever runs them.

use athyper::jobs::{ChildFailure, JobFilter, JobState};
use athyper_testkit::services::RedisServer;
use serde_json::{Value, json};

use super::scenario::{Cell, Side, everybody};
use super::session::Session;
use crate::support::queue;

fn child(id: &str, wish: Value, opts: Value) -> Value {
    let mut all = json!({"jobId": id, "attempts": 1});
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
    everybody(async |cell| {
        let mut middle = child("middle", json!({}), json!({}));
        middle["children"] = json!([child("leaf", json!({}), json!({}))]);
        let tree = tree(json!({"priority": 3}), vec![middle, child("other", json!({}), json!({"priority": 2}))]);
        cell.flow(tree).await;
        assert_eq!(cell.work(4).await, ["leaf", "middle", "other", "parent"]);
    })
    .await;
}

#[tokio::test]
async fn a_parent_with_a_delay_waits_for_it_after_its_children() {
    everybody(async |cell| {
        let tree = tree(json!({"delay": 3_600_000}), vec![child("one", json!({}), json!({}))]);
        cell.flow(tree).await;
        assert_eq!(cell.work(1).await, ["one"]);
        cell.look("delayed");
    })
    .await;
}

/// A flow one of whose children fails.
async fn failing(flag: &str, attempts: usize) {
    everybody(async |cell| {
        let mut opts = json!({});
        if !flag.is_empty() {
            opts[flag] = json!(true);
        }
        let mut children = vec![child("good", json!({}), json!({})), child("bad", json!({"fail": 9}), opts)];
        if flag != "continueParentOnFailure" {
            children.push(child("last", json!({}), json!({})));
        }
        cell.flow(tree(json!({}), children)).await;
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
    everybody(async |cell| {
        let bad = child("bad", json!({"fail": 9}), json!({"continueParentOnFailure": true}));
        let other = child("other", json!({}), json!({"delay": 3_600_000}));
        cell.flow(tree(json!({}), vec![bad, other])).await;
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
    cell.flow(tree(json!({}), vec![child("one", json!({}), json!({}))])).await;
    let counts = cell.queue.counts(&queue()).await.unwrap();
    assert_eq!((counts.waiting, counts.delayed, counts.waiting_children), (1, 0, 1));
    let waiting = JobFilter { states: vec![JobState::WaitingChildren], ..JobFilter::default() };
    let listed = cell.queue.list(&queue(), &waiting).await.unwrap();
    assert_eq!(listed.iter().map(|record| record.envelope.id.as_str()).collect::<Vec<_>>(), ["parent"]);
    assert_eq!(cell.record("parent").await.state, JobState::WaitingChildren);
    let parent = cell.record("one").await.parent.unwrap();
    assert_eq!((parent.queue, parent.id.as_str(), parent.when_failed), (queue(), "parent", ChildFailure::Hold));
    cell.work(2).await;
    assert_eq!(cell.queue.counts(&queue()).await.unwrap().waiting_children, 0);
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
    everybody(async |cell| {
        let bad = child("bad", json!({"fail": 9}), json!({"removeOnFail": true}));
        cell.flow(tree(json!({}), vec![bad])).await;
        assert_eq!(cell.work(2).await, ["bad", "parent"]);
    })
    .await;
}

#[tokio::test]
async fn a_child_that_is_retried_by_hand_lets_its_parent_go() {
    everybody(async |cell| {
        cell.flow(tree(json!({}), vec![child("bad", json!({"fail": 1}), json!({}))])).await;
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
    cell.flow(tree(json!({}), children)).await;
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
    everybody(async |cell| {
        cell.flow(tree(json!({}), vec![child("one", json!({}), json!({}))])).await;
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
    cell.flow(tree).await;
    assert_eq!(cell.work(1).await, ["one"]);
    let waiting = cell.server.ask(&["LRANGE", &format!("{}:other:wait", cell.prefix), "0", "-1"]);
    assert_eq!(waiting.texts(), ["parent"]);
}

/// A flow with a child of each fate.
fn of_each_fate() -> Value {
    let bad = |id: &str, flag: &str| child(id, json!({"fail": 9}), json!({flag: true}));
    let children = vec![
        child("good", json!({"n": 1}), json!({})),
        bad("ignored", "ignoreDependencyOnFailure"),
        bad("forgotten", "removeDependencyOnFailure"),
        child("late", json!({}), json!({"delay": 3_600_000})),
    ];
    tree(json!({}), children)
}

#[tokio::test]
async fn whoever_ends_children_and_whoever_added_them_both_sides_read_the_same() {
    let node = Session::start(RedisServer::shared());
    for (producer, worker) in [(Side::Ours, Side::Node), (Side::Node, Side::Ours), (Side::Ours, Side::Ours)] {
        let who = format!("producer {producer:?}, worker {worker:?}");
        let cell = Cell::new(producer, worker, &node).await;
        cell.flow(of_each_fate()).await;
        cell.work(3).await;
        let mut told = cell.queue.children(&queue(), &"parent".into()).await.unwrap();
        if producer == Side::Ours {
            // Ours say in which order they were added; of Node's nobody knows.
            let ids: Vec<&str> = told.iter().map(|child| child.id.as_str()).collect();
            assert_eq!(ids, ["good", "ignored", "late"], "{who}");
        }
        told.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        let states: Vec<_> = told.iter().map(|child| (child.id.as_str(), &*child.kind, child.state)).collect();
        let wanted = [
            ("good", "child", JobState::Completed),
            ("ignored", "child", JobState::Failed),
            ("late", "child", JobState::Delayed),
        ];
        assert_eq!(states, wanted, "{who}");
        assert_eq!(told[0].result.as_deref(), Some(b"{\"did\":{\"n\":1}}".as_slice()), "{who}");
        assert_eq!(told[1].error.as_deref(), Some("failure 1"), "{who}");

        let parent = async |method: &str| cell.ask_node("job", json!({"id": "parent", "method": method})).await;
        let key = |id: &str| format!("{}:email:{id}", cell.prefix);
        assert_eq!(parent("getChildrenValues").await, json!({key("good"): {"did": {"n": 1}}}), "{who}");
        assert_eq!(parent("getIgnoredChildrenFailures").await, json!({key("ignored"): "failure 1"}), "{who}");
        let dependencies = parent("getDependencies").await;
        assert_eq!(dependencies["unprocessed"], json!([key("late")]), "{who}: {dependencies}");
        assert_eq!(parent("getState").await, json!("waiting-children"), "{who}");
        let flow = cell.ask_node("tree", json!({"id": "parent"})).await;
        let mut ids: Vec<&str> =
            flow["children"].as_array().unwrap().iter().map(|child| child["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!((&flow["id"], ids), (&json!("parent"), vec!["good", "ignored", "late"]), "{who}");
    }
}

#[tokio::test]
async fn children_and_parent_may_be_run_by_different_sides() {
    let node = Session::start(RedisServer::shared());
    for (first, then) in [(Side::Node, Side::Ours), (Side::Ours, Side::Node)] {
        let mut cell = Cell::new(Side::Ours, first, &node).await;
        let leaf = child("leaf", json!({}), json!({}));
        let mut middle = child("middle", json!({}), json!({"failParentOnFailure": true}));
        middle["children"] = json!([leaf]);
        cell.flow(tree(json!({}), vec![middle, child("other", json!({}), json!({"priority": 9}))])).await;
        for _ in ["leaf", "middle"] {
            let held = cell.take_one().await;
            cell.end(held).await;
        }
        cell.worker = then;
        assert_eq!(cell.work(2).await, ["other", "parent"]);
        assert_eq!(cell.record("parent").await.state, JobState::Completed);
    }
}

#[tokio::test]
async fn a_parent_that_ours_failed_is_waited_for_no_longer_by_nodes() {
    let node = Session::start(RedisServer::shared());
    let mut cell = Cell::new(Side::Ours, Side::Ours, &node).await;
    let mut middle = child("middle", json!({}), json!({"ignoreDependencyOnFailure": true}));
    middle["children"] = json!([child("leaf", json!({"fail": 9}), json!({"failParentOnFailure": true}))]);
    cell.flow(tree(json!({}), vec![middle])).await;
    let held = cell.take_one().await;
    cell.end(held).await;
    cell.worker = Side::Node;
    // What condemned the parent is heeded by whoever takes it.
    assert_eq!(cell.work(2).await, ["middle", "parent"]);
    let middle = cell.record("middle").await;
    assert_eq!(middle.state, JobState::Failed);
    assert_eq!(middle.error.unwrap(), format!("child {}:email:leaf failed", cell.prefix));
    assert_eq!(cell.record("parent").await.state, JobState::Completed);
}
