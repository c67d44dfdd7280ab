//! What the tests share: servers, opening stores through the driver table, time.

use std::sync::Arc;
use std::time::Duration;

use athyper::clock::{Clock, SystemClock};
use athyper::context::Context;
use athyper::driver::{Driver, DriverContext, SharedConnections, drivers};
use athyper::jobs::{Envelope, JobId, JobOptions, JobQueue, NewJob, QueueName, Take};
use athyper::sql::{Db, Statement};
use athyper_testkit::clock::VirtualClock;
use athyper_testkit::conformance::StoreTime;
use athyper_testkit::services::PostgresServer;
use bytes::Bytes;

pub(crate) fn driver() -> &'static Driver {
    drivers().find(|driver| driver.scheme == "postgres").expect("the PostgreSQL driver is linked in")
}

pub(crate) fn context(url: &str) -> DriverContext {
    context_with(url, Arc::new(SystemClock::new()))
}

/// Another process, as far as the server can tell.
pub(crate) fn context_with(url: &str, clock: Arc<dyn Clock>) -> DriverContext {
    DriverContext { url: url.to_owned(), clock, shared: Arc::new(SharedConnections::default()) }
}

pub(crate) async fn open(context: &DriverContext) -> athyper::Result<Db> {
    let open = driver().database.expect("the driver opens databases");
    Ok(Db::new(open(context).await?))
}

pub(crate) async fn jobs(context: &DriverContext) -> athyper::Result<Arc<dyn JobQueue>> {
    let open = driver().jobs.expect("the driver opens job queues");
    open(context).await
}

/// The URL of an empty database on the server that the tests share.
pub(crate) async fn fresh_url() -> String {
    tokio::task::spawn_blocking(|| PostgresServer::shared().fresh_database()).await.unwrap()
}

/// An empty database.
pub(crate) async fn fresh() -> Db {
    open(&context(&fresh_url().await)).await.unwrap()
}

/// Runs statements, one after another.
pub(crate) async fn run(db: &Db, statements: &[&str]) {
    for sql in statements {
        db.execute(Statement::text(*sql)).await.unwrap_or_else(|error| panic!("{sql}: {}", error.report()));
    }
}

pub(crate) async fn number(db: &Db, sql: &str) -> i64 {
    db.fetch_one::<(i64,)>(Statement::text(sql)).await.unwrap_or_else(|error| panic!("{sql}: {}", error.report())).0
}

pub(crate) fn queue() -> QueueName {
    QueueName::from("email")
}

/// A job of the queue `email` that is due now.
pub(crate) fn job(id: &str) -> NewJob {
    let mut options = JobOptions::DEFAULT;
    options.queue = "email".into();
    let envelope = Envelope {
        id: JobId::from(id),
        queue: queue(),
        kind: "welcome".to_owned(),
        version: 1,
        payload: Bytes::from_static(b"{}"),
        context: Context::background(),
        options,
    };
    NewJob { envelope, due_at: SystemClock::new().now(), unique: None, serial_key: None, parent: None }
}

pub(crate) fn take(max: usize, wait: Duration) -> Take {
    Take { queue: queue(), worker: "worker".to_owned(), max, lock_for: Duration::from_secs(30), wait }
}

/// Fails the test if `future` has not finished after a minute.
pub(crate) async fn within_a_minute<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it takes longer than a minute")
}

/// The URL of an empty database whose clock stands still until [`ServerTime`] moves it.
pub(crate) async fn fresh_url_with_clock() -> String {
    tokio::task::spawn_blocking(|| {
        let server = PostgresServer::shared();
        let url = server.fresh_database();
        server.ask(&url, STANDING_CLOCK);
        url
    })
    .await
    .unwrap()
}

/// A function of the same name stands before the server's own.
const STANDING_CLOCK: &str = r#"
CREATE TABLE test_clock AS SELECT pg_catalog.clock_timestamp() AS reads;
CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT reads FROM public.test_clock';
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$"#;

/// The time of a queue's clock, and of the server's.
pub(crate) struct ServerTime {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) db: Db,
}

#[async_trait::async_trait]
impl StoreTime for ServerTime {
    async fn pass(&self, duration: Duration) {
        let micros = i64::try_from(duration.as_micros()).unwrap();
        let sql = "UPDATE test_clock SET reads = reads + $1 * interval '1 microsecond'";
        assert_eq!(self.db.execute(Statement::text(sql).bind(micros)).await.unwrap(), 1);
        self.clock.advance(duration).await;
    }

    async fn jump_wall_clock(&self, ahead: Duration) {
        self.clock.set(self.clock.now() + ahead);
    }

    async fn restart_machine(&self) -> bool {
        false
    }
}
