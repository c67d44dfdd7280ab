//! An open transaction.

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use futures_core::stream::BoxStream;

use super::{Dialect, Row, Statement};
use crate::foundation::error::Result;

/// The port of an open transaction; dropping it rolls it back.
#[async_trait]
pub trait Transaction: Send + fmt::Debug {
    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;
    /// Runs a statement that reads.
    async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>>;
    /// Runs a statement that reads, row by row.
    fn stream(&mut self, statement: Statement) -> BoxStream<'_, Result<Row>>;
    /// Runs a statement that writes; answers how many rows it changed.
    async fn execute(&mut self, statement: Statement) -> Result<u64>;
    /// Commits.
    ///
    /// # Errors
    /// `UnknownOutcome` when the commit was sent and no answer came.
    async fn commit(self: Box<Self>) -> Result<()>;
    /// Rolls back.
    async fn rollback(self: Box<Self>) -> Result<()>;
    /// The adapter's own transaction, so that a queue in the same database recognises it.
    fn as_any(&mut self) -> &mut dyn Any;
}

/// An open transaction, opaque: it writes only through the database that began it.
#[derive(Debug)]
pub struct Tx {
    inner: Box<dyn Transaction>,
}

impl Tx {
    /// Wraps an adapter's transaction.
    #[must_use]
    pub fn new(inner: Box<dyn Transaction>) -> Self {
        Self { inner }
    }

    /// The adapter's transaction, for adapters.
    pub fn inner(&mut self) -> &mut dyn Transaction {
        &mut *self.inner
    }

    /// Gives the adapter's transaction back.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn Transaction> {
        self.inner
    }
}
