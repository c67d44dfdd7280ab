//! What jobs ask for.

use serde_json::json;

use super::scenario::{both_workers, everybody};

#[tokio::test]
async fn jobs_run_in_the_same_order() {
    everybody(async |cell| {
        cell.add(json!([
            ["send", {"n": 1}, {"jobId": "a"}],
            ["send", {"n": 2}, {"jobId": "b", "priority": 7}],
            ["send", {"n": 3}, {"jobId": "c", "priority": 3}],
            ["send", {"n": 4}, {"jobId": "d"}],
            ["send", {"n": 5}, {"jobId": "e", "priority": 7}],
            ["send", {"n": 6}, {"jobId": "f", "priority": 2_097_151}],
        ]))
        .await;
        cell.look("added");
        assert_eq!(cell.work(6).await, ["a", "d", "c", "b", "e", "f"]);
    })
    .await;
}

#[tokio::test]
async fn ids_and_payloads_of_any_kind_pass() {
    everybody(async |cell| {
        let ids = ["007", "a:b:c", " ", "ä👩‍👩‍👧", "018f3a-7b", "a/b?c=d&e#f", "'\"\\", "%7E~"];
        let payloads = [json!([1, []]), json!({}), json!({"deep": [{"ä": null}]}), json!({"n": 1.5})];
        let mut jobs = Vec::new();
        for (place, id) in ids.iter().enumerate() {
            jobs.push(json!(["send", payloads[place % payloads.len()], {"jobId": id}]));
        }
        cell.add(json!(jobs)).await;
        // A second one of the same id is none.
        cell.add(json!([["send", {"n": 2}, {"jobId": "007"}]])).await;
        cell.look("added");
        assert_eq!(cell.work(ids.len()).await, ids);
    })
    .await;
}

#[tokio::test]
async fn delayed_jobs_wait_and_are_promoted() {
    everybody(async |cell| {
        cell.add(json!([
            ["send", {}, {"jobId": "much-later", "delay": 3_600_000}],
            ["send", {}, {"jobId": "by-hand", "delay": 1_800_000}],
            ["send", {}, {"jobId": "soon", "delay": 400}],
            ["send", {}, {"jobId": "important", "delay": 900_000, "priority": 5}],
        ]))
        .await;
        assert_eq!(cell.work(1).await, ["soon"]);
        cell.change("important", "promote").await;
        cell.change("by-hand", "promote").await;
        cell.look("promoted");
        assert_eq!(cell.work(2).await, ["by-hand", "important"]);
    })
    .await;
}

