//! BullMQ's job schedulers, whose runs ours carry on.

use serde_json::json;

use super::dump::Explained;
use super::scenario::{Side, play};

const PAIRS: [(Side, Side); 2] = [(Side::Node, Side::Node), (Side::Node, Side::Ours)];
const TIMES: [Explained; 2] = [
    Explained("*delay", "the time that is left, from when somebody looked"),
    Explained("*.offset", "when the scheduler began"),
];

#[tokio::test]
async fn a_scheduler_goes_on_to_its_limit() {
    play(&PAIRS, &TIMES, async |cell| {
        let template =
            json!({"name": "beat", "data": {"n": 1}, "opts": {"priority": 4, "attempts": 2, "removeOnComplete": 10}});
        cell.call("upsertJobScheduler", json!(["tick", {"every": 200, "limit": 3}, template])).await;
        assert_eq!(cell.work(3).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn the_next_run_is_added_when_one_is_taken() {
    play(&PAIRS, &TIMES, async |cell| {
        cell.call("upsertJobScheduler", json!(["hourly", {"every": 3_600_000}, {"name": "beat"}])).await;
        cell.call(
            "upsertJobScheduler",
            json!(["nightly", {"pattern": "0 0 3 * * *", "tz": "Europe/Vienna"}, {"name": "night"}]),
        )
        .await;
        cell.work(1).await;
        cell.look("taken");
        for scheduler in ["hourly", "nightly"] {
            assert_eq!(cell.call("removeJobScheduler", json!([scheduler])).await, true);
        }
    })
    .await;
}
