//! Opening connections, and running statements on one.

use std::path::Path;
use std::time::Duration;

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use sea_query::Values;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteQueryResult, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Either, Executor, SqliteConnection};

use super::error::Fault;
use super::options::{Options, Synchronous};
use super::value::{self, RowReader};
use crate::adapters::sql::keyword;
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

/// Makes SQLite look whether the schema has changed before it compiles the statement behind it.
///
/// The driver takes the columns of a result from the moment of compiling. If SQLite notices only while running that another
/// connection has added a column, the driver reads past them and its thread ends.
const LOOK_AT_SCHEMA: &str = "SELECT 1 FROM sqlite_schema LIMIT 0; ";

/// The text of a statement as it is handed to the driver.
struct Text {
    sql: String,
    keep: bool,
    /// How many statements of it report their end at least; fewer mean that the driver's thread has gone.
    ends: u32,
}

impl Text {
    fn new(sql: String) -> Self {
        let own = u32::from(!keyword::is_blank(&sql));
        if sql.contains('*') {
            Self { sql: format!("{LOOK_AT_SCHEMA}{sql}"), keep: false, ends: own + 1 }
        } else {
            Self { sql, keep: true, ends: own }
        }
    }

    fn run<'c>(self, connection: &'c mut SqliteConnection, arguments: SqliteArguments) -> Results<'c> {
        connection.fetch_many(sqlx::query_with(AssertSqlSafe(self.sql), arguments).persistent(self.keep))
    }
}

type Results<'c> = BoxStream<'c, Result<Either<SqliteQueryResult, SqliteRow>, sqlx::Error>>;

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
    let text = Text::new(sql);
    let ends = text.ends;
    let state = (text.run(connection, arguments), RowReader::default(), ends);
    futures_util::stream::try_unfold(state, |(mut results, mut reader, mut ends_to_come)| async move {
        loop {
            match results.try_next().await? {
                Some(Either::Left(_)) => ends_to_come = u32::saturating_sub(ends_to_come, 1),
                Some(Either::Right(row)) => {
                    let row = reader.read(&row)?;
                    return Ok(Some((row, (results, reader, ends_to_come))));
                }
                // When its thread ends the driver's stream does too, as if there were no more rows.
                None if ends_to_come > 0 => return Err(sqlx::Error::WorkerCrashed.into()),
                None => return Ok(None),
            }
        }
    })
    .boxed()
}

/// Runs a statement and gathers its rows.
pub(super) async fn fetch(connection: &mut SqliteConnection, sql: String, values: Values) -> Result<Vec<Row>, Failure> {
    stream(connection, sql, values).try_collect().await
}

/// Runs a statement and answers how many rows its parts changed.
pub(super) async fn execute(connection: &mut SqliteConnection, statement: Statement) -> Result<u64, Failure> {
    let arguments = value::bind(statement.values).map_err(Failure::Values)?;
    let text = Text::new(statement.sql);
    let ends = text.ends;
    run(text.run(connection, arguments), ends).await
}

/// Runs a text of several statements that takes no values.
pub(super) async fn script(connection: &mut SqliteConnection, sql: &str) -> Result<(), Failure> {
    let results = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_many(connection);
    run(results, u32::from(!keyword::is_blank(sql))).await.map(drop)
}

async fn run(mut results: Results<'_>, expected_ends: u32) -> Result<u64, Failure> {
    let (mut changed, mut ends) = (0, 0);
    while let Some(result) = results.try_next().await? {
        if let Either::Left(end) = result {
            changed += end.rows_affected();
            ends += 1;
        }
    }
    if ends < expected_ends {
        return Err(sqlx::Error::WorkerCrashed.into());
    }
    Ok(changed)
}
