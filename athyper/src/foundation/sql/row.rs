//! One row of a result.

use std::sync::Arc;

use super::{FromSqlValue, SqlValue};
use crate::foundation::error::{Error, Result};

/// One row of a result: values under their column names.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<SqlValue>,
}

impl Row {
    /// A row; one value a column.
    #[must_use]
    pub fn new(columns: Arc<[String]>, values: Vec<SqlValue>) -> Self {
        Self { columns, values }
    }

    /// The column names, in order.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The values, in the order of the columns.
    #[must_use]
    pub fn into_values(self) -> Vec<SqlValue> {
        self.values
    }

    /// Reads a column by name.
    ///
    /// # Errors
    /// `Internal` when there is no such column or its value is of another type.
    pub fn get<T: FromSqlValue>(&self, column: &str) -> Result<T> {
        let index = self.columns.iter().position(|name| name == column).ok_or_else(|| {
            Error::internal(format!("the row has no column `{column}`, only {}", self.columns.join(", ")))
                .with_code("sql-column")
        })?;
        self.at(index)
    }

    /// Reads a column by position, from 0.
    ///
    /// # Errors
    /// `Internal` when there is no such column or its value is of another type.
    pub fn at<T: FromSqlValue>(&self, index: usize) -> Result<T> {
        let value = self
            .values
            .get(index)
            .cloned()
            .ok_or_else(|| Error::internal(format!("the row has no column {index}")).with_code("sql-column"))?;
        T::from_sql_value(value).map_err(|error| match self.columns.get(index) {
            Some(name) => error.context(format_args!("column `{name}`")),
            None => error,
        })
    }
}

/// A type that is read from a [`Row`]; written by `#[derive(Row)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a row",
    note = "write `#[derive(Row)]` on `{Self}`"
)]
pub trait FromRow: Sized + Send {
    /// Reads the row.
    ///
    /// # Errors
    /// `Internal` when a column is missing or of another type.
    fn from_row(row: Row) -> Result<Self>;
}

impl FromRow for Row {
    fn from_row(row: Row) -> Result<Self> {
        Ok(row)
    }
}

macro_rules! from_row_tuple {
    ($($type:ident $index:tt),*) => {
        impl<$($type: FromSqlValue + Send),*> FromRow for ($($type,)*) {
            fn from_row(row: Row) -> Result<Self> {
                Ok(($(row.at::<$type>($index)?,)*))
            }
        }
    };
}

from_row_tuple!(A 0);
from_row_tuple!(A 0, B 1);
from_row_tuple!(A 0, B 1, C 2);
from_row_tuple!(A 0, B 1, C 2, D 3);
