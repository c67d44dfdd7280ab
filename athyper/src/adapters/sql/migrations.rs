//! Brings a schema up to date: migrations are numbered without a gap, never changed once applied, and kept in one table an owner.
//!
//! Each runs in a transaction that keeps all other processes from migrating and looks at the table again first, so that processes
//! that start together take turns and none applies one twice.

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::operation::OpenTransaction;
use crate::foundation::clock::{Clock, Timestamp, to_microseconds};
use crate::foundation::error::{Error, Result};
use crate::foundation::sql::{AppliedMigration, Dialect, Migration, MigrationSet, Row, Statement};

/// A transaction in which a migration runs; dropping it rolls it back.
#[async_trait]
pub(in crate::adapters) trait MigrationTransaction: OpenTransaction + Sized {
    /// Runs a text of several statements, which may try to end the transaction, and answers whether it is still open.
    async fn run_script(&mut self, sql: &str) -> Result<bool>;

    /// Commits.
    async fn finish(self) -> Result<()>;

    /// Rolls back.
    async fn undo(self);
}

/// A database that can be migrated.
#[async_trait]
pub(in crate::adapters) trait Migrating: Send + Sync {
    /// Its transactions.
    type Transaction: MigrationTransaction;

    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// Begins a transaction that keeps all other processes from migrating.
    async fn begin_migration(&self) -> Result<Self::Transaction>;
}

/// Applies what is missing and answers what it applied.
pub(in crate::adapters) async fn migrate<M: Migrating>(
    database: &M,
    clock: &dyn Clock,
    set: &MigrationSet,
) -> Result<Vec<AppliedMigration>> {
    check_numbers(set)?;
    let mut done = Vec::new();
    loop {
        let mut transaction = database.begin_migration().await?;
        transaction.change(Statement::text(create_table(database.dialect(), set.table))).await?;
        let applied = transaction.fetch_rows(Statement::text(select(set.table))).await?;
        let applied = applied.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        check_applied(set, &applied)?;
        let Some(next) = set.migrations.get(applied.len()) else {
            transaction.undo().await;
            return Ok(done);
        };
        done.push(apply(transaction, set.table, next, clock.now()).await?);
    }
}

async fn apply<T: MigrationTransaction>(
    mut transaction: T,
    table: &str,
    migration: &Migration,
    now: Timestamp,
) -> Result<AppliedMigration> {
    let failed = |error: Error| {
        Error::configuration(format!(
            "migration {} `{}` of the table `{table}` failed and was rolled back",
            migration.version, migration.name
        ))
        .with_code("sql-migration-failed")
        .with_source(error)
    };
    let open = transaction.run_script(migration.sql).await;
    let open = open.map_err(|error| if error.kind().is_transient() { error } else { failed(error) })?;
    if !open {
        return Err(Error::configuration(format!(
            "migration {} `{}` of the table `{table}` ends the transaction it runs in, and part of it may have been \
             applied: remove COMMIT, ROLLBACK and the like from its text and mend the schema by hand",
            migration.version, migration.name
        ))
        .with_code("sql-migration-transaction"));
    }
    let record = AppliedMigration {
        version: migration.version,
        name: migration.name.to_owned(),
        checksum: checksum(migration.sql),
        applied_at: to_microseconds(now),
    };
    let insert = format!("INSERT INTO {} (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)", quoted(table));
    let insert = Statement::text(insert)
        .bind(record.version)
        .bind(record.name.clone())
        .bind(record.checksum.clone())
        .bind(record.applied_at);
    transaction.change(insert).await?;
    transaction.finish().await?;
    Ok(record)
}

fn check_numbers(set: &MigrationSet) -> Result<()> {
    for (expected, migration) in (1_i64..).zip(&set.migrations) {
        if migration.version != expected {
            return Err(Error::configuration(format!(
                "the migrations for the table `{}` are not numbered 1, 2, 3, …: migration `{}` stands at place {expected} \
                 and has number {}",
                set.table, migration.name, migration.version
            ))
            .with_code("sql-migration-gap"));
        }
    }
    Ok(())
}

fn check_applied(set: &MigrationSet, applied: &[AppliedMigration]) -> Result<()> {
    for (expected, record) in (1_i64..).zip(applied) {
        if record.version != expected {
            return Err(Error::configuration(format!(
                "the table `{}` holds migration {} and lacks {expected}: somebody has changed it by hand",
                set.table, record.version
            ))
            .with_code("sql-migration-gap"));
        }
        let known = usize::try_from(expected - 1).ok().and_then(|index| set.migrations.get(index));
        let Some(known) = known else {
            return Err(Error::configuration(format!(
                "migration {expected} `{}` was applied to this database and this program does not know it: run the \
                 program's newer version, or restore a database from before",
                record.name
            ))
            .with_code("sql-migration-unknown"));
        };
        if checksum(known.sql) != record.checksum {
            return Err(Error::configuration(format!(
                "migration {expected} `{}` was changed after it had been applied on {}: put its text back as it was and \
                 write the change as a new migration",
                known.name,
                record.applied_at.format("%Y-%m-%d")
            ))
            .with_code("sql-migration-changed"));
        }
    }
    Ok(())
}

/// Line ends do not count: a checkout on another system may have other ones.
fn checksum(sql: &str) -> String {
    let digest = Sha256::digest(sql.replace("\r\n", "\n").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name as it stands in a statement.
pub(in crate::adapters) fn quoted(table: &str) -> String {
    format!("\"{}\"", table.replace('"', "\"\""))
}

fn create_table(dialect: Dialect, table: &str) -> String {
    let (number, instant) = match dialect {
        Dialect::Sqlite => ("INTEGER", "TEXT"),
        Dialect::Postgres => ("BIGINT", "TIMESTAMPTZ"),
    };
    format!(
        "CREATE TABLE IF NOT EXISTS {} (version {number} PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, \
         applied_at {instant} NOT NULL)",
        quoted(table)
    )
}

pub(in crate::adapters) fn select(table: &str) -> String {
    format!("SELECT version, name, checksum, applied_at FROM {} ORDER BY version", quoted(table))
}

pub(in crate::adapters) fn read(row: Row) -> Result<AppliedMigration> {
    Ok(AppliedMigration {
        version: row.get("version")?,
        name: row.get("name")?,
        checksum: row.get("checksum")?,
        applied_at: row.get("applied_at")?,
    })
}
