//! What lies in Redis: as BullMQ would have it, and what BullMQ laid there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use athyper::jobs::{ChildFailure, JobQueue, JobState, Outcome, Parent, Priority, RecoveryPolicy, Unique, Verdict};
use athyper_testkit::services::{RedisServer, Reply};
use serde_json::{Value, json};

use crate::support::{add, done, fresh_prefix, ids, job, jobs, outcome_of, queue, take, take_now, within_a_minute};

/// A queue with a prefix of its own, and a look at its keys.
struct Look {
    server: &'static RedisServer,
    base: String,
    queue: Arc<dyn JobQueue>,
}

impl Look {
    async fn new() -> Self {
        let (server, prefix) = (RedisServer::shared(), fresh_prefix());
        let queue = jobs(&format!("{}?prefix={prefix}", server.url())).await;
        Self { server, base: format!("{prefix}:email:"), queue }
    }

    fn ask(&self, command: &str, suffix: &str, rest: &[&str]) -> Reply {
        let key = format!("{}{suffix}", self.base);
        let words: Vec<&str> = [command, &*key].into_iter().chain(rest.iter().copied()).collect();
        self.server.ask(&words)
    }

    fn hash(&self, suffix: &str) -> HashMap<String, String> {
        let words = self.ask("HGETALL", suffix, &[]).texts();
        words.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    }

    /// The events so far: the name, then the other fields without their names.
    fn events(&self) -> Vec<String> {
        let Reply::List(entries) = self.ask("XRANGE", "events", &["-", "+"]) else { return Vec::new() };
        let fields = |entry: &Reply| match entry {
            Reply::List(parts) => parts[1].texts().chunks(2).map(|pair| pair[1].clone()).collect::<Vec<_>>().join(" "),
            _ => String::new(),
        };
        entries.iter().map(fields).collect()
    }
}

#[tokio::test]
async fn a_job_lies_as_bullmq_lays_it() {
    let look = Look::new().await;
    let mut one = job("one");
    one.envelope.payload = "{ \"to\" : \"ä\" }".into();
    one.unique = Some(Unique { key: "k".to_owned(), period: Duration::from_secs(60) });
    look.queue.add(vec![one]).await.unwrap();
    let hash = look.hash("one");
    let fixed = ["name", "data", "delay", "priority", "deid"].map(|name| hash[name].as_str());
    assert_eq!(fixed, ["welcome", "{ \"to\" : \"ä\" }", "0", "1000", "k"]);
    let options: Value = serde_json::from_str(&hash["opts"]).unwrap();
    assert_eq!(options["backoff"], json!({"type": "exponential", "delay": 1000}));
    assert_eq!((&options["attempts"], &options["jobId"]), (&json!(3), &json!("one")));
    assert_eq!(options["de"], json!({"id": "k", "ttl": 60_000}));
    assert_eq!(look.ask("ZSCORE", "prioritized", &["one"]).text(), (1_000_u64 << 32 | 1).to_string());
    assert_eq!(look.ask("ZRANGE", "marker", &["0", "-1", "WITHSCORES"]).texts(), ["0", "0"]);
    assert_eq!(look.ask("GET", "de:k", &[]).text(), "one");
    assert_eq!(look.hash("meta")["opts.maxLenEvents"], "10000");
    assert_eq!(look.events(), ["added one welcome", "waiting one"]);
}

#[tokio::test]
async fn a_job_without_priority_waits_in_the_list() {
    let look = Look::new().await;
    let mut jobs = vec![job("a"), job("b")];
    jobs.iter_mut().for_each(|job| job.envelope.options.priority = Priority(0));
    look.queue.add(jobs).await.unwrap();
    assert_eq!(look.ask("LRANGE", "wait", &["0", "-1"]).texts(), ["b", "a"]);
    assert_eq!(ids(&take_now(&look.queue, 1).await), ["a"]);
    assert_eq!(look.ask("LRANGE", "active", &["0", "-1"]).texts(), ["a"]);
}

#[tokio::test]
async fn what_comes_back_overtakes_no_better_priority() {
    let look = Look::new().await;
    for (round, outcome) in [Some(Outcome::Release), None].into_iter().enumerate() {
        let (low, high, last) = (format!("low-{round}"), format!("high-{round}"), format!("last-{round}"));
        add(&look.queue, &[&low]).await;
        let mut brief = take(1, Duration::ZERO);
        brief.lock_for = Duration::from_millis(1);
        let claimed = look.queue.take(&brief).await.unwrap();
        let mut better = job(&high);
        better.envelope.options.priority = Priority::High;
        look.queue.add(vec![better, job(&last)]).await.unwrap();
        match outcome {
            Some(outcome) => drop(look.queue.finish(vec![outcome_of(&claimed[0], outcome)], None).await.unwrap()),
            None => {
                within_a_minute(async {
                    while look.queue.recover(&queue(), RecoveryPolicy::default()).await.unwrap().is_empty() {}
                })
                .await
            }
        }
        let taken = take_now(&look.queue, 9).await;
        assert_eq!(ids(&taken), [&*high, &*low, &*last]);
    }
}

