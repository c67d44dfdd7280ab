//! One scenario, played by {ours, Node} × {producer, worker}: whoever plays, the same lies in Redis and listeners are told the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::jobs::{Claimed, JobQueue, JobRecord, RecoveryPolicy};
use athyper_testkit::services::RedisServer;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::dump::{Dump, Explained, differences, dump, masked};
use super::ours;
use super::session::Session;
use crate::support::{fresh_prefix, jobs, queue, take, take_now, within_a_minute};

/// What differs between us and Node, and why that is right.
const EXPLAINED: &[Explained] = &[
    Explained("id", "our jobs are not numbered"),
    Explained("pc", "ours goes on counting when nothing waits: it counts turns as well"),
    Explained("meta.version", "the library that last opened the queue; nothing depends on it"),
    Explained("ath:*", "keys of ours"),
    Explained("*.ath:*", "fields of ours"),
    Explained("*.opts.tm", "the trace, which our producers always write"),
    Explained("*:lock", "a token of whoever holds the job"),
    Explained("stalled*", "BullMQ's own notes on its stalled check; ours looks at the locks alone"),
];

/// What differs besides once a worker has run.
const EXPLAINED_LATER: &[Explained] = &[Explained("marker*", "a worker that waits takes it, at some moment")];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Ours,
    Node,
}

use Side::{Node, Ours};

/// Who plays which part, and a queue of theirs.
pub(super) struct Cell<'a> {
    pub(super) producer: Side,
    pub(super) worker: Side,
    pub(super) prefix: String,
    pub(super) queue: Arc<dyn JobQueue>,
    pub(super) node: &'a Session,
    pub(super) server: &'static RedisServer,
    has_run: AtomicBool,
    /// Whether the worker has to take back what another one held.
    has_lost: AtomicBool,
    seen: Mutex<Vec<(String, Dump)>>,
}

impl<'a> Cell<'a> {
    pub(super) async fn new(producer: Side, worker: Side, node: &'a Session) -> Self {
        let (server, prefix) = (RedisServer::shared(), fresh_prefix());
        let queue = jobs(&format!("{}?prefix={prefix}", server.url())).await;
        Self {
            producer,
            worker,
            prefix,
            queue,
            node,
            server,
            has_run: AtomicBool::new(false),
            has_lost: AtomicBool::new(false),
            seen: Mutex::default(),
        }
    }

    pub(super) async fn ask_node(&self, command: &str, request: Value) -> Value {
        self.node.ask(&self.prefix, command, request).await
    }

    /// Calls a method of Node's queue, whoever plays.
    pub(super) async fn call(&self, method: &str, arguments: Value) -> Value {
        self.ask_node("call", json!({"method": method, "args": arguments})).await
    }

    /// The producer adds jobs, each `[name, data, opts]`.
    pub(super) async fn add(&self, jobs: Value) {
        let jobs: Vec<Value> = jobs.as_array().unwrap().iter().map(ours::in_full).collect();
        match self.producer {
            Ours => {
                // Together, as a bulk of Node's.
                let added = self.queue.add(jobs.iter().map(ours::new_job).collect()).await.unwrap();
                assert_eq!(added.len(), jobs.len());
            }
            Node => drop(self.ask_node("add", json!({"jobs": jobs})).await),
        }
    }

    /// The producer adds a flow, a tree of BullMQ's.
    pub(super) async fn flow(&self, tree: Value) {
        let tree = ours::tree_in_full(&tree);
        match self.producer {
            Ours => drop(self.queue.add(ours::new_flow(&tree)).await.unwrap()),
            Node => drop(self.ask_node("flow", json!({"tree": tree})).await),
        }
    }

