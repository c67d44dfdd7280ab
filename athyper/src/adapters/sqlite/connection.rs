//! Opening connections, and running statements on one.

use std::path::Path;
use std::time::Duration;

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use sea_query::Values;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Either, SqliteConnection};

use super::error::Fault;
use super::options::{Options, Synchronous};
use super::value::{self, RowReader};
use crate::foundation::error::{Error, Result};
use crate::foundation::sql::{Row, Statement};

/// How long a reader may wait, in its own thread, for another process that opens or closes the file.
const READER_WAIT: Duration = Duration::from_secs(5);

/// The write-ahead log is cut back to this when it has grown beyond it.
const LOG_LIMIT: &str = "67108864";

/// Opens the connection that writes, making the file if there is none.
///
/// SQLite itself never waits on it: [`Writer`](super::writer::Writer) does, without holding a thread.
pub(super) async fn open_writer(file: &Path, options: &Options) -> Result<SqliteConnection, sqlx::Error> {
    let synchronous = match options.synchronous {
        Synchronous::Full => SqliteSynchronous::Full,
        Synchronous::Normal => SqliteSynchronous::Normal,
        Synchronous::Off => SqliteSynchronous::Off,
    };
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(Duration::ZERO)
        .pragma("journal_size_limit", LOG_LIMIT)
        .thread_name(|_| "sqlite-writer".to_owned())
        .disable_statement_logging()
        .connect()
        .await
}

/// Opens a connection that refuses to write.
pub(super) async fn open_reader(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .busy_timeout(READER_WAIT)
        .thread_name(|_| "sqlite-reader".to_owned())
        .disable_statement_logging()
        .connect()
        .await
}

/// A statement that failed: before it reached the database, or there.
#[derive(Debug)]
pub(super) enum Failure {
    /// A value cannot be bound.
    Values(Error),
    /// What the driver reported.
    Driver(sqlx::Error),
}

impl Failure {
    pub(super) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Values(_) => None,
            Self::Driver(error) => Some(Fault::of(error)),
        }
    }

    pub(super) fn into_error(self, file: &Path) -> Error {
        match self {
            Self::Values(error) => error,
            Self::Driver(error) => Fault::of(&error).into_error(error, file),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

/// Whether the driver may keep the statement prepared.
///
/// It keeps the columns that it saw first, and would read past them once another process has added one.
fn may_be_kept(sql: &str) -> bool {
    !sql.contains('*')
}

/// Runs a statement row by row.
pub(super) fn stream(
    connection: &mut SqliteConnection,
    sql: String,
    values: Values,
) -> BoxStream<'_, Result<Row, Failure>> {
    let arguments = match value::bind(values) {
        Ok(arguments) => arguments,
        Err(error) => return futures_util::stream::once(async { Err(Failure::Values(error)) }).boxed(),
    };
    let keep = may_be_kept(&sql);
    let mut reader = RowReader::default();
    sqlx::query_with(AssertSqlSafe(sql), arguments)
        .persistent(keep)
        .fetch(connection)
        .map(move |row| Ok(reader.read(&row?)?))
        .boxed()
}

/// Runs a statement and gathers its rows.
pub(super) async fn fetch(connection: &mut SqliteConnection, sql: String, values: Values) -> Result<Vec<Row>, Failure> {
    stream(connection, sql, values).try_collect().await
}

/// Runs a statement and answers how many rows the last of its parts changed.
pub(super) async fn execute(connection: &mut SqliteConnection, statement: Statement) -> Result<u64, Failure> {
    let arguments = value::bind(statement.values).map_err(Failure::Values)?;
    let keep = may_be_kept(&statement.sql);
    let done = sqlx::query_with(AssertSqlSafe(statement.sql), arguments).persistent(keep).execute(connection).await?;
    Ok(done.rows_affected())
}

/// Runs a text of several statements that takes no values.
pub(super) async fn script(connection: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    let text = AssertSqlSafe(sql.to_owned());
    let mut results = sqlx::raw_sql(text).fetch_many(connection);
    while let Some(result) = results.try_next().await? {
        let (Either::Left(_) | Either::Right(_)) = result;
    }
    Ok(())
}
