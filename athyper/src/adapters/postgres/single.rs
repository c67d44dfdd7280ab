//! Statements that are each committed by themselves.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::connection::{self, Failure};
use super::error::{self, Fault};
use super::pool::{Held, Pool};
use super::value::Tables;
use crate::adapters::sql::operation::OpenTransaction;
use crate::foundation::error::Result;
use crate::foundation::sql::{Row, Statement};

/// A connection on which each statement is committed by itself.
pub(super) struct Single {
    held: Held,
    tables: Tables,
    /// Whether its statements only read, so that losing one leaves no doubt.
    reads: bool,
    afterwards: Vec<Box<dyn FnOnce() + Send>>,
}

impl Single {
    /// Takes a connection.
    pub(super) async fn take(pool: &Arc<Pool>, tables: Tables, reads: bool) -> Result<Self> {
        Ok(Self { held: pool.take().await?, tables, reads, afterwards: Vec::new() })
    }

    /// Its connection, for a stream.
    pub(super) fn held(&mut self) -> &mut Held {
        &mut self.held
    }

    /// All that was to be done was done.
    pub(super) fn finish(mut self) {
        for action in self.afterwards.drain(..) {
            action();
        }
    }

    /// Turns a failure into the error for callers.
    pub(super) fn judge<T>(&mut self, outcome: Result<T, Failure>) -> Result<T> {
        match outcome {
            Ok(value) => {
                self.held.clean();
                Ok(value)
            }
            Err(failure) => {
                let fault = failure.fault();
                let lost = fault.is_some_and(Fault::breaks_connection);
                self.held.judge(fault);
                if !lost {
                    self.held.clean();
                }
                let error = failure.into_error(self.held.pool().place());
                let is_unknown = fault == Some(Fault::Disconnected) && !self.reads;
                Err(if is_unknown { error::unknown_outcome(self.held.pool().place(), error) } else { error })
            }
        }
    }
}

impl fmt::Debug for Single {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Single").field("database", &self.held.pool().place()).finish_non_exhaustive()
    }
}

#[async_trait]
impl OpenTransaction for Single {
    async fn fetch_rows(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let manner = self.held.pool().manner(self.tables);
        let outcome = async { connection::fetch(self.held.connection()?, statement, manner).await }.await;
        self.judge(outcome)
    }

    async fn change(&mut self, statement: Statement) -> Result<u64> {
        let manner = self.held.pool().manner(self.tables);
        let outcome = async { connection::execute(self.held.connection()?, statement, manner).await }.await;
        self.judge(outcome)
    }

    fn after_commit(&mut self, action: Box<dyn FnOnce() + Send>) {
        self.afterwards.push(action);
    }
}
