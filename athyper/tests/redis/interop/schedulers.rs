//! BullMQ's job schedulers, whose runs ours carry on.

use athyper::jobs::{JobFilter, JobState};
use serde_json::json;

use super::dump::Explained;
use super::scenario::{Side, play};
use crate::support::queue;

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
        cell.call("upsertJobScheduler", json!(["tick", {"every": 3_600_000, "limit": 3}, template])).await;
        cell.work(1).await;
        for _ in 0..2 {
            let next = cell.queue.list(&queue(), &JobFilter::default()).await.unwrap();
            let next = next.iter().find(|run| run.state == JobState::Delayed).unwrap();
            cell.change(next.envelope.id.as_str(), "promote").await;
            cell.work(1).await;
        }
        assert_eq!(cell.queue.counts(&queue()).await.unwrap().delayed, 0);
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
