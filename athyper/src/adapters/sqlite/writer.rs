//! The one connection of this process that writes.
//!
//! Whoever wants to write waits in the order of arrival, so that SQLite's own busy answer never reaches a caller. Other
//! processes are waited for in short steps, without holding a thread.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sqlx::SqliteConnection;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use super::connection::{self, Failure};
use super::error::{self, Fault};
use super::store::Settings;
use super::transaction::SqliteTransaction;
use crate::foundation::error::Result;
use crate::foundation::sql::{Row, Statement};

/// The first and the longest pause between two looks at a lock that another process holds.
const PAUSES: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(2));

/// How often a statement that cannot run within a transaction tries to slip in between other processes.
const MAINTENANCE_TRIES: u32 = 100;

/// The connection and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    connection: Option<SqliteConnection>,
    /// Set before a transaction begins and cleared once its end is confirmed. Whoever finds it set rolls back first: a
    /// future that was dropped somewhere in between has left it.
    suspect: bool,
    closed: bool,
}

/// The one connection of this process that writes.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    settings: Arc<Settings>,
    slot: Arc<Mutex<Slot>>,
}

impl Writer {
    /// A writer that connects on first use.
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, slot: Arc::default() }
    }

    /// Waits for its turn and begins a transaction that holds the write lock.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no transaction open.
    pub(super) async fn begin(&self) -> Result<SqliteTransaction> {
        let mut turn = self.turn().await?;
        self.bounded(turn.begin()).await?;
        Ok(SqliteTransaction::new(turn))
    }

    /// Runs a statement that cannot run within a transaction.
    pub(super) async fn maintain(&self, statement: Statement) -> Result<Vec<Row>> {
        let mut turn = self.turn().await?;
        self.bounded(turn.wait_for_others()).await?;
        let mut left = MAINTENANCE_TRIES;
        loop {
            let Statement { sql, values } = statement.clone();
            let outcome = connection::fetch(turn.connection()?, sql, values).await;
            left -= 1;
            match &outcome {
                Err(failure) if failure.fault() == Some(Fault::Busy) && left > 0 => {
                    self.bounded(turn.wait_for_others()).await?;
                }
                _ => return turn.judge(outcome),
            }
        }
    }

    /// Connects if nobody has yet.
    pub(super) async fn connect(&self) -> Result<()> {
        let mut turn = self.turn().await?;
        self.bounded(turn.prepare()).await
    }

    async fn bounded(&self, work: impl Future<Output = Result<()>>) -> Result<()> {
        timeout(self.settings.options.busy_timeout, work)
            .await
            .unwrap_or_else(|_| Err(error::busy_elsewhere(&self.settings.file)))
    }

    /// Waits for the transaction under way and lets go of the connection for good.
    pub(super) async fn close(&self) {
        let mut slot = self.slot.lock().await;
        slot.closed = true;
        if let Some(connection) = slot.connection.take() {
            // The last connection writes the log back into the file; failing that, the next opening does.
            let _ = sqlx::Connection::close(connection).await;
        }
    }

    async fn turn(&self) -> Result<Turn> {
        let slot = timeout(self.settings.options.busy_timeout, self.slot.clone().lock_owned())
            .await
            .map_err(|_| error::busy_here(&self.settings.file))?;
        Ok(Turn { settings: self.settings.clone(), slot })
    }
}

/// The writer in one caller's hands.
#[derive(Debug)]
pub(super) struct Turn {
    settings: Arc<Settings>,
    slot: OwnedMutexGuard<Slot>,
}

impl Turn {
    pub(super) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection> {
        let Self { settings, slot } = self;
        slot.connection.as_mut().ok_or_else(|| error::closed(&settings.file))
    }

    /// Turns a failure into the error for callers, and gives up a connection that is of no use any more.
    pub(super) fn judge<T>(&mut self, outcome: Result<T, Failure>) -> Result<T> {
        outcome.map_err(|failure| {
            if failure.fault().is_some_and(Fault::breaks_connection) {
                self.slot.connection = None;
            }
            failure.into_error(&self.settings.file)
        })
    }

    /// Makes sure of a connection without an open transaction.
    async fn prepare(&mut self) -> Result<()> {
        if self.slot.closed {
            return Err(error::closed(&self.settings.file));
        }
        if self.slot.suspect {
            self.end_what_was_left().await;
        }
        let mut pause = PAUSES.0;
        while self.slot.connection.is_none() {
            match connection::open_writer(&self.settings.file, &self.settings.options).await {
                Ok(fresh) => self.slot.connection = Some(fresh),
                Err(failure) if Fault::of(&failure) == Fault::Busy => rest(&mut pause).await,
                Err(failure) => return Err(self.settings.explain(failure)),
            }
        }
        Ok(())
    }

    async fn end_what_was_left(&mut self) {
        if let Some(connection) = &mut self.slot.connection
            && !rolled_back(connection).await
        {
            self.slot.connection = None;
        }
        self.slot.suspect = false;
    }

    async fn begin(&mut self) -> Result<()> {
        self.prepare().await?;
        let mut pause = PAUSES.0;
        loop {
            self.slot.suspect = true;
            let outcome = connection::script(self.connection()?, "BEGIN IMMEDIATE").await;
            match outcome {
                Ok(()) => return Ok(()),
                Err(failure) if failure.fault() == Some(Fault::Busy) => rest(&mut pause).await,
                Err(failure) => return self.judge(Err(failure)),
            }
        }
    }

    /// Waits until nobody else writes.
    async fn wait_for_others(&mut self) -> Result<()> {
        self.begin().await?;
        self.end_what_was_left().await;
        self.prepare().await
    }

    /// Commits.
    pub(super) async fn commit(&mut self) -> Result<(), Failure> {
        let connection = self.slot.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        connection::script(connection, "COMMIT").await?;
        self.slot.suspect = false;
        Ok(())
    }

    /// Rolls back.
    pub(super) async fn roll_back(&mut self) {
        self.end_what_was_left().await;
    }

    /// Whether a transaction is open. Some errors end one on the spot.
    pub(super) async fn is_in_transaction(&mut self) -> bool {
        let Some(connection) = &mut self.slot.connection else { return false };
        // Within a transaction SQLite refuses a second BEGIN; outside, this one is rolled back at once.
        if connection::script(connection, "BEGIN").await.is_err() {
            return true;
        }
        if !rolled_back(connection).await {
            self.slot.connection = None;
        }
        false
    }

    /// Sends a rollback without waiting for it, so that other processes do not wait for the next writer of this one. The
    /// connection runs what it is sent in order, and stays suspect until somebody has seen a rollback succeed.
    fn abandon(&mut self) {
        let Some(connection) = &mut self.slot.connection else { return };
        let sent = connection::script(connection, "ROLLBACK").now_or_never();
        // It cannot have been answered yet; an answer means that the connection's thread is gone.
        if let Some(Err(Failure::Driver(sqlx::Error::WorkerCrashed))) = sent {
            self.slot.connection = None;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.slot.suspect {
            self.abandon();
        }
    }
}

/// Rolls back, and says whether the connection is certain to have no transaction open.
async fn rolled_back(connection: &mut SqliteConnection) -> bool {
    match connection::script(connection, "ROLLBACK").await {
        Ok(()) => true,
        Err(Failure::Driver(sqlx::Error::Database(refusal))) => refusal.message().contains("no transaction is active"),
        Err(_) => false,
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "another process is waited for in real time, whatever the product's clock says"
)]
async fn rest(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(PAUSES.1);
}
