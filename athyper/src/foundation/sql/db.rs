//! The database as products use it.

use std::sync::Arc;

use futures_core::stream::BoxStream;
use futures_util::StreamExt;

use super::{Database, FromRow, Isolation, Row, ToStatement, Tx};
use crate::foundation::error::{Error, Result};

/// A relational database: typed queries, statements, streams and transactions.
///
/// Cloning is cheap; clones share the connections.
#[derive(Debug, Clone)]
pub struct Db {
    database: Arc<dyn Database>,
}

impl Db {
    /// Wraps an adapter.
    #[must_use]
    pub fn new(database: Arc<dyn Database>) -> Self {
        Self { database }
    }

    /// The adapter behind it.
    #[must_use]
    pub fn database(&self) -> &Arc<dyn Database> {
        &self.database
    }

    /// Reads every row.
    ///
    /// # Errors
    /// What the database reports, or `Internal` when a row does not fit `T`.
    pub async fn fetch_all<T: FromRow>(&self, statement: impl ToStatement) -> Result<Vec<T>> {
        let statement = statement.to_statement(self.database.dialect());
        self.database.fetch(statement).await?.into_iter().map(T::from_row).collect()
    }

    /// Reads the first row, if there is one.
    ///
    /// # Errors
    /// As [`fetch_all`](Self::fetch_all).
    pub async fn fetch_optional<T: FromRow>(&self, statement: impl ToStatement) -> Result<Option<T>> {
        let statement = statement.to_statement(self.database.dialect());
        first(self.database.fetch(statement).await?)
    }

    /// Reads the first row.
    ///
    /// # Errors
    /// As [`fetch_all`](Self::fetch_all), and `NotFound` when there is none.
    pub async fn fetch_one<T: FromRow>(&self, statement: impl ToStatement) -> Result<T> {
        self.fetch_optional(statement).await?.ok_or_else(no_row)
    }

    /// Reads row by row without gathering them.
    pub fn stream<T: FromRow + 'static>(&self, statement: impl ToStatement) -> BoxStream<'static, Result<T>> {
        let statement = statement.to_statement(self.database.dialect());
        self.database.stream(statement).map(|row| T::from_row(row?)).boxed()
    }

    /// Writes; answers how many rows changed.
    ///
    /// # Errors
    /// What the database reports: `Conflict` for a broken unique or foreign key.
    pub async fn execute(&self, statement: impl ToStatement) -> Result<u64> {
        self.database.execute(statement.to_statement(self.database.dialect())).await
    }

    /// Runs `work` in a transaction: committed when it returns `Ok`, rolled back when it returns `Err`, panics or is dropped.
    ///
    /// It is never run twice.
    ///
    /// # Errors
    /// Whatever `work` returns, and `UnknownOutcome` when the commit was sent and no answer came.
    ///
    /// # Cancel safety
    /// Dropping the future rolls back, unless the commit was sent.
    pub async fn transaction<T, F>(&self, isolation: Isolation, work: F) -> Result<T>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<T>,
    {
        let mut tx = self.database.begin(isolation).await?;
        match work(&mut tx).await {
            Ok(value) => {
                tx.into_inner().commit().await?;
                Ok(value)
            }
            Err(error) => {
                // The first error is the one to report; a failed rollback ends with the connection.
                let _ = tx.into_inner().rollback().await;
                Err(error)
            }
        }
    }
}

impl Tx {
    /// As [`Db::fetch_all`].
    ///
    /// # Errors
    /// As [`Db::fetch_all`].
    pub async fn fetch_all<T: FromRow>(&mut self, statement: impl ToStatement) -> Result<Vec<T>> {
        let statement = statement.to_statement(self.inner().dialect());
        self.inner().fetch(statement).await?.into_iter().map(T::from_row).collect()
    }

    /// As [`Db::fetch_optional`].
    ///
    /// # Errors
    /// As [`Db::fetch_optional`].
    pub async fn fetch_optional<T: FromRow>(&mut self, statement: impl ToStatement) -> Result<Option<T>> {
        let statement = statement.to_statement(self.inner().dialect());
        first(self.inner().fetch(statement).await?)
    }

    /// As [`Db::fetch_one`].
    ///
    /// # Errors
    /// As [`Db::fetch_one`].
    pub async fn fetch_one<T: FromRow>(&mut self, statement: impl ToStatement) -> Result<T> {
        self.fetch_optional(statement).await?.ok_or_else(no_row)
    }

    /// As [`Db::stream`], within the transaction.
    pub fn stream<T: FromRow>(&mut self, statement: impl ToStatement) -> BoxStream<'_, Result<T>> {
        let statement = statement.to_statement(self.inner().dialect());
        self.inner().stream(statement).map(|row| T::from_row(row?)).boxed()
    }

    /// As [`Db::execute`].
    ///
    /// # Errors
    /// As [`Db::execute`].
    pub async fn execute(&mut self, statement: impl ToStatement) -> Result<u64> {
        let statement = statement.to_statement(self.inner().dialect());
        self.inner().execute(statement).await
    }
}

fn first<T: FromRow>(rows: Vec<Row>) -> Result<Option<T>> {
    rows.into_iter().next().map(T::from_row).transpose()
}

fn no_row() -> Error {
    Error::not_found("no such row")
}
