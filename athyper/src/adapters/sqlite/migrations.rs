//! Brings a schema up to date.

use async_trait::async_trait;

use super::store::Store;
use super::transaction::SqliteTransaction;
use crate::adapters::sql::migrations::{self, Migrating, MigrationTransaction};
use crate::foundation::error::Result;
use crate::foundation::sql::{AppliedMigration, Dialect, MigrationSet, Statement};

#[async_trait]
impl Migrating for Store {
    type Transaction = SqliteTransaction;

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    /// The transaction holds the write lock.
    async fn begin_migration(&self) -> Result<SqliteTransaction> {
        self.writer.begin().await
    }
}

#[async_trait]
impl MigrationTransaction for SqliteTransaction {
    async fn run_script(&mut self, sql: &str) -> Result<bool> {
        self.script(sql).await
    }

    async fn finish(self) -> Result<()> {
        SqliteTransaction::finish(self).await
    }

    async fn undo(self) {
        SqliteTransaction::undo(self).await;
    }
}

/// Applies what is missing and answers what it applied.
pub(super) async fn migrate(store: &Store, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
    store.open().await?;
    migrations::migrate(store, &*store.clock, set).await
}

/// What was applied, in order.
pub(super) async fn applied(store: &Store, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
    let exists = Statement::text("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").bind(set.table);
    if store.read(exists).await?.is_empty() {
        return Ok(Vec::new());
    }
    store.read(Statement::text(migrations::select(set.table))).await?.into_iter().map(migrations::read).collect()
}
