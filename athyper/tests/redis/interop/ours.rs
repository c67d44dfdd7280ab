//! Our side: adds what BullMQ's words ask for, and runs jobs as their data says.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use athyper::jobs::{
    Backoff, ChildFailure, Claimed, JobId, JobQueue, NewJob, Outcome, Parent, Priority, QueueName, Retention, Unique,
    Verdict,
};
use serde_json::{Value, json};

use crate::support::{job, outcome_of, take, within_a_minute};

fn number(value: &Value) -> Option<u64> {
    value.as_u64()
}

fn retention(value: &Value, otherwise: Retention) -> Retention {
    match value {
        Value::Bool(true) => Retention { count: 0, ..otherwise },
        Value::Object(keep) => Retention {
            count: keep.get("count").and_then(number).map_or(u32::MAX, |count| u32::try_from(count).unwrap()),
            age: Duration::from_secs(keep.get("age").and_then(number).unwrap_or(1 << 30)),
        },
        _ => otherwise,
    }
}

/// A job of ours, asked for in the words of BullMQ. Only words that we have are understood.
pub(super) fn new_job(asked: &Value) -> NewJob {
    new_child(asked, None)
}

fn new_child(asked: &Value, parent: Option<(QueueName, JobId)>) -> NewJob {
    // Without a word, a parent of BullMQ's waits.
    let mut when_failed = ChildFailure::Hold;
    let (kind, data, opts) = (asked[0].as_str().unwrap(), &asked[1], &asked[2]);
    let mut new = job(opts["jobId"].as_str().expect("a job of ours is named"));
    new.envelope.kind = kind.to_owned();
    new.envelope.payload = data.to_string().into();
    let options = &mut new.envelope.options;
    options.priority = Priority(0);
    for (word, value) in opts.as_object().unwrap() {
        match &**word {
            "jobId" => {}
            "attempts" => options.attempts = u32::try_from(number(value).unwrap()).unwrap(),
            "priority" => options.priority = Priority(u32::try_from(number(value).unwrap()).unwrap()),
            "delay" => new.due_at += Duration::from_millis(number(value).unwrap()),
            "backoff" => {
                let base = Duration::from_millis(number(&value["delay"]).unwrap());
                options.backoff =
                    if value["type"] == "fixed" { Backoff::fixed(base) } else { Backoff::exponential(base) };
            }
            "removeOnComplete" => options.keep_completed = retention(value, Retention::COMPLETED),
            "removeOnFail" => options.keep_failed = retention(value, Retention::FAILED),
            "failParentOnFailure" => when_failed = ChildFailure::FailParent,
            "continueParentOnFailure" => when_failed = ChildFailure::ContinueParent,
            "ignoreDependencyOnFailure" => when_failed = ChildFailure::Ignore,
            "removeDependencyOnFailure" => when_failed = ChildFailure::Forget,
            "deduplication" => {
                let period = Duration::from_millis(number(&value["ttl"]).expect("a key of ours has a time"));
                new.unique = Some(Unique { key: value["id"].as_str().unwrap().to_owned(), period });
            }
            other => panic!("we have no word for {other}"),
        }
    }
    new.parent = parent.map(|(queue, id)| Parent { queue, id, when_failed });
    new
}

/// A flow of ours, asked for as a tree of BullMQ's: level by level, as by BullMQ.
pub(super) fn new_flow(tree: &Value) -> Vec<NewJob> {
    let mut flow = Vec::new();
    let mut next = VecDeque::from([(tree, None)]);
    while let Some((node, parent)) = next.pop_front() {
        let mut job = new_child(&json!([node["name"], node["data"], node["opts"]]), parent);
        if let Some(queue) = node["queueName"].as_str() {
            job.envelope.queue = queue.into();
            job.envelope.options.queue = queue.to_owned().into();
        }
        let own = (job.envelope.queue.clone(), job.envelope.id.clone());
        let children = node["children"].as_array().into_iter().flatten();
        next.extend(children.map(|child| (child, Some(own.clone()))));
        flow.push(job);
    }
    flow
}

