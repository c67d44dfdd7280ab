//! Looks into a product's SQLite file from outside, with SQL of its own: what the product says about itself is no evidence.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Row};
use tokio::runtime::{Builder, Runtime};

/// A reading connection.
#[derive(Debug)]
pub struct Store {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Store {
    /// Opens a database file that exists.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(crate::client::PATIENCE);
        let connection = runtime.block_on(SqliteConnection::connect_with(&options))?;
        Ok(Self { runtime, connection })
    }

    /// The only number that a query gives.
    ///
    /// # Errors
    /// When the query fails.
    pub fn number(&mut self, query: &str) -> Result<i64, sqlx::Error> {
        let query = sqlx::query(AssertSqlSafe(query));
        let row = self.runtime.block_on(query.fetch_one(&mut self.connection))?;
        row.try_get(0)
    }

    /// The first column of every row, as text.
    ///
    /// # Errors
    /// When the query fails.
    pub fn column(&mut self, query: &str) -> Result<Vec<String>, sqlx::Error> {
        let query = sqlx::query(AssertSqlSafe(query));
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection))?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}
