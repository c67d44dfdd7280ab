//! The connections of this process.
//!
//! A connection goes back only when whoever had it says that it is clean. What was dropped in the middle of anything is closed, and
//! the server undoes what was open: no caller meets another one's transaction.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Row as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::connection::{Failure, Manner};
use super::error::{self, Fault};
use super::options::Options;
use super::value::Tables;
use crate::foundation::error::Result;

/// A connection that has rested for longer is asked whether it is still there before it is used.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long one of several servers may take to accept a connection before the next one is asked.
const ACCEPTS_WITHIN: Duration = Duration::from_secs(3);

/// The connections of this process to one database.
pub(super) struct Pool {
    pub(super) options: Options,
    /// Which of the servers accepted writes last.
    in_charge: AtomicUsize,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    /// Counts up when the server was lost: connections from before are not used again.
    generation: AtomicU64,
    /// A pooler hands out connections for one transaction at a time.
    is_pooled: AtomicBool,
}

struct Idle {
    connection: PgConnection,
    generation: u64,
    since: Instant,
}

impl Pool {
    pub(super) fn new(options: Options) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(options.connections)),
            options,
            in_charge: AtomicUsize::default(),
            idle: Mutex::default(),
            generation: AtomicU64::default(),
            is_pooled: AtomicBool::default(),
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.options.place
    }

    /// Whether a pooler stands before the server that gives each transaction another connection.
    pub(super) fn is_pooled(&self) -> bool {
        self.is_pooled.load(Ordering::Relaxed)
    }

    pub(super) fn set_pooled(&self) {
        self.is_pooled.store(true, Ordering::Relaxed);
    }

    pub(super) fn manner(&self, tables: Tables) -> Manner {
        Manner { tables, prepares: !self.is_pooled() }
    }

    /// Waits for a connection.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Held> {
        let permit = timeout(self.options.wait, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| error::busy(self.place()))?
            .map_err(|_| error::closed(self.place()))?;
        let generation = self.generation.load(Ordering::Acquire);
        while let Some(idle) = self.next_idle(generation) {
            let mut connection = idle.connection;
            if is_trusted(idle.since) || matches!(timeout(TRUSTED_FOR, connection.ping()).await, Ok(Ok(()))) {
                return Ok(self.hold(connection, generation, permit));
            }
        }
        let connection = self.connect().await?;
        Ok(self.hold(connection, generation, permit))
    }

    /// Makes a connection that belongs to nobody else: to the server that accepts writes, if there are several.
    pub(super) async fn connect(&self) -> Result<PgConnection> {
        let count = self.options.servers.len();
        if count == 1 {
            return self.connect_to(0, self.options.wait).await;
        }
        let first = self.in_charge.load(Ordering::Acquire);
        let mut failure = None;
        for index in (first..first + count).map(|index| index % count) {
            match self.connect_to(index, ACCEPTS_WITHIN.min(self.options.wait)).await {
                Ok(mut connection) => match self.refuse_read_only(&mut connection).await {
                    Ok(()) => {
                        self.in_charge.store(index, Ordering::Release);
                        return Ok(connection);
                    }
                    // That it is there and only reads says more than that another one is not there.
                    Err(error) => failure = Some(error),
                },
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or_else(|| error::silent(self.place())))
    }

    async fn connect_to(&self, index: usize, within: Duration) -> Result<PgConnection> {
        match timeout(within, self.options.servers[index].connect()).await {
            Ok(made) => made.map_err(|failure| Fault::of(&failure).into_error(failure, self.place())),
            Err(_) => Err(error::silent(self.place())),
        }
    }

    /// Fails if a server only reads.
    pub(super) async fn refuse_read_only(&self, connection: &mut PgConnection) -> Result<()> {
        let asked = timeout(self.options.wait, sqlx::raw_sql("SHOW transaction_read_only").fetch_one(connection));
        let answer = asked.await.map_err(|_| error::silent(self.place()))?;
        let reads: Result<String, _> = answer.and_then(|row| row.try_get(0));
        match reads {
            Ok(reads) if reads == "on" => Err(error::read_only(self.place())),
            Ok(_) => Ok(()),
            Err(failure) => Err(Fault::of(&failure).into_error(failure, self.place())),
        }
    }

    /// How the server that accepted writes last is reached.
    pub(super) fn server(&self) -> &PgConnectOptions {
        &self.options.servers[self.in_charge.load(Ordering::Acquire)]
    }

    fn next_idle(&self, generation: u64) -> Option<Idle> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.generation == generation);
        idle.pop()
    }

    fn hold(self: &Arc<Self>, connection: PgConnection, generation: u64, permit: OwnedSemaphorePermit) -> Held {
        Held { connection: Some(connection), pool: self.clone(), generation, is_clean: true, _permit: permit }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up every connection made so far, because the server was lost.
    pub(super) fn renew(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.idle().clear();
    }

    /// Waits for the connections in use and lets go of all for good.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.options.connections).unwrap_or(u32::MAX);
        let everyone = self.permits.acquire_many(all).await;
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            // The server notices that it is closed anyway.
            let _ = idle.connection.close().await;
        }
        drop(everyone);
    }
}

/// How long a connection has rested is real time, whatever clock the store was given.
#[allow(clippy::disallowed_methods, reason = "the other end of a connection lives in real time")]
fn is_trusted(since: Instant) -> bool {
    since.elapsed() < TRUSTED_FOR
}

#[allow(clippy::disallowed_methods, reason = "the other end of a connection lives in real time")]
fn real_now() -> Instant {
    Instant::now()
}

/// A connection in one caller's hands.
pub(super) struct Held {
    connection: Option<PgConnection>,
    pool: Arc<Pool>,
    generation: u64,
    is_clean: bool,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// The connection. From now on it is closed when it is dropped, until [`clean`](Self::clean) is called.
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, Failure> {
        self.is_clean = false;
        let closed = || Failure::Refused(error::closed(&self.pool.options.place));
        self.connection.as_mut().ok_or_else(closed)
    }

    /// Nothing is under way or open on it.
    pub(super) fn clean(&mut self) {
        self.is_clean = true;
    }

    /// Notes what a failure says about the connection, and about all others.
    pub(super) fn judge(&mut self, fault: Option<Fault>) {
        if fault.is_some_and(Fault::breaks_connection) {
            self.connection = None;
            if self.generation == self.pool.generation.load(Ordering::Acquire) {
                self.pool.renew();
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|_| self.is_clean) {
            self.pool.idle().push(Idle { connection, generation: self.generation, since: real_now() });
        }
    }
}
