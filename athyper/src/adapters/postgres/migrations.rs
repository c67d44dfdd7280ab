//! Brings a schema up to date.

use async_trait::async_trait;

use super::store::Store;
use super::transaction::PostgresTransaction;
use crate::adapters::sql::migrations::{self, Migrating, MigrationTransaction, quoted};
use crate::adapters::sql::operation::OpenTransaction;
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::{Error, Result};
use crate::foundation::sql::{AppliedMigration, Dialect, Isolation, MigrationSet, Statement};

/// Whoever migrates holds this lock until its transaction ends; the number is "athyper" in ASCII.
const TURN: &str = "SELECT pg_advisory_xact_lock(27431064803763570)";

#[async_trait]
impl Migrating for Store {
    type Transaction = PostgresTransaction;

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn begin_migration(&self) -> Result<PostgresTransaction> {
        let mut transaction = PostgresTransaction::begin(&self.pool, Isolation::ReadCommitted).await?;
        transaction.fetch_rows(Statement::text(TURN)).await?;
        Ok(transaction)
    }
}

/// The number of the transaction, which another one that took its place does not have.
const NUMBER: &str = "SELECT pg_current_xact_id()::text";

async fn number(transaction: &mut PostgresTransaction) -> Result<String> {
    let row = transaction.fetch_rows(Statement::text(NUMBER)).await?.into_iter().next();
    row.map_or_else(|| Err(Error::internal("a transaction has no number")), |row| row.at(0))
}

#[async_trait]
impl MigrationTransaction for PostgresTransaction {
    async fn run_script(&mut self, sql: &str) -> Result<bool> {
        let before = number(self).await?;
        self.script(sql).await?;
        Ok(number(self).await? == before)
    }

    async fn finish(self) -> Result<()> {
        Self::finish(self).await
    }

    async fn undo(self) {
        Self::undo(self).await;
    }
}

/// Applies what is missing and answers what it applied.
pub(super) async fn migrate(store: &Store, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
    store.open().await?;
    migrations::migrate(store, &*store.clock, set).await
}

/// What was applied, in order.
pub(super) async fn applied(store: &Store, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
    store.open().await?;
    let exists = Statement::text("SELECT 1 WHERE to_regclass($1) IS NOT NULL").bind(quoted(set.table));
    if store.read(exists).await?.is_empty() {
        return Ok(Vec::new());
    }
    store.read(Statement::text(migrations::select(set.table))).await?.into_iter().map(migrations::read).collect()
}
