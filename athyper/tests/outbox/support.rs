//! Databases and queues of every kind, and what goes wrong between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use athyper::clock::{Clock, SystemClock};
use athyper::driver::{DriverContext, SharedConnections, drivers};
use athyper::jobs::{
    Claimed, Delivered, Delivery, Finish, Job, JobId, JobOptions, JobQueue, JobRegistry, Jobs, Outcome, QueueName,
    Retention, Take,
};
use athyper::metrics::MetricsRegistry;
use athyper::outbox::{
    Destination, JOBS, JobBatch, JobDestination, Outbox, OutboxAnswer, OutboxCounts, OutboxFilter, OutboxMessage,
    OutboxRecord, OutboxStep, Relay,
};
use athyper::sql::{Db, Isolation, Tx};
use athyper::{Error, Result};
use athyper_testkit::services::{PostgresServer, RedisServer};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// A job of which nothing is kept once it is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note(pub(crate) u32);

impl Job for Note {
    type Output = u32;
    const KIND: &'static str = "note";
    const VERSION: u32 = 1;
    const ALIASES: &'static [&'static str] = &[];
    const OPTIONS: JobOptions = {
        let mut options = JobOptions::DEFAULT;
        options.keep_completed = Retention { count: 0, age: Duration::from_secs(60) };
        options
    };
}

pub(crate) fn queue() -> QueueName {
    QueueName::from("default")
}

/// Where the transactions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    Sqlite,
    Postgres,
}

/// Where the jobs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Memory,
    Redis,
    Sqlite,
    Postgres,
}

/// Every pair.
pub(crate) const PAIRS: [(Base, Target); 6] = [
    (Base::Sqlite, Target::Memory),
    (Base::Sqlite, Target::Redis),
    (Base::Sqlite, Target::Sqlite),
    (Base::Postgres, Target::Memory),
    (Base::Postgres, Target::Redis),
    (Base::Postgres, Target::Postgres),
];

/// A URL that nothing else uses.
async fn fresh_url(target: Target, folder: &TempDir) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    match target {
        Target::Memory => "memory:".to_owned(),
        Target::Sqlite => format!("sqlite://{}", folder.path().join(format!("{number}.db")).display()),
        Target::Redis => {
            let url = tokio::task::spawn_blocking(|| RedisServer::shared().url()).await.unwrap();
            format!("{url}?prefix=test-{number}")
        }
        Target::Postgres => tokio::task::spawn_blocking(|| PostgresServer::shared().fresh_database()).await.unwrap(),
    }
}

pub(crate) fn context(url: &str, clock: Arc<dyn Clock>) -> DriverContext {
    DriverContext { url: url.to_owned(), clock, shared: Arc::new(SharedConnections::default()) }
}

pub(crate) async fn open_queue(url: &str, clock: Arc<dyn Clock>) -> Arc<dyn JobQueue> {
    let context = context(url, clock);
    let driver = drivers().find(|driver| driver.scheme == context.scheme() && driver.jobs.is_some()).unwrap();
    driver.jobs.unwrap()(&context).await.unwrap()
}

/// A database, a queue elsewhere, and a client for both.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) db: Db,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) jobs: Jobs,
    pub(crate) database_url: String,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn new(base: Base, target: Target) -> Self {
        Self::with_clock(base, target, Arc::new(SystemClock::new())).await
    }

    pub(crate) async fn with_clock(base: Base, target: Target, clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let queue_url = fresh_url(target, &folder).await;
        let base = if base == Base::Sqlite { Target::Sqlite } else { Target::Postgres };
        let database_url = fresh_url(base, &folder).await;
        Self::open(database_url, queue_url, clock, folder).await
    }

    pub(crate) async fn open(database_url: String, queue_url: String, clock: Arc<dyn Clock>, folder: TempDir) -> Self {
        let (db, outbox) = open_outbox(&database_url, clock.clone()).await;
        let queue = open_queue(&queue_url, clock.clone()).await;
        let registry = Arc::new(JobRegistry::new(Vec::new()).unwrap());
        let jobs = Jobs::new(queue.clone(), registry, clock.clone()).with_outbox(outbox.clone());
        Self { clock, db, outbox, queue, jobs, database_url, _folder: folder }
    }

    /// A relay as the product has it.
    pub(crate) fn relay(&self) -> Relay {
        self.relay_of(self.outbox.clone(), Arc::new(JobDestination::new(self.queue.clone())))
    }

    /// A relay with parts of the test's own.
    pub(crate) fn relay_of(&self, outbox: Arc<dyn Outbox>, destination: Arc<dyn Destination>) -> Relay {
        Relay::new(outbox, destination, self.clock.clone(), &MetricsRegistry::new(self.clock.clone())).unwrap()
    }

    /// Commits a transaction that enqueues these.
    pub(crate) async fn commit(&self, notes: impl IntoIterator<Item = u32>) {
        let committed = self.db.transaction(Isolation::Default, async |tx| {
            for note in notes {
                self.jobs.enqueue(Note(note)).in_tx(tx).await?;
            }
            Ok(())
        });
        committed.await.unwrap();
    }

    /// Runs what is in the queue to its end; answers what ran, in its order.
    pub(crate) async fn run_all(&self) -> Vec<u32> {
        let mut ran = Vec::new();
        loop {
            let claimed = self.queue.take(&take(100)).await.unwrap();
            if claimed.is_empty() {
                return ran;
            }
            ran.extend(claimed.iter().map(note_of));
            let done = |claimed: Claimed| Finish {
                outcome: Outcome::Complete(claimed.envelope.payload.clone()),
                lock: claimed.lock,
            };
            self.queue.finish(claimed.into_iter().map(done).collect(), None).await.unwrap();
        }
    }

    pub(crate) async fn counts(&self) -> OutboxCounts {
        self.outbox.counts(JOBS).await.unwrap()
    }
}

