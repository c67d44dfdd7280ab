//! What the tests share: opening stores through the driver table, folders, waiting.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use athyper::clock::{Clock, SystemClock};
use athyper::context::Context;
use athyper::driver::{Driver, DriverContext, SharedConnections, drivers};
use athyper::jobs::{Envelope, JobId, JobOptions, JobQueue, NewJob, QueueName};
use athyper::sql::{Database, Db, Statement};
use bytes::Bytes;

pub(crate) fn driver() -> &'static Driver {
    drivers().find(|driver| driver.scheme == "sqlite").expect("the SQLite driver is linked in")
}

pub(crate) fn context(url: &str) -> DriverContext {
    context_with(url, Arc::new(SystemClock::new()))
}

pub(crate) fn context_with(url: &str, clock: Arc<dyn Clock>) -> DriverContext {
    DriverContext { url: url.to_owned(), clock, shared: Arc::new(SharedConnections::default()) }
}

pub(crate) async fn open(context: &DriverContext) -> athyper::Result<Db> {
    let open = driver().database.expect("the driver opens databases");
    Ok(Db::new(open(context).await?))
}

pub(crate) async fn jobs(context: &DriverContext) -> Arc<dyn JobQueue> {
    let open = driver().jobs.expect("the driver opens job queues");
    open(context).await.unwrap()
}

/// A job of the queue `email` that is due now.
pub(crate) fn job(id: &str, clock: &dyn Clock) -> NewJob {
    let mut options = JobOptions::DEFAULT;
    options.queue = "email".into();
    let envelope = Envelope {
        id: JobId::from(id),
        queue: QueueName::from("email"),
        kind: "welcome".to_owned(),
        version: 1,
        payload: Bytes::from_static(b"{}"),
        context: Context::background(),
        options,
    };
    NewJob { envelope, due_at: clock.now(), unique: None, serial_key: None, parent: None }
}

pub(crate) async fn memory() -> Db {
    open(&context("sqlite::memory:")).await.unwrap()
}

/// Runs statements, one after another.
pub(crate) async fn run(db: &Db, statements: &[&str]) {
    for sql in statements {
        db.execute(Statement::text(*sql)).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

pub(crate) async fn number(db: &Db, sql: &str) -> i64 {
    db.fetch_one::<(i64,)>(Statement::text(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).0
}

pub(crate) fn database(db: &Db) -> Arc<dyn Database> {
    db.database().clone()
}

/// A folder for one test's files.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.file(name).display())
    }
}

/// Fails the test if `future` has not finished after a minute.
pub(crate) async fn within_a_minute<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it takes longer than a minute")
}