/// A tree of BullMQ's with everything said that ours always say.
pub(super) fn tree_in_full(tree: &Value) -> Value {
    let mut full = tree.clone();
    full["opts"] = in_full(&json!([tree["name"], tree["data"], tree["opts"]]))[2].take();
    if let Some(children) = tree["children"].as_array() {
        full["children"] = children.iter().map(tree_in_full).collect();
    }
    full
}

/// What a job asks for, in the words of BullMQ: with everything said that ours always say.
pub(super) fn in_full(asked: &Value) -> Value {
    let mut opts = json!({
        "attempts": 3, "backoff": {"type": "exponential", "delay": 1000},
        "removeOnComplete": {"age": 86_400, "count": 1_000}, "removeOnFail": {"age": 2_592_000, "count": 10_000},
    });
    for (word, value) in asked[2].as_object().unwrap() {
        opts[word] = value.clone();
    }
    json!([asked[0], asked[1], opts])
}

/// Does what a job's data says, as a worker of ours would.
async fn perform(queue: &Arc<dyn JobQueue>, claimed: &Claimed) -> Outcome {
    let wish: Value = serde_json::from_slice(&claimed.envelope.payload).unwrap();
    for step in wish["progress"].as_array().into_iter().flatten() {
        queue.record_progress(&claimed.lock, step.to_string().into()).await.unwrap();
    }
    if claimed.lock.token == 1 {
        if let Some(delay) = wish["snooze"].as_u64() {
            return Outcome::Snooze { delay: Duration::from_millis(delay) };
        }
        if wish["giveBack"] == true {
            return Outcome::Release;
        }
    }
    if wish["unrecoverable"] == true {
        return Outcome::Fail { error: "no use".to_owned() };
    }
    let attempt = claimed.attempts_made + 1;
    let stumbles = wish["stumble"].as_u64().is_some_and(|starts| u64::from(claimed.lock.token) <= starts);
    if !stumbles && u64::from(attempt) > wish["fail"].as_u64().unwrap_or(0) {
        return Outcome::Complete(json!({ "did": wish }).to_string().into());
    }
    let (error, options) = (format!("failure {attempt}"), &claimed.envelope.options);
    if attempt >= options.attempts {
        return Outcome::Fail { error };
    }
    Outcome::Retry { error, delay: options.backoff.delay(attempt, 0.0) }
}

/// Runs until so many attempts have ended; answers with their jobs. As many are taken at once as `together` says.
pub(super) async fn work(queue: &Arc<dyn JobQueue>, attempts: usize, together: usize) -> Vec<String> {
    let mut seen = Vec::new();
    within_a_minute(async {
        let mut held: Vec<Claimed> = Vec::new();
        while seen.len() < attempts {
            if held.is_empty() {
                held = queue.take(&take(together, Duration::from_secs(20))).await.unwrap();
                continue;
            }
            let claimed = held.remove(0);
            let outcome = perform(queue, &claimed).await;
            let next = take(1, Duration::ZERO);
            let finished = queue.finish(vec![outcome_of(&claimed, outcome)], Some(&next)).await.unwrap();
            assert_eq!(finished.verdicts, [Verdict::Applied]);
            held.extend(finished.next);
            seen.push(claimed.lock.id.as_str().to_owned());
        }
        assert!(held.is_empty(), "more was taken than was to be run");
    })
    .await;
    seen
}

/// Ends a job as its data says, and asks for no other.
pub(super) async fn end(queue: &Arc<dyn JobQueue>, claimed: &Claimed) {
    let outcome = perform(queue, claimed).await;
    let finished = queue.finish(vec![outcome_of(claimed, outcome)], None).await.unwrap();
    assert_eq!(finished.verdicts, [Verdict::Applied]);
}