#[tokio::test]
async fn the_last_one_in_is_the_first_one_out() {
    both_workers(async |cell| {
        let lifo = |id: &str| json!(["send", {}, {"jobId": id, "lifo": true}]);
        cell.node_adds(json!([["send", {}, {"jobId": "a"}], lifo("b"), lifo("c")])).await;
        assert_eq!(cell.work(3).await, ["c", "b", "a"]);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_failed_is_first_again_where_it_is_lifo() {
    both_workers(async |cell| {
        let wish = json!({"fail": 1});
        cell.node_adds(json!([
            ["send", {}, {"jobId": "a"}],
            ["send", wish, {"jobId": "b", "lifo": true, "attempts": 2}],
            ["send", {}, {"jobId": "c", "attempts": 2}],
        ]))
        .await;
        assert_eq!(cell.work(4).await, ["b", "b", "a", "c"]);
    })
    .await;
}

#[tokio::test]
async fn attempts_wait_as_the_job_says() {
    everybody(async |cell| {
        let wish = json!({"fail": 9});
        cell.add(json!([
            ["send", wish, {"jobId": "fixed", "backoff": {"type": "fixed", "delay": 3_600_000}}],
            ["send", wish, {"jobId": "twice", "backoff": {"type": "exponential", "delay": 3_600_000}}],
            ["send", wish, {"jobId": "at-once", "backoff": {"type": "fixed", "delay": 0}, "attempts": 2}],
        ]))
        .await;
        assert_eq!(cell.work(4).await, ["fixed", "twice", "at-once", "at-once"]);
        cell.look("tried once");
        for round in ["twice", "three times"] {
            cell.change("fixed", "promote").await;
            cell.change("twice", "promote").await;
            assert_eq!(cell.work(2).await, ["fixed", "twice"]);
            cell.look(round);
        }
    })
    .await;
}

#[tokio::test]
async fn a_failure_that_nothing_helps_ends_the_job() {
    everybody(async |cell| {
        cell.add(json!([["send", {"unrecoverable": true}, {"jobId": "a", "attempts": 5}]])).await;
        cell.work(1).await;
        cell.look("failed");
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_is_kept_by_count() {
    everybody(async |cell| {
        let keep = json!({"count": 2, "age": 3_600});
        let job = |id: &str, wish: serde_json::Value| {
            json!(["send", wish, {"jobId": id, "attempts": 1, "removeOnComplete": keep, "removeOnFail": keep}])
        };
        let no = json!({"fail": 1});
        cell.add(json!([job("a", json!({})), job("b", no.clone()), job("c", json!({})), job("d", no.clone())])).await;
        cell.add(json!([job("e", json!({})), job("f", no.clone())])).await;
        cell.work(6).await;
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_is_kept_by_age() {
    everybody(async |cell| {
        let keep = json!({"count": 100, "age": 1});
        cell.add(json!([["send", {}, {"jobId": "a", "removeOnComplete": keep}]])).await;
        cell.work(1).await;
        assert!(cell.at("a.name").is_some());
        cell.add(json!([["send", {}, {"jobId": "b", "removeOnComplete": keep, "delay": 1_500}]])).await;
        cell.work(1).await;
        assert_eq!(cell.at("a.name"), None);
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_is_kept_as_node_says() {
    both_workers(async |cell| {
        let no = json!({"fail": 1});
        cell.node_adds(json!([
            ["send", {}, {"jobId": "gone", "removeOnComplete": true}],
            ["send", no, {"jobId": "failed-and-gone", "removeOnFail": true}],
            ["send", no, {"jobId": "failed-and-gone-later"}],
            ["send", no, {"jobId": "failed-and-kept", "removeOnFail": 1}],
            ["send", {}, {"jobId": "kept", "removeOnComplete": false}],
            ["send", {}, {"jobId": "kept-too", "removeOnComplete": {"count": 2}}],
            ["send", {}, {"jobId": "kept-alone", "removeOnComplete": 1}],
        ]))
        .await;
        cell.ask_node("job", json!({"id": "gone", "method": "log", "args": ["a row"]})).await;
        cell.work(7).await;
    })
    .await;
}

#[tokio::test]
async fn the_stack_is_as_long_as_the_job_says() {
    both_workers(async |cell| {
        let job =
            |id: &str, limit: u32| json!(["send", {"fail": 3}, {"jobId": id, "attempts": 3, "stackTraceLimit": limit}]);
        cell.node_adds(json!([job("two", 2), job("none", 0), job("nine", 9)])).await;
        cell.work(9).await;
    })
    .await;
}

#[tokio::test]
async fn progress_is_told() {
    everybody(async |cell| {
        cell.add(json!([["send", {"progress": [10, {"at": "half"}, "ä"]}, {"jobId": "a"}]])).await;
        cell.work(1).await;
    })
    .await;
}

#[tokio::test]
async fn what_was_logged_of_a_job_stays_with_it() {
    both_workers(async |cell| {
        cell.node_adds(json!([["send", {}, {"jobId": "a", "keepLogs": 2}]])).await;
        for row in ["one", "two", "three"] {
            cell.ask_node("job", json!({"id": "a", "method": "log", "args": [row]})).await;
        }
        cell.work(1).await;
        assert_eq!(cell.at("a:logs[1]").as_deref(), Some("three"));
        cell.change("a", "remove").await;
        assert_eq!(cell.at("a:logs[0]"), None);
    })
    .await;
}

#[tokio::test]
async fn a_bulk_is_as_many_jobs() {
    both_workers(async |cell| {
        let jobs: Vec<_> = (0..50).map(|n| json!(["send", {"n": n}, {"jobId": format!("job-{n}")}])).collect();
        cell.ask_node("add", json!({"bulk": true, "jobs": jobs})).await;
        assert_eq!(cell.work(50).await.len(), 50);
    })
    .await;
}

#[tokio::test]
async fn a_job_is_put_off_without_an_attempt() {
    everybody(async |cell| {
        cell.add(json!([
            ["send", {"snooze": 3_600_000}, {"jobId": "a"}],
            ["send", {"giveBack": true}, {"jobId": "b"}],
            ["send", {}, {"jobId": "c"}],
        ]))
        .await;
        // What is given back keeps its place.
        assert_eq!(cell.work(4).await, ["a", "b", "b", "c"]);
        cell.look("put off");
        cell.change("a", "promote").await;
        cell.work(1).await;
    })
    .await;
}
