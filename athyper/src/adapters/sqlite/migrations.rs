//! Brings a schema up to date.
//!
//! Each migration runs in a transaction that holds the write lock and looks at the table again first, so that processes
//! that start together take turns and none applies one twice.

use sha2::{Digest, Sha256};

use super::store::Store;
use super::transaction::SqliteTransaction;
use crate::foundation::clock::to_microseconds;
use crate::foundation::error::{Error, Result};
use crate::foundation::sql::{AppliedMigration, Migration, MigrationSet, Row, Statement};

/// Applies what is missing and answers what it applied.
pub(super) async fn migrate(store: &Store, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
    check_numbers(set)?;
    store.open().await?;
    let mut done = Vec::new();
    loop {
        let mut transaction = store.writer.begin().await?;
        transaction.change(Statement::text(create_table(set.table))).await?;
        let applied = transaction.fetch_rows(Statement::text(select(set.table))).await?;
        let applied = applied.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        check_applied(set, &applied)?;
        let Some(next) = set.migrations.get(applied.len()) else {
            transaction.undo().await;
            return Ok(done);
        };
        done.push(apply(store, transaction, set.table, next).await?);
    }
}

/// What was applied, in order.
pub(super) async fn applied(store: &Store, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
    let exists = Statement::text("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").bind(set.table);
    if store.read(exists).await?.is_empty() {
        return Ok(Vec::new());
    }
    store.read(Statement::text(select(set.table))).await?.into_iter().map(read).collect()
}

async fn apply(
    store: &Store,
    mut transaction: SqliteTransaction,
    table: &str,
    migration: &Migration,
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
        applied_at: to_microseconds(store.clock.now()),
    };
    let insert = format!("INSERT INTO {} (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)", quoted(table));
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

fn quoted(table: &str) -> String {
    format!("\"{}\"", table.replace('"', "\"\""))
}

fn create_table(table: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, \
         applied_at TEXT NOT NULL)",
        quoted(table)
    )
}

fn select(table: &str) -> String {
    format!("SELECT version, name, checksum, applied_at FROM {} ORDER BY version", quoted(table))
}

fn read(row: Row) -> Result<AppliedMigration> {
    Ok(AppliedMigration {
        version: row.get("version")?,
        name: row.get("name")?,
        checksum: row.get("checksum")?,
        applied_at: row.get("applied_at")?,
    })
}
