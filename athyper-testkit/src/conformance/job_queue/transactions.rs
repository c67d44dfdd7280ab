//! Jobs that are added inside of a transaction.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use athyper::sql::{Database, Dialect, Isolation, Row, Statement, Transaction, Tx};
use athyper::{ErrorKind, Result};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::JobQueueFixture;
use super::define_cases;
use super::fixture::{Checked, JobExt, PATIENCE, QUEUE, equal, ids, request, seconds, violation};

/// A transaction of a store that no queue knows.
#[derive(Debug)]
struct ForeignTransaction;

#[async_trait]
impl Transaction for ForeignTransaction {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn fetch(&mut self, _: Statement) -> Result<Vec<Row>> {
        Ok(Vec::new())
    }

    fn stream(&mut self, _: Statement) -> BoxStream<'_, Result<Row>> {
        stream::empty().boxed()
    }

    async fn execute(&mut self, _: Statement) -> Result<u64> {
        Ok(0)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        Ok(())
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        Ok(())
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// The database whose transactions the queue takes part in. A queue that takes part in none skips the case, loudly.
fn database(fixture: &JobQueueFixture, case: &str) -> Result<Option<Arc<dyn Database>>, super::Violation> {
    if !fixture.queue.capabilities().transactional {
        #[allow(clippy::print_stderr, reason = "a case that is skipped says so")]
        {
            eprintln!("SKIPPED {case}: the queue takes part in no transaction");
        }
        return Ok(None);
    }
    match &fixture.database {
        Some(database) => Ok(Some(database.clone())),
        None => Err(violation("the queue says that it is transactional, and the fixture names no database")),
    }
}

async fn begin(database: &Arc<dyn Database>) -> Result<Tx, super::Violation> {
    Ok(database.begin(Isolation::Default).await?)
}

async fn add_in(fixture: &JobQueueFixture, tx: &mut Tx, id: &str) -> Checked {
    let added = fixture.queue.add_in(tx, vec![fixture.job(id)]).await?;
    equal("the answer", added, [athyper::jobs::Added { id: id.into(), duplicate: false }])
}

define_cases! {
    /// A job exists once its transaction has committed, and not before.
    async fn a_job_exists_once_committed(fixture) {
        let Some(database) = database(&fixture, "a_job_exists_once_committed")? else { return Ok(()) };
        let mut tx = begin(&database).await?;
        add_in(&fixture, &mut tx, "a").await?;
        equal("whether another process sees it before", fixture.other.get(&QUEUE.into(), &"a".into()).await?, None)?;
        tx.into_inner().commit().await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])
    }

    /// A job of a transaction that is rolled back never was.
    async fn a_job_of_a_rolled_back_transaction_never_was(fixture) {
        let Some(database) = database(&fixture, "a_job_of_a_rolled_back_transaction_never_was")? else { return Ok(()) };
        let mut tx = begin(&database).await?;
        add_in(&fixture, &mut tx, "a").await?;
        tx.into_inner().rollback().await?;
        equal("whether it exists", fixture.exists("a").await?, false)?;
        equal("whether its id is a duplicate", fixture.add(fixture.job("a")).await?.duplicate, false)
    }

    /// A job of a transaction that is dropped never was.
    async fn a_job_of_a_dropped_transaction_never_was(fixture) {
        let Some(database) = database(&fixture, "a_job_of_a_dropped_transaction_never_was")? else { return Ok(()) };
        let mut tx = begin(&database).await?;
        add_in(&fixture, &mut tx, "a").await?;
        drop(tx);
        equal("whether its id is a duplicate", fixture.add(fixture.job("a")).await?.duplicate, false)
    }

    /// Duplicates are found inside of a transaction, by id and by key.
    async fn duplicates_are_found_inside_of_a_transaction(fixture) {
        let Some(database) = database(&fixture, "duplicates_are_found_inside_of_a_transaction")? else { return Ok(()) };
        fixture.add(fixture.job("a").unique("k", seconds(60))).await?;
        let mut tx = begin(&database).await?;
        let jobs = vec![
            fixture.job("a"),
            fixture.job("b").unique("k", seconds(60)),
            fixture.job("c").unique("l", seconds(60)),
            fixture.job("d").unique("l", seconds(60)),
        ];
        let added = fixture.queue.add_in(&mut tx, jobs).await?;
        let told: Vec<(&str, bool)> = added.iter().map(|added| (added.id.as_str(), added.duplicate)).collect();
        equal("the answers", told, [("a", true), ("a", true), ("c", false), ("c", true)])?;
        tx.into_inner().commit().await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a", "c"])
    }

    /// A unique key that was taken in a transaction that is rolled back is free.
    async fn a_rolled_back_key_is_free(fixture) {
        let Some(database) = database(&fixture, "a_rolled_back_key_is_free")? else { return Ok(()) };
        let mut tx = begin(&database).await?;
        fixture.queue.add_in(&mut tx, vec![fixture.job("a").unique("k", seconds(60))]).await?;
        tx.into_inner().rollback().await?;
        equal("whether the key is taken", fixture.add(fixture.job("b").unique("k", seconds(60))).await?.duplicate, false)
    }

    /// A worker that waits notices a job that was committed with a transaction.
    async fn a_committed_job_wakes_a_worker(fixture) {
        let Some(database) = database(&fixture, "a_committed_job_wakes_a_worker")? else { return Ok(()) };
        let queue = fixture.queue.clone();
        let mut take = request(9);
        take.wait = seconds(86_400 * 365);
        let waiter = tokio::spawn(async move { queue.take(&take).await });
        super::waiting::settle().await;
        let mut tx = begin(&database).await?;
        add_in(&fixture, &mut tx, "a").await?;
        tx.into_inner().commit().await?;
        let within = fixture.queue.capabilities().wake_up_within.max(seconds(1));
        let taken = fixture.pass_until(within, "waking up a worker by a commit", waiter).await?;
        let taken = taken.map_err(|error| violation(format_args!("taking panicked: {error}")))??;
        equal("what is handed out", ids(&taken), ["a"])
    }

    /// A transaction of another store is refused, and nothing is added.
    async fn a_foreign_transaction_is_refused(fixture) {
        let mut tx = Tx::new(Box::new(ForeignTransaction));
        let added = tokio::time::timeout(PATIENCE, fixture.queue.add_in(&mut tx, vec![fixture.job("a")])).await;
        match added.map_err(|_| violation("the queue hangs"))? {
            Err(error) => equal("the kind of the error", error.kind(), ErrorKind::Configuration)?,
            Ok(_) => return Err(violation("a job was added in a transaction of another store")),
        }
        equal("whether it exists", fixture.exists("a").await?, false)
    }
}