#[tokio::test]
async fn a_delayed_job_has_its_time_in_its_score_and_in_the_marker() {
    let look = Look::new().await;
    let mut late = job("late");
    late.due_at += Duration::from_secs(3600);
    let due = late.due_at.timestamp_micros().div_euclid(1000) + i64::from(late.due_at.timestamp_micros() % 1000 > 0);
    look.queue.add(vec![late]).await.unwrap();
    assert_eq!(look.ask("ZSCORE", "delayed", &["late"]).text(), (due * 4096).to_string());
    assert_eq!(look.ask("ZRANGE", "marker", &["0", "-1", "WITHSCORES"]).texts(), ["1", &due.to_string()]);
    assert_eq!(look.events(), ["added late welcome", &format!("delayed late {due}")]);
}

#[tokio::test]
async fn an_attempt_is_told_as_bullmq_tells_it() {
    let look = Look::new().await;
    add(&look.queue, &["a"]).await;
    let claimed = take_now(&look.queue, 1).await;
    let hash = look.hash("a");
    assert_eq!((&*hash["ats"], &*hash["pb"]), ("1", "worker"));
    assert!(hash.contains_key("processedOn"));
    let left: i64 = look.ask("PTTL", "a:lock", &[]).text().parse().unwrap();
    assert!((1..=30_000).contains(&left), "{left}");
    // Whoever takes leaves a marker for the next one.
    assert_eq!(look.ask("ZCARD", "marker", &[]), Reply::Number(1));
    look.queue.record_progress(&claimed[0].lock, "50".into()).await.unwrap();
    let retry = Outcome::Retry { error: "no \"luck\"".to_owned(), delay: Duration::ZERO };
    look.queue.finish(vec![outcome_of(&claimed[0], retry)], None).await.unwrap();
    let again = take_now(&look.queue, 1).await;
    look.queue.finish(vec![outcome_of(&again[0], done())], None).await.unwrap();
    let hash = look.hash("a");
    let fields =
        ["ats", "atm", "progress", "returnvalue", "failedReason", "stacktrace"].map(|name| hash[name].as_str());
    assert_eq!(fields, ["2", "2", "50", "{\"ok\":true}", "no \"luck\"", "[\"no \\\"luck\\\"\"]"]);
    assert_eq!(look.ask("EXISTS", "a:lock", &[]), Reply::Number(0));
    assert_eq!(look.ask("ZSCORE", "completed", &["a"]).text(), hash["finishedOn"]);
    let events = look.events();
    let wanted = [
        "added a welcome",
        "waiting a",
        "active a waiting",
        "progress a 50",
        "waiting a active",
        "active a waiting",
        "completed a {\"ok\":true} active",
        "drained",
    ];
    assert_eq!(events, wanted);
}

#[tokio::test]
async fn a_result_that_is_no_json_breaks_no_listener() {
    let look = Look::new().await;
    add(&look.queue, &["a"]).await;
    let claimed = take_now(&look.queue, 1).await;
    look.queue.record_progress(&claimed[0].lock, "half".into()).await.unwrap();
    look.queue.finish(vec![outcome_of(&claimed[0], Outcome::Complete("all of it".into()))], None).await.unwrap();
    let events = look.events();
    assert!(events.contains(&"progress a \"half\"".to_owned()), "{events:?}");
    assert!(events.contains(&"completed a \"all of it\" active".to_owned()), "{events:?}");
}

#[tokio::test]
async fn what_bullmq_added_is_taken_and_ended_by_its_own_options() {
    let look = Look::new().await;
    let opts = "{\"attempts\":2,\"removeOnComplete\":true}";
    let fields =
        ["name", "send", "data", "[1]", "opts", opts, "timestamp", "1700000000123", "delay", "0", "priority", "0"];
    look.ask("HSET", "7", &fields);
    look.ask("LPUSH", "wait", &["7"]);
    let claimed = take_now(&look.queue, 9).await;
    assert_eq!(ids(&claimed), ["7"]);
    let envelope = &claimed[0].envelope;
    assert_eq!((&*envelope.kind, &*envelope.payload, envelope.version), ("send", b"[1]".as_slice(), 1));
    assert_eq!((envelope.options.attempts, envelope.options.keep_completed.count), (2, 0));
    assert_eq!(claimed[0].created_at.timestamp_millis(), 1_700_000_000_123);
    look.queue.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
    assert_eq!(look.ask("EXISTS", "7", &[]), Reply::Number(0));
    assert_eq!(look.ask("ZCARD", "completed", &[]), Reply::Number(0));
}

