//! An open transaction on the writer.

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryFutureExt, TryStreamExt};

use super::connection::{self, Failure};
use super::error::Fault;
use super::store::Settings;
use super::writer::Turn;
use crate::adapters::sql::keyword::{StatementKind, refuse_control};
use crate::adapters::sql::operation::OpenTransaction;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::sql::{Dialect, Row, Statement, Transaction};

/// Something to be done once a commit was sent.
type Afterwards = Box<dyn FnOnce() + Send>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// SQLite ended the transaction because of an error: nothing more may run in it.
    Ended,
    Committing,
    Done,
}

/// An open transaction that holds the write lock of its database.
///
/// Dropping it at any point rolls it back.
pub(super) struct SqliteTransaction {
    turn: Turn,
    stage: Stage,
    /// A stream reported an error, and nobody has asked yet whether the transaction is still open.
    doubtful: bool,
    afterwards: Vec<Afterwards>,
}

impl SqliteTransaction {
    /// Takes over a turn whose transaction was begun.
    pub(super) fn new(turn: Turn) -> Self {
        Self { turn, stage: Stage::Open, doubtful: false, afterwards: Vec::new() }
    }

    /// The database it writes.
    pub(super) fn settings(&self) -> &Settings {
        self.turn.settings()
    }

    /// Runs a text of several statements, which may try to end the transaction, and answers whether it is still open.
    pub(super) async fn script(&mut self, sql: &str) -> Result<bool> {
        self.check().await?;
        let outcome = connection::script(self.turn.connection()?, sql).await;
        self.judge(outcome).await?;
        if self.turn.is_in_transaction().await {
            return Ok(true);
        }
        self.stage = Stage::Ended;
        Ok(false)
    }

    /// Commits.
    pub(super) async fn finish(mut self) -> Result<()> {
        self.check().await?;
        self.stage = Stage::Committing;
        let outcome = self.turn.commit().await;
        if let Err(failure) = &outcome {
            // What is still open after a refused commit, such as one that breaks a deferred foreign key, goes.
            let unknown = matches!(failure.fault(), Some(Fault::InputOutput | Fault::Disconnected | Fault::Corrupt));
            if !unknown {
                self.turn.roll_back().await;
            }
            self.stage = Stage::Done;
            let error = match self.turn.judge(outcome) {
                Err(error) => error,
                Ok(()) => return Ok(()),
            };
            return Err(if unknown { unknown_outcome(self.settings(), error) } else { error });
        }
        self.stage = Stage::Done;
        self.run_afterwards();
        Ok(())
    }

    /// Rolls back.
    pub(super) async fn undo(mut self) {
        self.turn.roll_back().await;
        self.stage = Stage::Done;
    }

    async fn check(&mut self) -> Result<()> {
        if self.doubtful {
            self.look_whether_open().await;
        }
        if self.stage == Stage::Open {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "the transaction was rolled back by an earlier error: begin it again")
            .with_code("sql-transaction-ended"))
    }

    async fn judge<T>(&mut self, outcome: Result<T, Failure>) -> Result<T> {
        let at_database = matches!(&outcome, Err(Failure::Driver(_)));
        let judged = self.turn.judge(outcome);
        // Of the errors after which SQLite has rolled back on its own only some are documented, and `ON CONFLICT
        // ROLLBACK` adds others: ask, or the next statement would run outside of any transaction.
        if at_database {
            self.look_whether_open().await;
        }
        judged
    }

    async fn look_whether_open(&mut self) {
        if !self.turn.is_in_transaction().await {
            self.stage = Stage::Ended;
        }
        self.doubtful = false;
    }

    fn run_afterwards(&mut self) {
        for action in self.afterwards.drain(..) {
            action();
        }
    }
}

fn unknown_outcome(settings: &Settings, source: Error) -> Error {
    Error::new(
        ErrorKind::UnknownOutcome,
        format!(
            "the commit to the database `{}` was sent and failed on its way to the disk: look whether it is there before \
             repeating it",
            settings.file.display()
        ),
    )
    .with_source(source)
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        // The turn rolls back what is open. Where the commit was sent and not answered, it may have been done.
        if self.stage == Stage::Committing {
            self.run_afterwards();
        }
    }
}

impl fmt::Debug for SqliteTransaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SqliteTransaction")
            .field("file", &self.settings().file)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl OpenTransaction for SqliteTransaction {
    async fn fetch_rows(&mut self, statement: Statement) -> Result<Vec<Row>> {
        self.check().await?;
        let outcome = connection::fetch(self.turn.connection()?, statement.sql, statement.values).await;
        self.judge(outcome).await
    }

    async fn change(&mut self, statement: Statement) -> Result<u64> {
        self.check().await?;
        let outcome = connection::execute(self.turn.connection()?, statement).await;
        self.judge(outcome).await
    }

    fn after_commit(&mut self, action: Afterwards) {
        self.afterwards.push(action);
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>> {
        refuse_control(&statement.sql)?;
        self.fetch_rows(statement).await
    }

    fn stream(&mut self, statement: Statement) -> BoxStream<'_, Result<Row>> {
        let rows = async move {
            refuse_control(&statement.sql)?;
            self.check().await?;
            let file = self.settings().file.clone();
            let Self { turn, doubtful, .. } = self;
            let rows = connection::stream(turn.connection()?, statement.sql, statement.values);
            Ok(rows.map_err(move |failure| {
                *doubtful = true;
                failure.into_error(&file)
            }))
        };
        rows.try_flatten_stream().boxed()
    }

    async fn execute(&mut self, statement: Statement) -> Result<u64> {
        refuse_control(&statement.sql)?;
        let kind = StatementKind::of(&statement.sql);
        let changed = self.change(statement).await?;
        Ok(counted(kind, changed))
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.finish().await
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        self.undo().await;
        Ok(())
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// SQLite's count is that of the latest statement that changes rows, even after one that changes the schema.
pub(super) fn counted(kind: StatementKind, changed: u64) -> u64 {
    match kind {
        StatementKind::Changes | StatementKind::MayChange => changed,
        StatementKind::Reads | StatementKind::Defines | StatementKind::Maintains | StatementKind::Controls => 0,
    }
}
