//! How values are stored, and how stored ones are read.
//!
//! | value | stored as |
//! | --- | --- |
//! | truth value | 0 or 1 |
//! | instant | text in UTC, RFC 3339, always six decimals: `2026-03-28T22:59:00.000000Z`; sorts as it compares |
//! | date, time and instant without a zone | text: `2026-03-28`, `22:59:00.000000`, `2026-03-28T22:59:00.000000` |
//! | UUID | text, lower case, with hyphens |
//! | JSON | text |

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use sea_query::{OptionEnum, Value, Values};
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteRow, SqliteValueRef};
use sqlx::{Arguments, Column, Decode, Row as _, Sqlite, TypeInfo, ValueRef};

use crate::foundation::error::{Error, Result};
use crate::foundation::sql::{Row, SqlValue};

/// Binds values in the form they are stored in.
pub(super) fn bind(values: Values) -> Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        bind_one(&mut arguments, value)?;
    }
    Ok(arguments)
}

fn bind_one(arguments: &mut SqliteArguments, value: Value) -> Result<()> {
    let bound = match value {
        Value::Bool(value) => arguments.add(value),
        Value::TinyInt(value) => arguments.add(value),
        Value::SmallInt(value) => arguments.add(value),
        Value::Int(value) => arguments.add(value),
        Value::BigInt(value) => arguments.add(value),
        Value::TinyUnsigned(value) => arguments.add(value),
        Value::SmallUnsigned(value) => arguments.add(value),
        Value::Unsigned(value) => arguments.add(value),
        Value::BigUnsigned(value) => arguments.add(value.map(whole_number).transpose()?),
        Value::Float(value) => arguments.add(value.map(f64::from).map(number).transpose()?),
        Value::Double(value) => arguments.add(value.map(number).transpose()?),
        Value::String(value) => arguments.add(value),
        Value::Enum(OptionEnum::Some(value)) => arguments.add(value.value.into_owned()),
        Value::Enum(OptionEnum::None(_)) => arguments.add(None::<String>),
        Value::Char(value) => arguments.add(value.map(String::from)),
        Value::Bytes(value) => arguments.add(value),
        Value::Json(value) => arguments.add(value.map(|document| document.to_string())),
        Value::ChronoDate(value) => arguments.add(value.map(date).transpose()?),
        Value::ChronoTime(value) => arguments.add(value.map(|time| time.format("%H:%M:%S%.6f").to_string())),
        Value::ChronoDateTime(value) => arguments.add(value.map(local_instant).transpose()?),
        Value::ChronoDateTimeUtc(value) => arguments.add(value.map(instant).transpose()?),
        Value::ChronoDateTimeLocal(value) => arguments.add(value.map(|at| instant(at.to_utc())).transpose()?),
        Value::ChronoDateTimeWithTimeZone(value) => arguments.add(value.map(|at| instant(at.to_utc())).transpose()?),
        Value::Uuid(value) => arguments.add(value.map(|id| id.hyphenated().to_string())),
        #[allow(unreachable_patterns, reason = "other crates may switch on further kinds of values")]
        other => {
            return Err(Error::invalid(format!("SQLite has no place for the value {other:?}")).with_code("sql-value"));
        }
    };
    bound.map_err(|error| Error::invalid("a value cannot be stored").with_code("sql-value").with_source(error))
}

fn whole_number(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| {
        Error::invalid(format!("{value} is larger than the largest whole number of SQLite, {}", i64::MAX))
            .with_code("sql-value")
    })
}

/// SQLite turns what is not a number into NULL without a word.
fn number(value: f64) -> Result<f64> {
    if value.is_nan() {
        return Err(Error::invalid("SQLite cannot store NaN").with_code("sql-value"));
    }
    Ok(value)
}

fn in_four_digits(year: i32) -> Result<()> {
    if (0..=9999).contains(&year) {
        return Ok(());
    }
    Err(Error::invalid(format!("the year {year} cannot be stored: SQLite's go from 0 to 9999")).with_code("sql-value"))
}

fn date(value: NaiveDate) -> Result<String> {
    in_four_digits(value.year())?;
    Ok(value.format("%Y-%m-%d").to_string())
}

fn local_instant(value: NaiveDateTime) -> Result<String> {
    in_four_digits(value.year())?;
    Ok(value.format("%Y-%m-%dT%H:%M:%S%.6f").to_string())
}

fn instant(value: DateTime<Utc>) -> Result<String> {
    local_instant(value.naive_utc()).map(|text| text + "Z")
}

/// Reads rows; rows of one result share their column names.
#[derive(Debug, Default)]
pub(super) struct RowReader {
    columns: Option<Arc<[String]>>,
}

impl RowReader {
    /// Reads one row.
    pub(super) fn read(&mut self, row: &SqliteRow) -> Result<Row, sqlx::Error> {
        let names = row.columns();
        let columns = match &self.columns {
            Some(known) if known.iter().map(String::as_str).eq(names.iter().map(Column::name)) => known.clone(),
            _ => {
                let fresh: Arc<[String]> = names.iter().map(|column| column.name().to_owned()).collect();
                self.columns = Some(fresh.clone());
                fresh
            }
        };
        let values = (0..names.len()).map(|index| read_one(row, index)).collect::<Result<_, _>>()?;
        Ok(Row::new(columns, values))
    }
}

fn read_one(row: &SqliteRow, index: usize) -> Result<SqlValue, sqlx::Error> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(SqlValue::Null);
    }
    let read: fn(SqliteValueRef<'_>) -> Result<SqlValue, BoxDynError> = match value.type_info().name() {
        "INTEGER" => |value| <i64 as Decode<Sqlite>>::decode(value).map(SqlValue::Integer),
        "REAL" => |value| <f64 as Decode<Sqlite>>::decode(value).map(SqlValue::Real),
        "BLOB" => |value| <Vec<u8> as Decode<Sqlite>>::decode(value).map(SqlValue::Bytes),
        _ => |value| <String as Decode<Sqlite>>::decode(value).map(SqlValue::Text),
    };
    read(value).map_err(|source| sqlx::Error::ColumnDecode { index: index.to_string(), source })
}
