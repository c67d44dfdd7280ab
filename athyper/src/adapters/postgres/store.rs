//! One database as this process uses it: its connections, and what the ports share.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::{PgConnection, Row as _};
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, oneshot};
use tokio::time::timeout;

use super::error::{self, Fault};
use super::migrations;
use super::news::News;
use super::options::Options;
use super::pool::Pool;
use super::schema;
use super::single::Single;
use super::transaction::PostgresTransaction;
use super::value::Tables;
use crate::adapters::sql::dialect::LockClock;
use crate::adapters::sql::job_queue::Wake;
use crate::adapters::sql::operation::{Delivery, OpenTransaction, Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{Capabilities, QueueName};
use crate::foundation::sql::{Dialect, Isolation, Row, Statement, Tx};

/// How often an operation is tried that got in another one's way.
const TRIES: u32 = 10;

/// How long a statement of ours may go without an answer: after that the way to the server counts as lost.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// How often an idle worker looks when news reach it, and when they do not.
const POLL: (Duration, Duration) = (Duration::from_secs(2), Duration::from_millis(200));

/// One database as this process uses it.
pub(super) struct Store {
    pub(super) pool: Arc<Pool>,
    pub(super) clock: Arc<dyn Clock>,
    news: Arc<News>,
    opened: OnceCell<()>,
    ours: OnceCell<()>,
}

impl Store {
    /// A store that connects on first use.
    pub(super) fn new(options: Options, clock: Arc<dyn Clock>) -> Self {
        let pool = Arc::new(Pool::new(options));
        let news = Arc::new(News::new(pool.clone()));
        Self { pool, clock, news, opened: OnceCell::new(), ours: OnceCell::new() }
    }

    /// Connects, refuses a server that only reads, and looks what stands between this process and the server.
    pub(super) async fn open(&self) -> Result<()> {
        self.opened
            .get_or_try_init(|| async {
                if self.is_behind_pooler().await? {
                    self.pool.set_pooled();
                }
                Ok(())
            })
            .await
            .copied()
    }

    /// Brings our own tables up to date.
    pub(super) async fn prepare(&self) -> Result<()> {
        self.ours
            .get_or_try_init(|| async { migrations::migrate(self, &schema::migrations()).await.map(drop) })
            .await
            .copied()
    }

    /// Begins to hear of jobs that other processes add.
    pub(super) fn listen(&self) {
        if !self.pool.is_pooled() {
            self.news.listen();
        }
    }

    /// Whether the server answers.
    pub(super) async fn ping(&self) -> Result<()> {
        self.open().await?;
        self.read(Statement::text("SELECT 1")).await.map(drop)
    }

    /// Lets go of every connection once what is under way has finished.
    pub(super) async fn close(&self) {
        self.news.close();
        self.pool.close().await;
    }

    async fn read_now(&self, statement: Statement) -> Result<Vec<Row>> {
        if self.pool.is_pooled() {
            let mut transaction = PostgresTransaction::begin(&self.pool, Isolation::ReadCommitted).await?;
            let rows = transaction.fetch_rows(statement).await?;
            transaction.finish().await?;
            return Ok(rows);
        }
        Single::take(&self.pool, Tables::Ours, true).await?.fetch_rows(statement).await
    }

    /// Whether two connections of ours reach one and the same process of the server, which only a pooler that takes them apart after
    /// each transaction brings about.
    async fn is_behind_pooler(&self) -> Result<bool> {
        let (mut one, mut other) = (self.pool.connect().await?, self.pool.connect().await?);
        self.pool.refuse_read_only(&mut one).await?;
        let explain = |failure: sqlx::Error| Fault::of(&failure).into_error(failure, self.pool.place());
        for _ in 0..3 {
            let first = process(&mut one, "SELECT pg_backend_pid()").await.map_err(explain)?;
            let between = process(&mut other, "BEGIN; SELECT pg_backend_pid()").await.map_err(explain)?;
            if first == between {
                return Ok(true);
            }
            let second = process(&mut one, "SELECT pg_backend_pid()").await.map_err(explain)?;
            process(&mut other, "SELECT pg_backend_pid(); ROLLBACK").await.map_err(explain)?;
            if first != second {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The server's process behind a connection, by the simple protocol, which needs no second message.
async fn process(connection: &mut PgConnection, sql: &'static str) -> Result<i32, sqlx::Error> {
    sqlx::raw_sql(sql).fetch_one(connection).await?.try_get(0)
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("database", &self.pool.place()).finish_non_exhaustive()
    }
}

fn session<'t>(transaction: &'t mut dyn OpenTransaction, clock: &dyn Clock) -> Session<'t> {
    Session::new(transaction, Dialect::Postgres, clock.now(), LockClock::Server)
}

/// Runs an operation to its end, whether or not somebody waits for it.
async fn serve<O: Operation>(
    pool: Arc<Pool>,
    clock: Arc<dyn Clock>,
    operation: O,
    reply: oneshot::Sender<Result<Delivery<O>>>,
) {
    let mut left = TRIES;
    loop {
        if operation.is_for_whoever_waits() && reply.is_closed() {
            return;
        }
        left -= 1;
        match in_time(&pool, attempt(&pool, &*clock, &operation)).await {
            Ok(answer) => return Delivery::send(Some(answer), reply),
            Err(error) if left > 0 && is_worth_another_try(&error) => {}
            Err(error) => {
                // Nobody is there any more when this fails.
                let _ = reply.send(Err(error));
                return;
            }
        }
    }
}

/// Whether two transactions got in each other's way, and this one has certainly left nothing behind.
fn is_worth_another_try(error: &Error) -> bool {
    matches!(error.code(), "sql-serialization" | "sql-deadlock")
}

/// Gives up waiting for a server that does not answer and does not close its connections either. Nothing is known of what it was
/// asked.
async fn in_time<T>(pool: &Pool, work: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(ANSWERS_WITHIN.max(pool.options.wait), work).await.unwrap_or_else(|_| {
        pool.renew();
        Err(error::unknown_outcome(pool.place(), error::silent(pool.place())))
    })
}

async fn attempt<O: Operation>(pool: &Arc<Pool>, clock: &dyn Clock, operation: &O) -> Result<O::Answer> {
    if !operation.is_atomic() && !pool.is_pooled() {
        let mut single = Single::take(pool, Tables::Ours, false).await?;
        let answer = operation.apply(&mut session(&mut single, clock)).await?;
        single.finish();
        return Ok(answer);
    }
    let mut transaction = PostgresTransaction::begin(pool, Isolation::ReadCommitted).await?;
    match operation.apply(&mut session(&mut transaction, clock)).await {
        Ok(answer) => transaction.finish().await.map(|()| answer),
        Err(error) => {
            transaction.undo().await;
            Err(error)
        }
    }
}

#[async_trait]
impl SqlStore for Store {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn lock_clock(&self) -> LockClock {
        LockClock::Server
    }

    async fn read(&self, statement: Statement) -> Result<Vec<Row>> {
        in_time(&self.pool, self.read_now(statement)).await.map_err(|error| match error.kind() {
            // Reading leaves no doubt.
            ErrorKind::UnknownOutcome => error::silent(self.pool.place()),
            _ => error,
        })
    }

    async fn run<O: Operation>(&self, operation: O) -> Result<O::Answer> {
        let (reply, answer) = oneshot::channel();
        tokio::spawn(serve(self.pool.clone(), self.clock.clone(), operation, reply));
        Delivery::receive(answer).await
    }

    fn run_detached<O: Operation>(&self, operation: O) {
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(serve(self.pool.clone(), self.clock.clone(), operation, oneshot::channel().0)));
        }
    }

    fn session_in<'t>(&self, tx: &'t mut Tx) -> Option<Session<'t>> {
        let transaction = tx.inner().as_any().downcast_mut::<PostgresTransaction>()?;
        let is_here = transaction.pool().place() == self.pool.place();
        is_here.then(|| session(transaction, &*self.clock))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: true, shared: true, transactional: true, wake_up_within: self.longest_rest() }
    }

    fn longest_rest(&self) -> Duration {
        let (heard, unheard) = POLL;
        let said = self.pool.options.poll;
        if self.news.is_heard() { said.unwrap_or(heard) } else { said.unwrap_or(unheard).min(unheard) }
    }

    fn wake(&self) -> &Wake {
        self.news.wake()
    }

    fn announce(&self, queue: &QueueName) {
        self.news.announce(queue);
    }

    fn place(&self) -> String {
        self.pool.place().to_owned()
    }
}
