//! An open transaction, and statements without one.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryFutureExt, TryStreamExt};

use super::connection::{self, Failure};
use super::error::{self, Fault};
use super::pool::{Held, Pool};
use super::value::Tables;
use crate::adapters::sql::keyword::{StatementKind, refuse_control};
use crate::adapters::sql::operation::OpenTransaction;
use crate::foundation::error::Result;
use crate::foundation::sql::{Dialect, Isolation, Row, Statement, Transaction};

/// Something to be done once a commit was sent.
type Afterwards = Box<dyn FnOnce() + Send>;

/// How many connections may turn out to be dead before one is given up as unreachable.
const DEAD_CONNECTIONS: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// An error has undone the transaction: nothing more may run in it.
    Ended,
    Committing,
    Done,
}

/// An open transaction.
///
/// Dropping it at any point rolls it back: its connection is closed.
pub(super) struct PostgresTransaction {
    held: Held,
    stage: Stage,
    afterwards: Vec<Afterwards>,
}

impl PostgresTransaction {
    /// Begins a transaction.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no transaction open.
    pub(super) async fn begin(pool: &Arc<Pool>, isolation: Isolation) -> Result<Self> {
        let sql = match isolation {
            Isolation::Default => "BEGIN",
            Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Isolation::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        let mut dead = 0;
        loop {
            let mut held = pool.take().await?;
            let begun = async { connection::script(held.connection()?, sql).await }.await;
            let Err(failure) = begun else { return Ok(Self { held, stage: Stage::Open, afterwards: Vec::new() }) };
            held.judge(failure.fault());
            dead += 1;
            // Nothing was done on it yet, so another connection may be tried.
            if dead == DEAD_CONNECTIONS || !failure.fault().is_some_and(Fault::breaks_connection) {
                return Err(failure.into_error(pool.place()));
            }
        }
    }

    /// Whose connections it runs on.
    pub(super) fn pool(&self) -> &Arc<Pool> {
        self.held.pool()
    }

    /// Runs a text of several statements.
    pub(super) async fn script(&mut self, sql: &str) -> Result<()> {
        self.check()?;
        let outcome = async { connection::script(self.held.connection()?, sql).await }.await;
        self.judge(outcome)
    }

    async fn rows(&mut self, statement: Statement, tables: Tables) -> Result<Vec<Row>> {
        self.check()?;
        let manner = self.pool().manner(tables);
        let outcome = async { connection::fetch(self.held.connection()?, statement, manner).await }.await;
        self.judge(outcome)
    }

    async fn changed(&mut self, statement: Statement, tables: Tables) -> Result<u64> {
        self.check()?;
        let manner = self.pool().manner(tables);
        let outcome = async { connection::execute(self.held.connection()?, statement, manner).await }.await;
        self.judge(outcome)
    }

    /// Commits.
    pub(super) async fn finish(mut self) -> Result<()> {
        // The server answers the COMMIT of a transaction that has failed as if all were well.
        self.check()?;
        self.stage = Stage::Committing;
        let outcome = async { connection::script(self.held.connection()?, "COMMIT").await }.await;
        match outcome {
            Ok(()) => {
                self.stage = Stage::Done;
                self.held.clean();
                self.run_afterwards();
                Ok(())
            }
            Err(failure) => {
                let fault = failure.fault();
                self.held.judge(fault);
                let place = self.pool().place().to_owned();
                let error = failure.into_error(&place);
                if fault.is_some_and(Fault::breaks_connection) {
                    return Err(error::unknown_outcome(&place, error));
                }
                // What was refused, such as a broken deferred foreign key, is undone.
                self.stage = Stage::Done;
                self.held.clean();
                Err(error)
            }
        }
    }

    /// Rolls back.
    pub(super) async fn undo(mut self) {
        self.stage = Stage::Done;
        let outcome = async { connection::script(self.held.connection()?, "ROLLBACK").await }.await;
        match outcome {
            Ok(()) => self.held.clean(),
            // The connection is closed, and the server undoes what was open.
            Err(failure) => self.held.judge(failure.fault()),
        }
    }

    fn check(&self) -> Result<()> {
        if self.stage == Stage::Open { Ok(()) } else { Err(error::transaction_ended()) }
    }

    fn judge<T>(&mut self, outcome: Result<T, Failure>) -> Result<T> {
        outcome.map_err(|failure| {
            if let Failure::Driver(_) = &failure {
                self.stage = Stage::Ended;
            }
            self.held.judge(failure.fault());
            failure.into_error(self.pool().place())
        })
    }

    fn run_afterwards(&mut self) {
        for action in self.afterwards.drain(..) {
            action();
        }
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        // Where the commit was sent and not answered, it may have been done.
        if self.stage == Stage::Committing {
            self.run_afterwards();
        }
    }
}

impl fmt::Debug for PostgresTransaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PostgresTransaction")
            .field("database", &self.pool().place())
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl OpenTransaction for PostgresTransaction {
    async fn fetch_rows(&mut self, statement: Statement) -> Result<Vec<Row>> {
        self.rows(statement, Tables::Ours).await
    }

    async fn change(&mut self, statement: Statement) -> Result<u64> {
        self.changed(statement, Tables::Ours).await
    }

    fn after_commit(&mut self, action: Afterwards) {
        self.afterwards.push(action);
    }
}

#[async_trait]
impl Transaction for PostgresTransaction {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>> {
        refuse_control(&statement.sql)?;
        self.rows(statement, Tables::Product).await
    }

    fn stream(&mut self, statement: Statement) -> BoxStream<'_, Result<Row>> {
        let rows = async move {
            refuse_control(&statement.sql)?;
            self.check()?;
            let manner = self.pool().manner(Tables::Product);
            let place = self.pool().place().to_owned();
            let Self { held, stage, .. } = self;
            let connection = held.connection().map_err(|failure| failure.into_error(&place))?;
            let rows = connection::stream(connection, statement.sql, statement.values, manner);
            Ok(rows.map_err(move |failure| {
                if let Failure::Driver(_) = &failure {
                    *stage = Stage::Ended;
                }
                failure.into_error(&place)
            }))
        };
        rows.try_flatten_stream().boxed()
    }

    async fn execute(&mut self, statement: Statement) -> Result<u64> {
        refuse_control(&statement.sql)?;
        let kind = StatementKind::of(&statement.sql);
        let changed = self.changed(statement, Tables::Product).await?;
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

/// PostgreSQL also counts the rows that a statement only reads.
pub(super) fn counted(kind: StatementKind, count: u64) -> u64 {
    match kind {
        StatementKind::Changes | StatementKind::MayChange => count,
        StatementKind::Reads | StatementKind::Defines | StatementKind::Maintains | StatementKind::Controls => 0,
    }
}
