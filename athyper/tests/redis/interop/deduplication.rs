//! Deduplication, in all of its modes.

use serde_json::{Value, json};

use super::scenario::{both_workers, everybody};

fn keyed(id: &str, wish: Value, deduplication: Value) -> Value {
    json!(["send", wish, {"jobId": id, "deduplication": deduplication}])
}

#[tokio::test]
async fn a_key_with_a_time_outlives_its_job() {
    everybody(async |cell| {
        let key = json!({"id": "k", "ttl": 3_600_000});
        cell.add(json!([keyed("a", json!({}), key.clone()), keyed("b", json!({}), key.clone())])).await;
        cell.look("added");
        assert_eq!(cell.work(1).await, ["a"]);
        cell.add(json!([keyed("c", json!({}), key)])).await;
    })
    .await;
}

#[tokio::test]
async fn a_key_without_a_time_ends_with_its_job() {
    both_workers(async |cell| {
        let key = json!({"id": "k"});
        let job = |id: &str| keyed(id, json!({}), key.clone());
        assert_eq!(cell.node_adds(json!([job("a"), job("b")])).await, ["a", "a"]);
        cell.work(1).await;
        assert_eq!(cell.node_adds(json!([job("c")])).await, ["c"]);
        cell.change("c", "remove").await;
        assert_eq!(cell.node_adds(json!([job("d")])).await, ["d"]);
    })
    .await;
}

#[tokio::test]
async fn a_key_ends_with_a_job_that_failed() {
    both_workers(async |cell| {
        let key = json!({"id": "k"});
        cell.node_adds(json!([keyed("a", json!({"fail": 1}), key.clone())])).await;
        cell.work(1).await;
        assert_eq!(cell.node_adds(json!([keyed("b", json!({}), key)])).await, ["b"]);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_extended_or_its_job_replaced() {
    both_workers(async |cell| {
        let extended = json!({"id": "e", "ttl": 3_600_000, "extend": true});
        cell.node_adds(json!([keyed("a", json!({}), extended.clone()), keyed("b", json!({}), extended)])).await;
        let late = |id: &str, n: u32| {
            let replaced = json!({"id": "r", "ttl": 3_600_000, "extend": true, "replace": true});
            json!(["send", {"n": n}, {"jobId": id, "delay": 3_600_000, "deduplication": replaced}])
        };
        cell.node_adds(json!([late("c", 1), late("d", 2)])).await;
        cell.look("replaced");
        cell.change("d", "promote").await;
        assert_eq!(cell.work(2).await, ["a", "d"]);
    })
    .await;
}

/// Adds a job while one of its key runs.
async fn held_back(last_opts: Value, wish: Value) {
    both_workers(async |cell| {
        let key = json!({"id": "k", "keepLastIfActive": true});
        cell.node_adds(json!([keyed("a", wish.clone(), key.clone())])).await;
        let held = cell.take_one().await;
        let mut opts = json!({"jobId": "c", "deduplication": key});
        for (word, value) in last_opts.as_object().unwrap() {
            opts[word] = value.clone();
        }
        // Of those that come while it runs, the last one is kept.
        cell.node_adds(json!([keyed("b", json!({"n": 1}), key.clone()), ["send", {"n": [2]}, opts]])).await;
        cell.look("held back");
        cell.end(held).await;
        cell.look("let go");
        if last_opts.get("delay").is_none() {
            assert_eq!(cell.work(1).await, ["c"]);
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_one_that_came_meanwhile_runs_afterwards() {
    held_back(json!({}), json!({})).await;
}

#[tokio::test]
async fn the_last_one_that_came_meanwhile_runs_after_a_failure() {
    held_back(json!({"priority": 3}), json!({"fail": 1})).await;
}

#[tokio::test]
async fn the_last_one_that_came_meanwhile_keeps_its_delay() {
    held_back(json!({"delay": 3_600_000}), json!({})).await;
}

#[tokio::test]
async fn a_delay_is_counted_anew_where_it_is_rescheduled() {
    both_workers(async |cell| {
        let late = |id: &str, delay: u32| {
            json!(["send", {}, {"jobId": id, "delay": delay, "deduplication": {"id": "k", "reschedule": true}}])
        };
        cell.node_adds(json!([late("a", 3_600_000), late("b", 7_200_000)])).await;
        cell.look("rescheduled");
        cell.change("a", "promote").await;
        assert_eq!(cell.work(1).await, ["a"]);
    })
    .await;
}
