//! The port of job queues.
//!
//! The statements are plain SQL with numbered placeholders. Whoever changes a row has a condition in the same statement that says
//! which state the row must be in, so that it does not matter who else was there since it was looked at.

mod add;
mod add_flow;
mod administration;
mod cancel;
mod change;
mod deliver;
mod finish;
mod flows;
mod limited;
mod logs;
mod ready;
mod record;
mod recover;
mod renew;
mod schedules;
mod take;
mod turns;
mod wake;

pub(in crate::adapters::sql) use self::record::{from_micros, later, micros, span};
pub(in crate::adapters) use self::wake::Wake;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use self::add::Add;
use self::deliver::Deliver;
use self::finish::Close;
use self::logs::AppendLog;
use self::record::Cells;
use self::recover::{Recover, ReleaseParked};
use self::renew::{Note, Record, Renew};
use super::operation::Session;
use super::store::SqlStore;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{
    Added, Capabilities, Claimed, Delivered, Delivery, Finish, Finished, JobQueue, Lock, NewJob, QueueName, Recovered,
    RecoveryPolicy, ScheduleStore, Take,
};
use crate::foundation::sql::{Statement, Tx};

/// What the queues of one database share.
#[derive(Debug)]
pub(in crate::adapters) struct Shared<S> {
    store: Arc<S>,
    /// Queues whose name is certain to be in the table.
    known: Mutex<HashSet<QueueName>>,
}

impl<S: SqlStore> Shared<S> {
    pub(in crate::adapters) fn new(store: Arc<S>) -> Self {
        Self { store, known: Mutex::default() }
    }

    fn is_known(&self, queue: &QueueName) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(queue)
    }

    fn know(&self, queue: QueueName) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(queue);
    }

    fn wake_after_commit(self: &Arc<Self>, session: &mut Session<'_>, queue: &QueueName) {
        let (shared, queue) = (self.clone(), queue.clone());
        session.after_commit(move || {
            shared.store.wake().wake(&queue);
            shared.store.announce(&queue);
        });
    }
}

/// A job queue in a SQL database.
#[derive(Debug)]
pub(in crate::adapters) struct SqlJobQueue<S> {
    shared: Arc<Shared<S>>,
}

impl<S: SqlStore> SqlJobQueue<S> {
    /// A queue on a database whose tables are up to date.
    pub(in crate::adapters) fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }

    fn store(&self) -> &S {
        &self.shared.store
    }

    /// Writes a note of a job that is held.
    async fn record(&self, lock: &Lock, note: Note, json: Bytes) -> Result<()> {
        let held = self.store().run(Record { lock: lock.clone(), note, json }).await?;
        if held { Ok(()) } else { Err(lock.lost()) }
    }
}

#[async_trait]
impl<S: SqlStore> JobQueue for SqlJobQueue<S> {
    fn capabilities(&self) -> Capabilities {
        self.store().capabilities()
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let batch = add::prepare(jobs)?;
        self.store().run(Add { shared: self.shared.clone(), batch }).await?
    }

    async fn add_in(&self, tx: &mut Tx, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        let mut session = self.store().session_in(tx).ok_or_else(|| another_store(self.store()))?;
        let batch = add::prepare(jobs)?;
        add::add_inside(&mut session, &self.shared, &batch).await
    }

    async fn deliver(&self, delivery: &Delivery, jobs: Vec<NewJob>) -> Result<Delivered> {
        let batch = add::prepare(jobs)?;
        self.store().run(Deliver { shared: self.shared.clone(), delivery: delivery.clone(), batch }).await?
    }

    async fn take(&self, request: &Take) -> Result<Vec<Claimed>> {
        take::take_waiting(&self.shared, request).await
    }

    async fn finish(&self, outcomes: Vec<Finish>, next: Option<&Take>) -> Result<Finished> {
        let close = Close { shared: self.shared.clone(), outcomes, next: next.cloned() };
        let closed = self.store().run(close).await?;
        Ok(Finished { verdicts: closed.verdicts, next: closed.next.jobs })
    }

    async fn renew(&self, locks: &[Lock], lock_for: Duration) -> Result<Vec<Lock>> {
        if locks.is_empty() {
            return Ok(Vec::new());
        }
        self.store().run(Renew { locks: locks.to_vec(), lock_for }).await
    }

    async fn record_progress(&self, lock: &Lock, progress: Bytes) -> Result<()> {
        self.record(lock, Note::Progress, progress).await
    }

    async fn record_checkpoint(&self, lock: &Lock, checkpoint: Bytes) -> Result<()> {
        self.record(lock, Note::Checkpoint, checkpoint).await
    }

    async fn append_log(&self, lock: &Lock, row: String) -> Result<()> {
        let held = self.store().run(AppendLog { lock: lock.clone(), row }).await?;
        if held { Ok(()) } else { Err(lock.lost()) }
    }

    async fn cancelled(&self, queue: &QueueName) -> Result<Vec<Lock>> {
        cancel::cancelled(self.store(), queue).await
    }

    async fn recover(&self, queue: &QueueName, policy: RecoveryPolicy) -> Result<Vec<Recovered>> {
        let locks = self.store().lock_clock();
        let is_needed = Statement::text(recover::is_needed_sql(&locks))
            .bind(queue.as_str())
            .bind(locks.now())
            .bind(locks.boot().to_owned())
            .bind(micros(self.store().clock().now()));
        let rows = self.store().read(is_needed).await?;
        let is_needed = rows.into_iter().next().map(|row| Cells::of(row).next::<bool>()).transpose()?;
        if is_needed != Some(true) {
            return Ok(Vec::new());
        }
        let recover = Recover { shared: self.shared.clone(), queue: queue.clone(), policy };
        self.store().run(recover).await
    }

    async fn release_parked(&self, queue: &QueueName, kinds: &[String]) -> Result<u64> {
        let release = ReleaseParked { shared: self.shared.clone(), queue: queue.clone(), kinds: kinds.to_vec() };
        self.store().run(release).await
    }

    fn schedules(&self) -> &dyn ScheduleStore {
        self
    }
}

fn another_store<S: SqlStore>(store: &S) -> Error {
    Error::configuration(format!(
        "the transaction belongs to another store than the job queue, which lies in `{}`: set `jobs.url` to the value of \
         `database.url`, or enqueue after the commit",
        store.place()
    ))
    .with_code("job-other-store")
}
