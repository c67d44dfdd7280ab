//! How values are stored, and how stored ones are read.
//!
//! In tables of ours a text with the character NUL, which PostgreSQL cannot store, is written in another form: U+001A stands
//! before `0` for NUL and before `1` for itself. Equal texts stay equal, and others different.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use sea_query::{OptionEnum, Value, Values};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow, PgTypeKind, PgValueFormat, PgValueRef};
use sqlx::{Arguments, Column, Decode, Postgres, Row as _, TypeInfo, ValueRef};
use uuid::Uuid;

use crate::foundation::error::{Error, Result};
use crate::foundation::sql::{Row, SqlValue};

/// Whose tables a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tables {
    /// The product's: values are stored as they are.
    Product,
    /// Ours: no text is refused.
    Ours,
}

const ESCAPE: char = '\u{1a}';

fn escaped(text: String) -> String {
    if !text.contains(['\0', ESCAPE]) {
        return text;
    }
    text.replace(ESCAPE, "\u{1a}1").replace('\0', "\u{1a}0")
}

fn unescaped(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    text.replace("\u{1a}0", "\0").replace("\u{1a}1", "\u{1a}")
}

/// Binds values in the form they are stored in.
pub(super) fn bind(values: Values, tables: Tables) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        bind_one(&mut arguments, value, tables)?;
    }
    Ok(arguments)
}

fn bind_one(arguments: &mut PgArguments, value: Value, tables: Tables) -> Result<()> {
    let text = |value: Option<String>| match tables {
        Tables::Product => value,
        Tables::Ours => value.map(escaped),
    };
    let bound = match value {
        Value::Bool(value) => arguments.add(value),
        Value::TinyInt(value) => arguments.add(value.map(i16::from)),
        Value::SmallInt(value) => arguments.add(value),
        Value::Int(value) => arguments.add(value),
        Value::BigInt(value) => arguments.add(value),
        Value::TinyUnsigned(value) => arguments.add(value.map(i16::from)),
        Value::SmallUnsigned(value) => arguments.add(value.map(i32::from)),
        Value::Unsigned(value) => arguments.add(value.map(i64::from)),
        Value::BigUnsigned(value) => arguments.add(value.map(whole_number).transpose()?),
        Value::Float(value) => arguments.add(value),
        Value::Double(value) => arguments.add(value),
        Value::String(value) => arguments.add(text(value)),
        Value::Enum(OptionEnum::Some(value)) => arguments.add(text(Some(value.value.into_owned()))),
        Value::Enum(OptionEnum::None(_)) => arguments.add(None::<String>),
        Value::Char(value) => arguments.add(text(value.map(String::from))),
        Value::Bytes(value) => arguments.add(value),
        Value::Json(value) => arguments.add(value.map(|document| *document)),
        Value::ChronoDate(value) => arguments.add(value),
        Value::ChronoTime(value) => arguments.add(value),
        Value::ChronoDateTime(value) => arguments.add(value),
        Value::ChronoDateTimeUtc(value) => arguments.add(value),
        Value::ChronoDateTimeLocal(value) => arguments.add(value.map(|at| at.to_utc())),
        Value::ChronoDateTimeWithTimeZone(value) => arguments.add(value.map(|at| at.to_utc())),
        Value::Uuid(value) => arguments.add(value),
        #[allow(unreachable_patterns, reason = "other crates may switch on further kinds of values")]
        other => {
            return Err(Error::invalid(format!(
                "the value {other:?} cannot be bound: write it as text or JSON, and cast it in the statement"
            ))
            .with_code("sql-value"));
        }
    };
    bound.map_err(|error| Error::invalid("a value cannot be stored").with_code("sql-value").with_source(error))
}

fn whole_number(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| {
        Error::invalid(format!("{value} is larger than the largest whole number of PostgreSQL, {}", i64::MAX))
            .with_code("sql-value")
    })
}

/// Reads rows; rows of one result share their column names.
#[derive(Debug)]
pub(super) struct RowReader {
    columns: Option<Arc<[String]>>,
    tables: Tables,
}

impl RowReader {
    pub(super) fn new(tables: Tables) -> Self {
        Self { columns: None, tables }
    }

    /// Reads one row.
    pub(super) fn read(&mut self, row: &PgRow) -> Result<Row, sqlx::Error> {
        let columns = match &self.columns {
            Some(known) => known.clone(),
            None => {
                let fresh: Arc<[String]> = row.columns().iter().map(|column| column.name().to_owned()).collect();
                self.columns = Some(fresh.clone());
                fresh
            }
        };
        let values = (0..columns.len()).map(|index| self.read_one(row, index)).collect::<Result<_, _>>()?;
        Ok(Row::new(columns, values))
    }

    fn read_one(&self, row: &PgRow, index: usize) -> Result<SqlValue, sqlx::Error> {
        let value = row.try_get_raw(index)?;
        if value.is_null() {
            return Ok(SqlValue::Null);
        }
        let read = decode(value).map_err(|source| sqlx::Error::ColumnDecode { index: index.to_string(), source })?;
        Ok(match read {
            SqlValue::Text(text) if self.tables == Tables::Ours => SqlValue::Text(unescaped(text)),
            read => read,
        })
    }
}