pub(crate) async fn open_outbox(url: &str, clock: Arc<dyn Clock>) -> (Db, Arc<dyn Outbox>) {
    let context = context(url, clock);
    let driver = drivers().find(|driver| driver.scheme == context.scheme() && driver.outbox.is_some()).unwrap();
    let db = Db::new(driver.database.unwrap()(&context).await.unwrap());
    (db, driver.outbox.unwrap()(&context).await.unwrap())
}

pub(crate) fn take(max: usize) -> Take {
    Take { queue: queue(), worker: "worker".to_owned(), max, lock_for: Duration::from_secs(30), wait: Duration::ZERO }
}

pub(crate) fn note_of(claimed: &Claimed) -> u32 {
    serde_json::from_slice::<Note>(&claimed.envelope.payload).unwrap().0
}

/// A message with one job, as the client writes it.
pub(crate) fn message(id: &str, note: u32, change: impl FnOnce(&mut athyper::jobs::NewJob)) -> OutboxMessage {
    let mut job = athyper::jobs::NewJob {
        envelope: athyper::jobs::Envelope {
            id: JobId::from(format!("job-{id}")),
            queue: queue(),
            kind: Note::KIND.to_owned(),
            version: 1,
            payload: Bytes::from(note.to_string()),
            context: athyper::context::Context::background(),
            options: Note::OPTIONS,
        },
        due_at: athyper::clock::Timestamp::UNIX_EPOCH,
        unique: None,
        serial_key: None,
        parent: None,
    };
    change(&mut job);
    JobBatch { jobs: vec![job] }.into_message(id.to_owned()).unwrap()
}

/// Fails the test if `future` has not finished after a minute.
pub(crate) async fn within_a_minute<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it takes longer than a minute")
}

/// Asks again and again until something holds, for a minute at most.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !holds().await {
            let _ = tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.unwrap_or_else(|_| panic!("a minute, and not: {what}"));
}

/// A destination that knows no delivery again: the known-bad control.
#[derive(Debug)]
pub(crate) struct Forgetful(pub(crate) Arc<dyn JobQueue>);

#[async_trait]
impl Destination for Forgetful {
    fn name(&self) -> &str {
        JOBS
    }

    async fn deliver(&self, _: &Delivery, messages: &[OutboxMessage]) -> Result<Delivered> {
        for message in messages {
            self.0.add(JobBatch::read(message)?.jobs).await?;
        }
        Ok(Delivered::Now)
    }
}

/// An outbox whose relay ends before it can say what became of its batch.
#[derive(Debug)]
pub(crate) struct CutOff(pub(crate) Arc<dyn Outbox>);

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Outbox for CutOff {
    async fn write(&self, tx: &mut Tx, messages: Vec<OutboxMessage>) -> Result<()> {
        self.0.write(tx, messages).await
    }

    async fn step(&self, step: &OutboxStep) -> Result<OutboxAnswer> {
        if step.settled.is_some() {
            return Err(Error::unavailable("the process ends here"));
        }
        self.0.step(step).await
    }

    async fn has_waiting(&self, destination: &str) -> Result<bool> {
        self.0.has_waiting(destination).await
    }

    async fn news(&self, seen: u64, longest: Duration) -> u64 {
        self.0.news(seen, longest).await
    }

    async fn get(&self, id: &str) -> Result<Option<OutboxRecord>> {
        self.0.get(id).await
    }

    async fn list(&self, filter: &OutboxFilter) -> Result<Vec<OutboxRecord>> {
        self.0.list(filter).await
    }

    async fn counts(&self, destination: &str) -> Result<OutboxCounts> {
        self.0.counts(destination).await
    }

    async fn retry(&self, id: &str) -> Result<()> {
        self.0.retry(id).await
    }

    async fn remove(&self, id: &str) -> Result<()> {
        self.0.remove(id).await
    }
}