#[tokio::test]
async fn a_job_that_was_condemned_fails_without_being_run() {
    let look = Look::new().await;
    add(&look.queue, &["a", "b"]).await;
    look.ask("HSET", "a", &["defa", "child x failed"]);
    assert_eq!(ids(&take_now(&look.queue, 9).await), ["b"]);
    let record = look.queue.get(&queue(), &"a".into()).await.unwrap().unwrap();
    assert_eq!((record.state, record.error.as_deref()), (JobState::Failed, Some("child x failed")));
}

#[tokio::test]
async fn the_queues_own_limits_are_kept() {
    let look = Look::new().await;
    add(&look.queue, &["a", "b", "c", "d"]).await;
    look.ask("HSET", "meta", &["concurrency", "1"]);
    let first = take_now(&look.queue, 9).await;
    assert_eq!(ids(&first), ["a"]);
    assert!(take_now(&look.queue, 9).await.is_empty());
    look.ask("HDEL", "meta", &["concurrency"]);
    look.ask("HSET", "meta", &["max", "2", "duration", "60000"]);
    assert_eq!(ids(&take_now(&look.queue, 9).await), ["b", "c"]);
    assert!(take_now(&look.queue, 9).await.is_empty());
}

#[tokio::test]
async fn the_last_child_lets_its_parent_go() {
    let look = Look::new().await;
    add(&look.queue, &["child-1", "child-2"]).await;
    let parent = format!("{}parent", look.base);
    look.ask(
        "HSET",
        "parent",
        &["name", "sum", "data", "{}", "opts", "{}", "timestamp", "1", "delay", "0", "priority", "0"],
    );
    look.ask("ZADD", "waiting-children", &["1", "parent"]);
    for child in ["child-1", "child-2"] {
        look.ask("HSET", child, &["parentKey", &parent]);
        look.ask("SADD", "parent:dependencies", &[&format!("{}{child}", look.base)]);
    }
    let claimed = take_now(&look.queue, 9).await;
    look.queue.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
    assert_eq!(look.ask("LLEN", "wait", &[]), Reply::Number(0));
    look.queue.finish(vec![outcome_of(&claimed[1], done())], None).await.unwrap();
    assert_eq!(look.hash("parent:processed").len(), 2);
    assert_eq!(ids(&take_now(&look.queue, 9).await), ["parent"]);
}

#[tokio::test]
async fn what_an_older_bullmq_moved_aside_comes_back_on_resume() {
    let look = Look::new().await;
    look.queue.pause(&queue()).await.unwrap();
    for id in ["1", "2"] {
        look.ask("HSET", id, &["name", "send", "data", "{}", "opts", "{}", "timestamp", "1"]);
        look.ask("LPUSH", "paused", &[id]);
    }
    look.queue.resume(&queue()).await.unwrap();
    assert_eq!(ids(&take_now(&look.queue, 9).await), ["1", "2"]);
}

#[tokio::test]
async fn a_worker_of_bullmq_that_took_a_stalled_job_cannot_be_overruled() {
    let look = Look::new().await;
    add(&look.queue, &["a"]).await;
    let claimed = take_now(&look.queue, 1).await;
    // What its stalled check and its take do.
    look.ask("SET", "a:lock", &["a token of another kind"]);
    look.ask("HINCRBY", "a", &["ats", "1"]);
    let finished = look.queue.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
    assert_eq!(finished.verdicts, [Verdict::LostLock]);
    let lost = look.queue.renew(&[claimed[0].lock.clone()], Duration::from_secs(30)).await.unwrap();
    assert_eq!(lost, [claimed[0].lock.clone()]);
    assert_eq!(look.ask("GET", "a:lock", &[]).text(), "a token of another kind");
}

#[tokio::test]
async fn a_flow_that_is_not_kept_leaves_nothing_behind() {
    let look = Look::new().await;
    let of = |id: &str, parent: Option<&str>| {
        let mut job = job(id);
        job.envelope.options.keep_completed.count = 0;
        let when_failed = ChildFailure::FailParent;
        job.parent = parent.map(|parent| Parent { queue: queue(), id: parent.into(), when_failed });
        job
    };
    look.queue.add(vec![of("root", None), of("middle", Some("root")), of("leaf", Some("middle"))]).await.unwrap();
    let told: Value = serde_json::from_str(&look.hash("root")["ath:children"]).unwrap();
    assert_eq!(told, json!([["email", "middle", "welcome"]]));
    for wanted in ["leaf", "middle", "root"] {
        let claimed = take_now(&look.queue, 1).await;
        assert_eq!(ids(&claimed), [wanted]);
        look.queue.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
    }
    for id in ["leaf", "middle", "root"] {
        assert_eq!(look.ask("KEYS", &format!("{id}*"), &[]).texts(), [""; 0]);
    }
}
