//! The real BullMQ, in Node, on the same queues: {ours, Node} × {producer, worker}.

mod board;
mod by_hand;
mod deduplication;
mod dump;
mod fleet;
mod flows;
mod former;
mod limits;
mod matrix;
mod ours;
mod scenario;
mod schedulers;
mod session;
mod stalls;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use athyper::clock::{Clock, SystemClock};
use athyper::jobs::{Claimed, JobFilter, JobQueue, JobState, Outcome, Priority, RecoveryPolicy, Verdict};
use athyper_testkit::services::{RedisCluster, RedisServer, Reply};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{done, fresh_prefix, ids, job, jobs, outcome_of, queue, take, within_a_minute};

/// A queue that both sides use.
struct Both {
    url: String,
    server: &'static RedisServer,
    prefix: String,
    ours: Arc<dyn JobQueue>,
}

fn tools() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let below_target = own.ancestors().nth(3).unwrap().join("tools");
    std::env::var_os("ATHYPER_TOOLS").map_or(below_target, PathBuf::from)
}

impl Both {
    async fn new() -> Self {
        let (server, prefix) = (RedisServer::shared(), fresh_prefix());
        let ours = jobs(&format!("{}?prefix={prefix}", server.url())).await;
        Self { url: server.url(), server, prefix, ours }
    }

    async fn in_cluster() -> Self {
        let (cluster, prefix) = (RedisCluster::shared(), fresh_prefix());
        let ours = jobs(&format!("{}/{prefix}", cluster.url())).await;
        let prefix = format!("{{{prefix}}}");
        let server = &cluster.nodes()[cluster.owner_of(&prefix)];
        Self { url: cluster.url(), server, prefix, ours }
    }

