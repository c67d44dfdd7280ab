//! The port of a relational database.

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use sea_query::{
    DeleteStatement, IndexCreateStatement, IndexDropStatement, InsertStatement, PostgresQueryBuilder, SelectStatement,
    SqliteQueryBuilder, TableAlterStatement, TableCreateStatement, TableDropStatement, TableRenameStatement,
    UpdateStatement, Value, Values, WithQuery,
};

use super::{AppliedMigration, MigrationSet, Row, Tx};
use crate::foundation::error::Result;

/// Which SQL a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite 3.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// How far transactions see one another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// The database's own default.
    #[default]
    Default,
    /// Statements see what was committed before they began.
    ReadCommitted,
    /// The transaction sees what was committed before it began.
    RepeatableRead,
    /// As if transactions ran one after another.
    Serializable,
}

/// SQL text with the values for its placeholders.
///
/// ```
/// use athyper::sql::Statement;
///
/// let statement = Statement::text("SELECT email FROM users WHERE id = ?").bind(42);
/// assert_eq!(statement.values.0.len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The text, in the dialect of the database it is meant for.
    pub sql: String,
    /// One value a placeholder.
    pub values: Values,
}

impl Statement {
    /// Text without placeholders.
    #[must_use]
    pub fn text(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), values: Values(Vec::new()) }
    }

    /// Adds the value for the next placeholder: `?` in SQLite, `$1`, `$2`, … in PostgreSQL and SQLite.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.0.push(value.into());
        self
    }
}

/// Everything that becomes a [`Statement`]: each `sea_query` statement, by value or by reference, and [`Statement`] itself.
pub trait ToStatement {
    /// Writes the statement in a dialect.
    fn to_statement(&self, dialect: Dialect) -> Statement;
}

/// The port of a relational database. Products use [`Db`](super::Db), which wraps it.
#[async_trait]
pub trait Database: Send + Sync + fmt::Debug + 'static {
    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// Runs a statement that answers with rows, and gathers them. One that writes, such as `INSERT … RETURNING`, is
    /// committed.
    async fn fetch(&self, statement: Statement) -> Result<Vec<Row>>;

    /// Runs a statement that answers with rows, row by row: they are not gathered, and a slow consumer holds up no writer.
    fn stream(&self, statement: Statement) -> BoxStream<'static, Result<Row>>;

    /// Runs a statement that writes; answers how many rows it changed.
    async fn execute(&self, statement: Statement) -> Result<u64>;

    /// Begins a transaction that may write.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no transaction open.
    async fn begin(&self, isolation: Isolation) -> Result<Tx>;

    /// Brings a set of migrations up to date, each in a transaction of its own, and answers those it applied.
    ///
    /// # Errors
    /// `Configuration` when an applied migration was changed or is missing since.
    async fn migrate(&self, set: &MigrationSet) -> Result<Vec<AppliedMigration>>;

    /// The migrations of a set that were applied, in order.
    async fn applied(&self, set: &MigrationSet) -> Result<Vec<AppliedMigration>>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<()>;

    /// Lets go of every connection; statements under way finish first.
    async fn close(&self);

    /// The adapter behind the port, for the escape hatches.
    fn as_any(&self) -> &dyn Any;
}

impl ToStatement for Statement {
    fn to_statement(&self, _: Dialect) -> Statement {
        self.clone()
    }
}

impl<T: ToStatement> ToStatement for &T {
    fn to_statement(&self, dialect: Dialect) -> Statement {
        T::to_statement(self, dialect)
    }
}

macro_rules! to_statement {
    ($($type:ty),*) => {$(
        impl ToStatement for $type {
            fn to_statement(&self, dialect: Dialect) -> Statement {
                let (sql, values) = match dialect {
                    Dialect::Sqlite => self.build(SqliteQueryBuilder),
                    Dialect::Postgres => self.build(PostgresQueryBuilder),
                };
                Statement { sql, values }
            }
        }
    )*};
}

macro_rules! schema_to_statement {
    ($($type:ty),*) => {$(
        impl ToStatement for $type {
            fn to_statement(&self, dialect: Dialect) -> Statement {
                Statement::text(match dialect {
                    Dialect::Sqlite => self.build(SqliteQueryBuilder),
                    Dialect::Postgres => self.build(PostgresQueryBuilder),
                })
            }
        }
    )*};
}

to_statement!(SelectStatement, InsertStatement, UpdateStatement, DeleteStatement, WithQuery);
schema_to_statement!(
    TableCreateStatement,
    TableAlterStatement,
    TableDropStatement,
    TableRenameStatement,
    IndexCreateStatement,
    IndexDropStatement
);
