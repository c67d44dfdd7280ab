//! Typed SQL: statements built with `sea-query`, rows read into structs, transactions, migrations.

mod database;
mod db;
mod migration;
mod row;
mod transaction;
mod value;

pub use database::{Database, Dialect, Isolation, Statement, ToStatement};
pub use db::Db;
pub use migration::{AppliedMigration, Migration, MigrationSet};
pub use row::{FromRow, Row};
pub use transaction::{Transaction, Tx};
pub use value::{FromSqlValue, SqlValue};