    /// Node adds jobs, with words that ours do not have.
    pub(super) async fn node_adds(&self, jobs: Value) -> Vec<String> {
        let added = self.ask_node("add", json!({"jobs": jobs})).await;
        added.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// The worker runs until so many attempts have ended. Answers with their jobs in their order.
    pub(super) async fn work(&self, attempts: usize) -> Vec<String> {
        self.work_together(attempts, 1).await
    }

    /// The same, with so many jobs at once.
    pub(super) async fn work_together(&self, attempts: usize, together: usize) -> Vec<String> {
        self.has_run.store(true, Ordering::Relaxed);
        match self.worker {
            Ours => ours::work(&self.queue, attempts, together).await,
            Node => {
                let look_every = if self.has_lost.load(Ordering::Relaxed) { 200 } else { 30_000 };
                let options = json!({"concurrency": together, "stalledInterval": look_every});
                let request = json!({"attempts": attempts, "options": options});
                let seen = self.ask_node("work", request).await;
                seen.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
            }
        }
    }

    /// The worker takes a job and holds it. Answers with what [`end`](Self::end) needs.
    pub(super) async fn take_one(&self) -> Option<Claimed> {
        self.has_run.store(true, Ordering::Relaxed);
        match self.worker {
            Ours => take_now(&self.queue, 1).await.pop(),
            Node => {
                self.ask_node("take", json!({})).await;
                None
            }
        }
    }

    /// The producer takes a job and forgets it. The worker takes it back.
    pub(super) async fn lose_one(&self) {
        self.has_lost.store(true, Ordering::Relaxed);
        self.has_run.store(true, Ordering::Relaxed);
        match self.producer {
            Ours => {
                let mut brief = take(1, Duration::ZERO);
                brief.lock_for = Duration::from_millis(1);
                assert_eq!(self.queue.take(&brief).await.unwrap().len(), 1);
            }
            Node => drop(self.ask_node("take", json!({"options": {"lockDuration": 1}})).await),
        }
        match self.worker {
            Ours => {
                within_a_minute(async {
                    while self.queue.recover(&queue(), RecoveryPolicy::default()).await.unwrap().is_empty() {}
                })
                .await
            }
            // It looks once it runs.
            Node => {}
        }
    }

    /// The worker ends the job it holds, as its data says.
    pub(super) async fn end(&self, held: Option<Claimed>) {
        match held {
            Some(claimed) => ours::end(&self.queue, &claimed).await,
            None => drop(self.ask_node("end", json!({})).await),
        }
    }

    /// The worker's side does something to a job by hand: `promote`, `retry` or `remove`.
    pub(super) async fn change(&self, id: &str, method: &str) {
        match (self.worker, method) {
            (Node, _) => drop(self.ask_node("job", json!({"id": id, "method": method})).await),
            (Ours, "promote") => self.queue.promote(&queue(), &id.into()).await.unwrap(),
            (Ours, "retry") => self.queue.retry(&queue(), &id.into()).await.unwrap(),
            (Ours, _) => self.queue.remove(&queue(), &id.into()).await.unwrap(),
        }
    }

    /// Notes what lies in Redis now.
    pub(super) fn look(&self, moment: &str) {
        self.seen.lock().unwrap().push((moment.to_owned(), dump(self.server, &self.prefix)));
    }

    /// Where a job stands, and what is known of it.
    pub(super) async fn record(&self, id: &str) -> JobRecord {
        self.queue.get(&queue(), &id.into()).await.unwrap().unwrap()
    }

    /// What lies in Redis at some path.
    pub(super) fn at(&self, path: &str) -> Option<String> {
        dump(self.server, &self.prefix).remove(path)
    }

    /// Everything that listeners were told.
    pub(super) async fn events(&self) -> Value {
        let count = self.server.ask(&["XLEN", &format!("{}:email:events", self.prefix)]).text();
        self.ask_node("events", json!({"count": count.parse::<u64>().unwrap()})).await
    }

    async fn told(&self) -> Vec<String> {
        let told = self.events().await;
        let plain = |event: &Value| masked(&event.to_string()).replace(&format!("{}:", self.prefix), "PREFIX:");
        told.as_array().unwrap().iter().map(plain).collect()
    }

    fn explains(&self) -> Vec<&'static Explained> {
        let later = if self.has_run.load(Ordering::Relaxed) { EXPLAINED_LATER } else { &[] };
        EXPLAINED.iter().chain(later).collect()
    }
}

/// Plays with every pair of sides.
pub(super) async fn everybody(scenario: impl AsyncFn(&Cell<'_>)) {
    play(&[(Node, Node), (Ours, Ours), (Ours, Node), (Node, Ours)], &[], scenario).await;
}

/// Plays with every pair of sides, with further differences that are right.
pub(super) async fn everybody_but(explained: &[Explained], scenario: impl AsyncFn(&Cell<'_>)) {
    play(&[(Node, Node), (Ours, Ours), (Ours, Node), (Node, Ours)], explained, scenario).await;
}

/// Plays with Node as the producer, where ours has no words for what is added.
pub(super) async fn both_workers(scenario: impl AsyncFn(&Cell<'_>)) {
    play(&[(Node, Node), (Node, Ours)], &[], scenario).await;
}

/// The first pair is what the others are compared with.
pub(super) async fn play(pairs: &[(Side, Side)], explained: &[Explained], scenario: impl AsyncFn(&Cell<'_>)) {
    let node = Session::start(RedisServer::shared());
    let cells = join_all(pairs.iter().map(|(producer, worker)| Cell::new(*producer, *worker, &node))).await;
    join_all(cells.iter().map(async |cell| {
        scenario(cell).await;
        cell.look("in the end");
    }))
    .await;
    let told = join_all(cells.iter().map(Cell::told)).await;
    let mut wrong = Vec::new();
    for (cell, heard) in cells.iter().zip(&told).skip(1) {
        let who = format!("producer {:?}, worker {:?}", cell.producer, cell.worker);
        let (seen, model) = (cell.seen.lock().unwrap(), cells[0].seen.lock().unwrap());
        assert_eq!(seen.len(), model.len(), "{who}");
        for ((moment, one), (_, other)) in seen.iter().zip(model.iter()) {
            let all: Vec<&Explained> = cell.explains().into_iter().chain(explained).collect();
            let found = differences(one, other, &all);
            wrong.extend(found.into_iter().map(|difference| format!("{who}, {moment}: {difference}")));
        }
        if *heard != told[0] {
            wrong.push(format!(
                "{who}: listeners were told\n    {}\n  instead of\n    {}",
                heard.join("\n    "),
                told[0].join("\n    ")
            ));
        }
    }
    assert!(wrong.is_empty(), "it differs from Node alone:\n  {}", wrong.join("\n  "));
}
