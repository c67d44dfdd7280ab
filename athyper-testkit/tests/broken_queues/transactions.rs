//! A database that has nothing but jobs, so that a queue in memory can take part in its transactions, and faults of that.

use std::any::Any;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use athyper::jobs::{Added, JobAdministration, JobQueue, NewJob};
use athyper::sql::{AppliedMigration, Database, Dialect, Isolation, MigrationSet, Row, Statement, Transaction, Tx};
use athyper::{Error, Result};
use futures_util::stream::{self, BoxStream, StreamExt};

use crate::broken::BrokenQueue;
use crate::fault::Fault;

/// The database of a queue.
#[derive(Debug)]
pub(crate) struct JobDatabase(pub(crate) Arc<BrokenQueue>);

/// An open transaction: jobs that are added when it commits.
#[derive(Debug)]
struct JobTransaction {
    queue: Weak<BrokenQueue>,
    jobs: Vec<NewJob>,
    ended: bool,
}

/// Adds inside of a transaction.
pub(crate) async fn add_in(queue: &BrokenQueue, tx: &mut Tx, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
    let Some(transaction) = tx.inner().as_any().downcast_mut::<JobTransaction>() else {
        if queue.has(Fault::AcceptsForeignTransactions) {
            return queue.add(jobs).await;
        }
        return Err(Error::configuration("the transaction is of another store"));
    };
    if queue.has(Fault::AddsBeforeTheCommit) {
        return queue.add(jobs).await;
    }
    let mut answers = Vec::new();
    for job in jobs {
        let answer = answer(queue, &transaction.jobs, &job).await?;
        if !answer.duplicate {
            transaction.jobs.push(job);
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// What adding a job would be answered with, given those that the transaction holds already.
async fn answer(queue: &BrokenQueue, held: &[NewJob], job: &NewJob) -> Result<Added> {
    let id = job.envelope.id.clone();
    if queue.has(Fault::IgnoresDuplicatesInTransactions) {
        return Ok(Added { id, duplicate: false });
    }
    if queue.inner.get(&job.envelope.queue, &id).await?.is_some() || held.iter().any(|other| other.envelope.id == id) {
        return Ok(Added { id, duplicate: true });
    }
    let Some(unique) = &job.unique else { return Ok(Added { id, duplicate: false }) };
    let same = |other: &&NewJob| other.unique.as_ref().is_some_and(|other| other.key == unique.key);
    if let Some(other) = held.iter().find(same) {
        return Ok(Added { id: other.envelope.id.clone(), duplicate: true });
    }
    // The sound queue says who holds a key only when one is added: a job that is removed again asks.
    let mut probe = job.clone();
    probe.envelope.id = "probe".into();
    let holder = queue.inner.add(vec![probe]).await?.remove(0);
    if !holder.duplicate && !queue.has(Fault::KeepsRolledBackKeys) {
        queue.inner.remove(&job.envelope.queue, &holder.id).await?;
    }
    Ok(if holder.duplicate { holder } else { Added { id, duplicate: false } })
}

fn no_sql<T>() -> Result<T> {
    Err(Error::internal("this database has nothing but jobs"))
}

#[async_trait]
impl Transaction for JobTransaction {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn fetch(&mut self, _: Statement) -> Result<Vec<Row>> {
        no_sql()
    }

    fn stream(&mut self, _: Statement) -> BoxStream<'_, Result<Row>> {
        stream::empty().boxed()
    }

    async fn execute(&mut self, _: Statement) -> Result<u64> {
        no_sql()
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.ended = true;
        let jobs = std::mem::take(&mut self.jobs);
        match self.queue.upgrade() {
            Some(queue) if !queue.has(Fault::ForgetsCommits) => queue.add(jobs).await.map(drop),
            _ => Ok(()),
        }
    }

    async fn rollback(mut self: Box<Self>) -> Result<()> {
        self.ended = true;
        let jobs = std::mem::take(&mut self.jobs);
        match self.queue.upgrade() {
            Some(queue) if queue.has(Fault::CommitsWhatIsRolledBack) => queue.add(jobs).await.map(drop),
            _ => Ok(()),
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Drop for JobTransaction {
    fn drop(&mut self) {
        let jobs = std::mem::take(&mut self.jobs);
        if let Some(queue) = self.queue.upgrade().filter(|queue| !self.ended && queue.has(Fault::CommitsWhatIsDropped))
        {
            futures_util::FutureExt::now_or_never(queue.inner.add(jobs)).unwrap().unwrap();
        }
    }
}

#[async_trait]
impl Database for JobDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn fetch(&self, _: Statement) -> Result<Vec<Row>> {
        no_sql()
    }

    fn stream(&self, _: Statement) -> BoxStream<'static, Result<Row>> {
        stream::empty().boxed()
    }

    async fn execute(&self, _: Statement) -> Result<u64> {
        no_sql()
    }

    async fn begin(&self, _: Isolation) -> Result<Tx> {
        Ok(Tx::new(Box::new(JobTransaction { queue: Arc::downgrade(&self.0), jobs: Vec::new(), ended: false })))
    }

    async fn migrate(&self, _: &MigrationSet) -> Result<Vec<AppliedMigration>> {
        no_sql()
    }

    async fn applied(&self, _: &MigrationSet) -> Result<Vec<AppliedMigration>> {
        no_sql()
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) {}

    fn as_any(&self) -> &dyn Any {
        self
    }
}
