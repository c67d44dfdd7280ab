//! One value of a row, and how Rust types read it.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use uuid::Uuid;

use crate::foundation::error::{Error, Result};

/// One value of a row, as the database gave it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SqlValue {
    /// SQL's NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// An instant in UTC.
    Timestamp(DateTime<Utc>),
    /// A UUID.
    Uuid(Uuid),
    /// A JSON document.
    Json(serde_json::Value),
}

impl SqlValue {
    /// What it is, for messages.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "a truth value",
            Self::Integer(_) => "a whole number",
            Self::Real(_) => "a floating-point number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Timestamp(_) => "an instant",
            Self::Uuid(_) => "a UUID",
            Self::Json(_) => "JSON",
        }
    }
}

/// A Rust type that can be read from a [`SqlValue`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a column",
    note = "columns are read as numbers, `bool`, `String`, `Vec<u8>`, `DateTime<Utc>`, `NaiveDate`, `NaiveTime`, `NaiveDateTime`, `Uuid`, `serde_json::Value`, or an `Option` of one; implement `FromSqlValue` for your own type"
)]
pub trait FromSqlValue: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// `Internal` when the value is of another type or does not fit.
    fn from_sql_value(value: SqlValue) -> Result<Self>;
}

fn mismatch(expected: &str, value: &SqlValue) -> Error {
    Error::internal(format!("expected {expected}, the database gave {}", value.type_name())).with_code("sql-type")
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl FromSqlValue for $type {
            fn from_sql_value(value: SqlValue) -> Result<Self> {
                match value {
                    SqlValue::Integer(number) => Self::try_from(number).map_err(|_| {
                        Error::internal(format!("{number} does not fit {}", stringify!($type))).with_code("sql-type")
                    }),
                    other => Err(mismatch("a whole number", &other)),
                }
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64, usize, isize);

impl FromSqlValue for SqlValue {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        Ok(value)
    }
}

impl FromSqlValue for bool {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Bool(truth) => Ok(truth),
            // SQLite has no truth values: they are 0 and 1.
            SqlValue::Integer(0) => Ok(false),
            SqlValue::Integer(1) => Ok(true),
            other => Err(mismatch("a truth value", &other)),
        }
    }
}

impl FromSqlValue for f64 {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Real(number) => Ok(number),
            #[allow(clippy::cast_precision_loss, reason = "a whole number stored in a floating-point column")]
            SqlValue::Integer(number) => Ok(number as Self),
            other => Err(mismatch("a number", &other)),
        }
    }
}

impl FromSqlValue for String {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Text(text) => Ok(text),
            other => Err(mismatch("text", &other)),
        }
    }
}

impl FromSqlValue for Vec<u8> {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Bytes(bytes) => Ok(bytes),
            SqlValue::Text(text) => Ok(text.into_bytes()),
            other => Err(mismatch("bytes", &other)),
        }
    }
}

/// Reads text in one of several forms.
fn parse<T>(text: &str, what: &str, forms: &[&str], read: fn(&str, &str) -> chrono::ParseResult<T>) -> Result<T> {
    forms.iter().find_map(|form| read(text, form).ok()).ok_or_else(|| {
        Error::internal(format!("expected {what}, the database gave the text `{text}`")).with_code("sql-type")
    })
}

impl FromSqlValue for DateTime<Utc> {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Timestamp(instant) => Ok(instant),
            // SQLite keeps instants as text. Its own `CURRENT_TIMESTAMP` is UTC and does not say so.
            SqlValue::Text(text) => DateTime::parse_from_rfc3339(&text).map(|instant| instant.to_utc()).or_else(|_| {
                parse(&text, "an instant", LOCAL_INSTANTS, NaiveDateTime::parse_from_str).map(|at| at.and_utc())
            }),
            other => Err(mismatch("an instant", &other)),
        }
    }
}

const LOCAL_INSTANTS: &[&str] = &["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];

impl FromSqlValue for NaiveDateTime {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Timestamp(instant) => Ok(instant.naive_utc()),
            SqlValue::Text(text) => parse(&text, "a date and a time", LOCAL_INSTANTS, Self::parse_from_str),
            other => Err(mismatch("a date and a time", &other)),
        }
    }
}

impl FromSqlValue for NaiveDate {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Text(text) => parse(&text, "a date", &["%Y-%m-%d"], Self::parse_from_str),
            other => Err(mismatch("a date", &other)),
        }
    }
}

impl FromSqlValue for NaiveTime {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Text(text) => parse(&text, "a time of day", &["%H:%M:%S%.f", "%H:%M"], Self::parse_from_str),
            other => Err(mismatch("a time of day", &other)),
        }
    }
}

impl FromSqlValue for Uuid {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        let parsed = match &value {
            SqlValue::Uuid(id) => Some(*id),
            SqlValue::Bytes(bytes) => Self::from_slice(bytes).ok(),
            SqlValue::Text(text) => Self::parse_str(text).ok(),
            _ => None,
        };
        parsed.ok_or_else(|| mismatch("a UUID", &value))
    }
}

impl FromSqlValue for serde_json::Value {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Json(document) => Ok(document),
            SqlValue::Text(text) => Ok(serde_json::from_str(&text)?),
            other => Err(mismatch("JSON", &other)),
        }
    }
}

impl<T: FromSqlValue> FromSqlValue for Option<T> {
    fn from_sql_value(value: SqlValue) -> Result<Self> {
        match value {
            SqlValue::Null => Ok(None),
            other => T::from_sql_value(other).map(Some),
        }
    }
}
