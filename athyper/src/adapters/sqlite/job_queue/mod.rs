//! The port of job queues.
//!
//! Every operation that writes runs in the group commit of its database. The statements are plain SQL with numbered
//! placeholders; what only SQLite understands of them is the two-argument `max`, and that a statement needs no lock of its
//! own because the transaction holds the only write lock.

mod add;
mod administration;
mod finish;
mod ready;
mod record;
mod recover;
mod renew;
mod schedules;
mod take;
mod wake;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use self::add::Add;
use self::finish::Close;
use self::record::{Cells, micros};
use self::recover::{Recover, ReleaseParked};
use self::renew::{RecordProgress, Renew};
use self::wake::Wake;
use super::group_commit::Session;
use super::store::Store;
use super::transaction::SqliteTransaction;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{
    Added, Capabilities, Claimed, Finish, Finished, JobQueue, Lock, NewJob, QueueName, Recovered, RecoveryPolicy,
    ScheduleStore, Take,
};
use crate::foundation::sql::{Statement, Tx};

/// What the queues of one database share.
#[derive(Debug)]
pub(super) struct Shared {
    store: Arc<Store>,
    wake: Wake,
    /// Queues whose name is certain to be in the table.
    known: Mutex<HashSet<QueueName>>,
}

impl Shared {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store, wake: Wake::default(), known: Mutex::default() }
    }

    fn is_known(&self, queue: &QueueName) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(queue)
    }

    fn know(&self, queue: QueueName) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(queue);
    }

    fn wake_after_commit(self: &Arc<Self>, session: &mut Session<'_>, queue: &QueueName) {
        let (shared, queue) = (self.clone(), queue.clone());
        session.after_commit(move || shared.wake.wake(&queue));
    }
}

/// A job queue in a SQLite database.
#[derive(Debug)]
pub(crate) struct SqliteJobQueue {
    shared: Arc<Shared>,
}

impl SqliteJobQueue {
    /// A queue on a database whose tables are up to date.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    fn store(&self) -> &Store {
        &self.shared.store
    }
}

#[async_trait]
impl JobQueue for SqliteJobQueue {
    fn capabilities(&self) -> Capabilities {
        let options = &self.store().settings.options;
        Capabilities {
            durable: options.is_durable(),
            shared: options.is_durable(),
            transactional: true,
            wake_up_within: options.poll,
        }
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let jobs = add::prepare(jobs)?;
        self.store().group.run(Add { shared: self.shared.clone(), jobs }).await
    }

    async fn add_in(&self, tx: &mut Tx, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        let transaction = tx.inner().as_any().downcast_mut::<SqliteTransaction>();
        let transaction = transaction
            .filter(|transaction| transaction.settings().is_same_file(&self.store().settings))
            .ok_or_else(|| another_store(self.store()))?;
        let jobs = add::prepare(jobs)?;
        let mut session = Session::new(transaction, &*self.store().clock);
        add::add(&mut session, &self.shared, &jobs).await
    }

    async fn take(&self, request: &Take) -> Result<Vec<Claimed>> {
        take::take_waiting(&self.shared, request).await
    }

    async fn finish(&self, outcomes: Vec<Finish>, next: Option<&Take>) -> Result<Finished> {
        let close = Close { shared: self.shared.clone(), outcomes, next: next.cloned() };
        let closed = self.store().group.run(close).await?;
        Ok(Finished { verdicts: closed.verdicts, next: closed.next.jobs })
    }

    async fn renew(&self, locks: &[Lock], lock_for: Duration) -> Result<Vec<Lock>> {
        if locks.is_empty() {
            return Ok(Vec::new());
        }
        self.store().group.run(Renew { locks: locks.to_vec(), lock_for }).await
    }

    async fn record_progress(&self, lock: &Lock, progress: Bytes) -> Result<()> {
        if self.store().group.run(RecordProgress { lock: lock.clone(), progress }).await? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, format!("job {} is not held by this worker any more", lock.id))
            .with_code("job-lock-lost"))
    }

    async fn recover(&self, queue: &QueueName, policy: RecoveryPolicy) -> Result<Vec<Recovered>> {
        let clock = &self.store().clock;
        let is_needed = Statement::text(recover::IS_NEEDED)
            .bind(queue.as_str())
            .bind(record::span(clock.since_boot()))
            .bind(clock.boot_id())
            .bind(micros(clock.now()));
        let rows = self.store().read(is_needed).await?;
        let is_needed = rows.into_iter().next().map(|row| Cells::of(row).next::<bool>()).transpose()?;
        if is_needed != Some(true) {
            return Ok(Vec::new());
        }
        let recover = Recover { shared: self.shared.clone(), queue: queue.clone(), policy };
        self.store().group.run(recover).await
    }

    async fn release_parked(&self, queue: &QueueName, kinds: &[String]) -> Result<u64> {
        let release = ReleaseParked { shared: self.shared.clone(), queue: queue.clone(), kinds: kinds.to_vec() };
        self.store().group.run(release).await
    }

    fn schedules(&self) -> &dyn ScheduleStore {
        self
    }
}

fn another_store(store: &Store) -> Error {
    Error::configuration(format!(
        "the transaction belongs to another store than the job queue, which lies in `{}`: set `jobs.url` to the value of \
         `database.url`, or enqueue after the commit",
        store.settings.file.display()
    ))
    .with_code("job-other-store")
}
