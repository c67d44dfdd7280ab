//! Running statements on one connection.

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use sea_query::Values;
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow};
use sqlx::{AssertSqlSafe, Either, Executor, PgConnection};

use super::error::Fault;
use super::value::{self, RowReader, Tables};
use crate::foundation::error::{Error, Result};
use crate::foundation::sql::{Row, Statement};

/// The longest text that is kept prepared on its connection.
const LONGEST_KEPT: usize = 4_096;

/// A statement that failed: before it reached the database, or there.
#[derive(Debug)]
pub(super) enum Failure {
    /// A value cannot be bound, or the statement may not run.
    Refused(Error),
    /// What the driver reported.
    Driver(sqlx::Error),
}

impl Failure {
    pub(super) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Refused(_) => None,
            Self::Driver(error) => Some(Fault::of(error)),
        }
    }

    pub(super) fn into_error(self, place: &str) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Driver(error) => Fault::of(&error).into_error(error, place),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

/// How statements are run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Whose tables they are about.
    pub(super) tables: Tables,
    /// Whether they may be kept prepared.
    pub(super) prepares: bool,
}

type Results<'c> = BoxStream<'c, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>;

fn run<'c>(connection: &'c mut PgConnection, sql: String, arguments: PgArguments, manner: Manner) -> Results<'c> {
    let keep = manner.prepares && sql.len() <= LONGEST_KEPT;
    connection.fetch_many(sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(keep))
}

/// Runs a statement row by row.
pub(super) fn stream(
    connection: &mut PgConnection,
    sql: String,
    values: Values,
    manner: Manner,
) -> BoxStream<'_, Result<Row, Failure>> {
    let arguments = match value::bind(values, manner.tables) {
        Ok(arguments) => arguments,
        Err(error) => return futures_util::stream::once(async { Err(Failure::Refused(error)) }).boxed(),
    };
    let mut reader = RowReader::new(manner.tables);
    run(connection, sql, arguments, manner)
        .map_err(Failure::from)
        .try_filter_map(move |result| {
            let row = result.right().map(|row| reader.read(&row)).transpose();
            async move { Ok(row?) }
        })
        .boxed()
}

/// Runs a statement and gathers its rows.
pub(super) async fn fetch(
    connection: &mut PgConnection,
    statement: Statement,
    manner: Manner,
) -> Result<Vec<Row>, Failure> {
    stream(connection, statement.sql, statement.values, manner).try_collect().await
}

/// Runs a statement and answers how many rows it changed.
pub(super) async fn execute(
    connection: &mut PgConnection,
    statement: Statement,
    manner: Manner,
) -> Result<u64, Failure> {
    let arguments = value::bind(statement.values, manner.tables).map_err(Failure::Refused)?;
    let mut results = run(connection, statement.sql, arguments, manner);
    let mut changed = 0;
    while let Some(result) = results.try_next().await? {
        changed += result.left().map_or(0, |end| end.rows_affected());
    }
    Ok(changed)
}

/// Runs a text of several statements that takes no values.
pub(super) async fn script(connection: &mut PgConnection, sql: &str) -> Result<(), Failure> {
    let mut results = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_many(connection);
    while results.try_next().await?.is_some() {}
    Ok(())
}