fn decode(value: PgValueRef<'_>) -> Result<SqlValue, BoxDynError> {
    let of = value.type_info().into_owned();
    Ok(match of.name() {
        "BOOL" => SqlValue::Bool(<bool as Decode<Postgres>>::decode(value)?),
        "INT2" => SqlValue::Integer(<i16 as Decode<Postgres>>::decode(value)?.into()),
        "INT4" => SqlValue::Integer(<i32 as Decode<Postgres>>::decode(value)?.into()),
        "INT8" => SqlValue::Integer(<i64 as Decode<Postgres>>::decode(value)?),
        "OID" => SqlValue::Integer(<sqlx::postgres::types::Oid as Decode<Postgres>>::decode(value)?.0.into()),
        "FLOAT4" => SqlValue::Real(<f32 as Decode<Postgres>>::decode(value)?.into()),
        "FLOAT8" => SqlValue::Real(<f64 as Decode<Postgres>>::decode(value)?),
        "NUMERIC" => number(value.as_bytes()?)?,
        "BYTEA" => SqlValue::Bytes(<Vec<u8> as Decode<Postgres>>::decode(value)?),
        "UUID" => SqlValue::Uuid(<Uuid as Decode<Postgres>>::decode(value)?),
        "JSON" | "JSONB" => SqlValue::Json(<serde_json::Value as Decode<Postgres>>::decode(value)?),
        "TIMESTAMPTZ" => SqlValue::Timestamp(<DateTime<Utc> as Decode<Postgres>>::decode(value)?),
        "TIMESTAMP" => SqlValue::Timestamp(<NaiveDateTime as Decode<Postgres>>::decode(value)?.and_utc()),
        "DATE" => SqlValue::Text(<NaiveDate as Decode<Postgres>>::decode(value)?.to_string()),
        "TIME" => SqlValue::Text(<NaiveTime as Decode<Postgres>>::decode(value)?.format("%H:%M:%S%.6f").to_string()),
        "VOID" => SqlValue::Null,
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" | "CITEXT" | "\"CHAR\"" => SqlValue::Text(plain(&value)?),
        _ if matches!(of.kind(), PgTypeKind::Enum(_)) || value.format() == PgValueFormat::Text => {
            SqlValue::Text(plain(&value)?)
        }
        other => return Err(format!("a column of the type {other} is not read: cast it, as in `::text`").into()),
    })
}

fn plain(value: &PgValueRef<'_>) -> Result<String, BoxDynError> {
    Ok(std::str::from_utf8(value.as_bytes()?)?.to_owned())
}

/// Reads a NUMERIC in its binary form (`numeric_send` of the server's source): digits in base 10,000.
///
/// What is a whole number becomes one, such as the sum of a BIGINT column; anything else becomes text, without loss.
fn number(bytes: &[u8]) -> Result<SqlValue, BoxDynError> {
    let mut words = bytes.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let mut word = || words.next().ok_or("a NUMERIC ends early");
    let (count, weight, sign, scale) = (word()?, word()?, word()?, word()?);
    let digits: Vec<i16> = words.collect();
    let sign = match sign {
        0x0000 => "",
        0x4000 => "-",
        _ => return Ok(SqlValue::Text("NaN".to_owned())),
    };
    if digits.len() != usize::try_from(count)? {
        return Err("a NUMERIC has another number of digits than it says".into());
    }
    let digit = |place: i16| usize::try_from(i32::from(weight) - i32::from(place)).ok().and_then(|at| digits.get(at));
    let mut text = sign.to_owned();
    let mut whole = (0..=weight.max(0)).rev().map(|place| digit(place).copied().unwrap_or(0));
    text += &whole.next().unwrap_or(0).to_string();
    text.extend(whole.map(|digit| format!("{digit:04}")));
    if scale > 0 {
        let groups = (scale + 3) / 4;
        let fraction: String =
            (1..=groups).map(|place| format!("{:04}", digit(-place).copied().unwrap_or(0))).collect();
        text = format!("{text}.{}", &fraction[..usize::try_from(scale)?]);
    }
    Ok(text.parse().map_or(SqlValue::Text(text), SqlValue::Integer))
}

#[cfg(test)]
mod tests {
    use super::{SqlValue, escaped, number, unescaped};

    #[test]
    fn every_text_comes_back() {
        for text in ["", "plain", "\0", "\u{1a}", "a\0b\u{1a}0c\u{1a}\0\u{1a}1", "🦀\0🦀"] {
            let stored = escaped(text.to_owned());
            assert!(!stored.contains('\0'), "{stored:?}");
            assert_eq!(unescaped(stored), text);
        }
        assert_ne!(escaped("\0".to_owned()), escaped("\u{1a}0".to_owned()));
    }

    fn words(words: &[i16]) -> SqlValue {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        number(&bytes).unwrap()
    }

    #[test]
    fn numbers_are_read_without_loss() {
        assert_eq!(words(&[0, 0, 0, 0]), SqlValue::Integer(0));
        assert_eq!(words(&[2, 1, 0, 0, 12, 34]), SqlValue::Integer(120_034));
        assert_eq!(words(&[1, 1, 0x4000, 0, 3]), SqlValue::Integer(-30_000));
        assert_eq!(words(&[2, 0, 0, 2, 1, 5000]), SqlValue::Text("1.50".to_owned()));
        assert_eq!(words(&[1, -2, 0x4000, 8, 7]), SqlValue::Text("-0.00000007".to_owned()));
        assert_eq!(words(&[0, 0, -0x4000, 0]), SqlValue::Text("NaN".to_owned()));
    }
}