    fn command(&self, words: &[&str]) -> Command {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redis/bullmq/driver.mjs");
        let mut command = Command::new(tools().join("bin/node"));
        command.env("BULLMQ_HOME", tools().join("node")).arg(driver).arg(words[0]).arg(&self.url);
        command.arg(&self.prefix).arg("email").args(&words[1..]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// What Node answers.
    async fn node(&self, words: &[&str]) -> Vec<Value> {
        answers(within_a_minute(self.command(words).output()).await.expect("scripts/tools installs Node"))
    }

    async fn node_adds(&self, jobs: &Value) -> Vec<String> {
        let added = self.node(&["add", &jobs.to_string()]).await;
        added.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// Waits for so many jobs, and ends each well.
    async fn run(&self, count: usize) -> Vec<Claimed> {
        let mut all = Vec::new();
        within_a_minute(async {
            while all.len() < count {
                let claimed = self.ours.take(&take(1, Duration::from_secs(20))).await.unwrap();
                for claimed in &claimed {
                    let finished = self.ours.finish(vec![outcome_of(claimed, done())], None).await.unwrap();
                    assert_eq!(finished.verdicts, [Verdict::Applied]);
                }
                all.extend(claimed);
            }
        })
        .await;
        all
    }

    fn hash(&self, id: &str) -> Vec<(String, String)> {
        let words = self.server.ask(&["HGETALL", &format!("{}:email:{id}", self.prefix)]).texts();
        let mut pairs: Vec<_> = words.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        pairs.sort();
        pairs
    }
}

fn answers(output: Output) -> Vec<Value> {
    assert!(output.status.success(), "Node failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_cluster_serves_both_sides() {
    let both = Both::in_cluster().await;
    let added = both.node_adds(&json!([["send", {"n": 1}, {}], ["send", {"n": 2}, {}]])).await;
    assert_eq!(ids(&both.run(2).await), [&*added[0], &*added[1]]);
    both.ours.add(vec![job("ours")]).await.unwrap();
    let mut seen = both.node(&["work", "1"]).await;
    assert_eq!(seen.pop().unwrap(), json!(["ours"]));
    assert_eq!(both.ours.counts(&queue()).await.unwrap().completed, 3);
}

#[tokio::test]
async fn we_run_what_node_added_in_its_order() {
    let both = Both::new().await;
    let jobs = json!([
        ["send", {"n": 1}, {}],
        ["send", {"n": 2}, {"priority": 7}],
        ["send", {"n": 3}, {"priority": 3}],
        ["send", {"n": 4}, {}],
        ["send", {"n": 5}, {"lifo": true}],
        ["send", {"n": 6}, {"delay": 300, "jobId": "late"}],
    ]);
    let added = both.node_adds(&jobs).await;
    let ran = both.run(6).await;
    let by_number = |number: usize| added[number - 1].as_str();
    assert_eq!(ids(&ran), [5, 1, 4, 3, 2, 6].map(by_number));
    assert_eq!(&*ran[1].envelope.payload, b"{\"n\":1}");
    // Node learns of the result by its events, from the first one on.
    assert_eq!(both.node(&["wait", by_number(1)]).await, [json!({"value": {"ok": true}})]);
    let counts = both.node(&["call", "getJobCounts"]).await;
    assert_eq!((&counts[0]["completed"], &counts[0]["active"]), (&json!(6), &json!(0)));
}

#[tokio::test]
async fn node_runs_what_we_added_and_retries_it_by_our_options() {
    let both = Both::new().await;
    let of = |id: &str, priority: u32, payload: &str| {
        let mut job = job(id);
        job.envelope.options.priority = Priority(priority);
        job.envelope.options.backoff = "fixed 50ms".parse().unwrap();
        job.envelope.payload = payload.to_owned().into();
        job
    };
    let mut late = of("late", 1, "{}");
    late.due_at += Duration::from_millis(700);
    let all = vec![
        of("low", 9, "{}"),
        of("twice", 5, "{\"fail\":1}"),
        of("never", 5, "{\"fail\":9}"),
        of("list", 0, "[1]"),
        of("a:b:c", 2, "{\"ä\":\"👩‍👩‍👧\"}"),
        late,
    ];
    both.ours.add(all).await.unwrap();
    let seen = both.node(&["work", "6"]).await;
    // Node may start later than the delayed job is due.
    let seen = seen[0].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).filter(|id| *id != "late");
    assert_eq!(seen.take(3).collect::<Vec<_>>(), ["list", "a:b:c", "low"]);
    let record = async |id: &str| both.ours.get(&queue(), &id.into()).await.unwrap().unwrap();
    let twice = record("twice").await;
    assert_eq!((twice.state, twice.attempts_made, twice.attempts_started), (JobState::Completed, 2, 2));
    assert_eq!(twice.result.as_deref(), Some(b"{\"by\":\"node\",\"data\":{\"fail\":1}}".as_slice()));
    let never = record("never").await;
    assert_eq!((never.state, never.attempts_made, never.error.as_deref()), (JobState::Failed, 3, Some("failure 3")));
    assert_eq!(record("late").await.state, JobState::Completed);
}

#[tokio::test]
async fn a_waiting_node_worker_is_woken_by_us_and_we_by_node() {
    let both = Both::new().await;
    let mut node = both.command(&["work", "1"]).spawn().unwrap();
    both.ours.add(vec![job("ours")]).await.unwrap();
    within_a_minute(node.wait()).await.unwrap();
    assert_eq!(both.ours.get(&queue(), &"ours".into()).await.unwrap().unwrap().state, JobState::Completed);
    let ours = both.ours.clone();
    let waiting = tokio::spawn(async move { ours.take(&take(1, Duration::from_secs(30))).await.unwrap() });
    let added = both.node_adds(&json!([["send", {}, {}]])).await;
    assert_eq!(ids(&within_a_minute(waiting).await.unwrap()), [&*added[0]]);
}

#[tokio::test]
async fn a_job_that_node_took_from_us_is_nodes() {
    let both = Both::new().await;
    both.ours.add(vec![job("a")]).await.unwrap();
    let mut brief = take(1, Duration::ZERO);
    brief.lock_for = Duration::from_millis(1);
    let claimed = both.ours.take(&brief).await.unwrap();
    let seen = both.node(&["work", "1", "{\"stalledInterval\":200}"]).await;
    assert_eq!(seen, [json!(["a"])]);
    let finished = both.ours.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
    assert_eq!(finished.verdicts, [Verdict::LostLock]);
    let record = both.ours.get(&queue(), &"a".into()).await.unwrap().unwrap();
    assert_eq!((record.state, record.stalls, record.attempts_started), (JobState::Completed, 1, 2));
}

#[tokio::test]
async fn a_pause_holds_on_both_sides() {
    let both = Both::new().await;
    both.node(&["call", "pause"]).await;
    assert!(both.ours.is_paused(&queue()).await.unwrap());
    both.ours.add(vec![job("a")]).await.unwrap();
    assert!(both.ours.take(&take(1, Duration::ZERO)).await.unwrap().is_empty());
    both.ours.resume(&queue()).await.unwrap();
    assert_eq!(both.node(&["call", "isPaused"]).await, [json!(false)]);
    assert_eq!(ids(&both.run(1).await), ["a"]);
}

#[tokio::test]
async fn we_run_the_children_and_the_parent_of_a_flow() {
    let both = Both::new().await;
    let parent = both.node(&["flow"]).await[0].as_str().unwrap().to_owned();
    let ran = both.run(3).await;
    let kinds: Vec<&str> = ran.iter().map(|claimed| &*claimed.envelope.kind).collect();
    assert_eq!(kinds, ["child", "child", "parent"]);
    assert_eq!(ran[2].lock.id.as_str(), parent);
    let processed = both.server.ask(&["HVALS", &format!("{}:email:{parent}:processed", both.prefix)]);
    assert_eq!(processed, Reply::List(vec![Reply::Text("{\"ok\":true}".to_owned()); 2]));
}

#[tokio::test]
async fn a_parent_goes_once_the_last_child_it_waits_for_is_removed() {
    let both = Both::new().await;
    let parent = both.node(&["flow"]).await[0].as_str().unwrap().to_owned();
    let refused = both.ours.promote(&queue(), &parent.as_str().into()).await.unwrap_err();
    assert_eq!(refused.code(), "job-state", "{refused}");
    let children = JobFilter { kind: Some("child".into()), ..JobFilter::default() };
    for child in both.ours.list(&queue(), &children).await.unwrap() {
        both.ours.remove(&queue(), &child.envelope.id).await.unwrap();
    }
    let ran = both.run(1).await;
    assert_eq!(ids(&ran), [&*parent]);
}

#[tokio::test]
async fn a_scheduler_of_node_goes_on_when_we_run_its_jobs() {
    let both = Both::new().await;
    let arguments = json!(["tick", {"every": 150, "limit": 4}, {"name": "beat", "data": {"n": 1}}]);
    both.node(&["call", "upsertJobScheduler", &arguments.to_string()]).await;
    let ran = both.run(4).await;
    let mut names: Vec<&str> = ran.iter().map(|claimed| claimed.lock.id.as_str()).collect();
    names.dedup();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(ran.iter().all(|claimed| claimed.envelope.kind == "beat" && &*claimed.envelope.payload == b"{\"n\":1}"));
    let count = both.server.ask(&["HGET", &format!("{}:email:repeat:tick", both.prefix), "ic"]);
    assert_eq!(count.text(), "4");
    // The limit is reached.
}

#[tokio::test]
async fn deduplication_holds_on_both_sides() {
    let both = Both::new().await;
    let simple = json!({"deduplication": {"id": "k"}});
    let first = both.node_adds(&json!([["send", {}, simple], ["send", {}, simple]])).await;
    assert_eq!(first[0], first[1]);
    both.run(1).await;
    // The end of the job frees a key that has no time of its own.
    let second = both.node_adds(&json!([["send", {}, simple]])).await;
    assert_ne!(first[0], second[0]);
}

#[tokio::test]
async fn the_same_job_lies_alike_whoever_added_it() {
    let both = Both::new().await;
    let mut ours = job("ours");
    ours.envelope.kind = "send".to_owned();
    ours.envelope.payload = "{\"n\":1}".into();
    both.ours.add(vec![ours]).await.unwrap();
    let opts = json!({
        "jobId": "node", "attempts": 3, "backoff": {"type": "exponential", "delay": 1000}, "priority": 1000,
        "removeOnComplete": {"age": 86_400, "count": 1_000}, "removeOnFail": {"age": 2_592_000, "count": 10_000},
    });
    both.node_adds(&json!([["send", {"n": 1}, opts]])).await;
    let comparable = |id: &str| {
        let fields = both.hash(id).into_iter().filter(|(name, _)| !name.starts_with("ath:") && name != "timestamp");
        let read = |(name, value): (String, String)| {
            let mut value = if name == "opts" { serde_json::from_str(&value).unwrap() } else { Value::from(value) };
            if let Some(options) = value.as_object_mut() {
                options.remove("jobId");
                // The trace is of our job alone.
                options.remove("tm");
                for keep in ["removeOnComplete", "removeOnFail"] {
                    let age = options[keep]["age"].as_f64();
                    options[keep]["age"] = json!(age);
                }
            }
            (name, value)
        };
        fields.map(read).collect::<Vec<_>>()
    };
    assert_eq!(comparable("ours"), comparable("node"));
    let prioritized = format!("{}:email:prioritized", both.prefix);
    let scores = both.server.ask(&["ZRANGE", &prioritized, "0", "-1", "WITHSCORES"]).texts();
    let score = |place: u64| (1_000_u64 << 32 | place).to_string();
    assert_eq!(scores, ["ours", &score(1), "node", &score(2)]);
    let now = SystemClock::new().now();
    let record = both.ours.get(&queue(), &"node".into()).await.unwrap().unwrap();
    assert!((now - record.created_at).num_seconds() < 60);
}

#[tokio::test]
async fn node_retries_and_removes_what_we_failed() {
    let both = Both::new().await;
    both.ours.add(vec![job("a")]).await.unwrap();
    let claimed = both.ours.take(&take(1, Duration::ZERO)).await.unwrap();
    let fail = Outcome::Fail { error: "no".to_owned() };
    both.ours.finish(vec![outcome_of(&claimed[0], fail)], None).await.unwrap();
    both.node(&["call", "retryJobs", "[{\"state\":\"failed\"}]"]).await;
    assert_eq!(ids(&both.run(1).await), ["a"]);
    assert_eq!(both.node(&["call", "remove", "[\"a\"]"]).await, [json!(1)]);
    assert_eq!(both.ours.get(&queue(), &"a".into()).await.unwrap(), None);
    assert!(both.ours.recover(&queue(), RecoveryPolicy::default()).await.unwrap().is_empty());
}
