//! The port of relational databases.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::TryStreamExt;

use super::connection;
use super::error::Fault;
use super::migrations;
use super::store::Store;
use super::transaction::counted;
use crate::adapters::sql::keyword::{StatementKind, refuse_control};
use crate::adapters::sql::operation::OpenTransaction;
use crate::adapters::sql::rows::{Rows, read_ahead};
use crate::foundation::error::{Error, Result};
use crate::foundation::sql::{AppliedMigration, Database, Dialect, Isolation, MigrationSet, Row, Statement, Tx};

/// A SQLite database: what stands behind [`Db`](crate::sql::Db) for URLs that begin with `sqlite:`.
#[derive(Debug, Clone)]
pub struct SqliteDatabase {
    store: Arc<Store>,
}

impl SqliteDatabase {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// The file it lies in.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.store.settings.file
    }

    /// Writes a copy of the whole database, as it stands at this moment, to a file that does not exist yet.
    ///
    /// # Errors
    /// `Internal` when the file exists already, `Unavailable` when the disk is full.
    pub async fn back_up(&self, to: &Path) -> Result<()> {
        let target =
            to.to_str().ok_or_else(|| Error::invalid(format!("the path `{}` is not UTF-8", to.display())))?.to_owned();
        self.store.open().await?;
        let statement = Statement::text("VACUUM INTO ?").bind(target);
        self.store.writer.maintain(statement).await?;
        Ok(())
    }

    /// Reads the whole file and answers what is wrong with it; nothing when it is sound.
    ///
    /// # Errors
    /// What reading reports.
    pub async fn check_integrity(&self) -> Result<Vec<String>> {
        let rows = self.store.read(Statement::text("PRAGMA integrity_check")).await?;
        let lines = rows.iter().map(|row| row.at::<String>(0)).collect::<Result<Vec<_>>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    async fn fetch_writing(&self, statement: Statement) -> Result<Vec<Row>> {
        let mut transaction = self.store.writer.begin().await?;
        let rows = transaction.fetch_rows(statement).await?;
        transaction.finish().await?;
        Ok(rows)
    }

    async fn stream_into(&self, statement: Statement, rows: &Rows) -> Result<()> {
        refuse_control(&statement.sql)?;
        self.store.open().await?;
        if let StatementKind::Reads | StatementKind::MayChange = StatementKind::of(&statement.sql) {
            let mut reader = self.store.readers.take().await?;
            let mut found = connection::stream(&mut reader, statement.sql.clone(), statement.values.clone());
            loop {
                match found.try_next().await {
                    Ok(Some(row)) => {
                        if !rows.send(row).await {
                            return Ok(());
                        }
                    }
                    Ok(None) => return Ok(()),
                    Err(failure) if failure.fault() == Some(Fault::ReadOnly) => break,
                    Err(failure) => {
                        drop(found);
                        if let Some(fault) = failure.fault() {
                            reader.give_up_after(fault);
                        }
                        return Err(failure.into_error(&self.store.settings.file));
                    }
                }
            }
        }
        // A statement that writes is done and committed before its rows are looked at, so that a slow consumer holds up
        // no other writer.
        for row in self.fetch(statement).await? {
            if !rows.send(row).await {
                break;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Database for SqliteDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn fetch(&self, statement: Statement) -> Result<Vec<Row>> {
        refuse_control(&statement.sql)?;
        self.store.open().await?;
        match StatementKind::of(&statement.sql) {
            StatementKind::Reads => self.store.read(statement).await,
            StatementKind::MayChange => match self.store.try_read(statement.clone()).await? {
                Ok(rows) => Ok(rows),
                Err(failure) if failure.fault() == Some(Fault::ReadOnly) => self.fetch_writing(statement).await,
                Err(failure) => Err(failure.into_error(self.file())),
            },
            StatementKind::Maintains => self.store.writer.maintain(statement).await,
            StatementKind::Changes | StatementKind::Defines | StatementKind::Controls => {
                self.fetch_writing(statement).await
            }
        }
    }

    /// A task reads ahead of the consumer on a reader of its own, and ends when the stream is dropped.
    fn stream(&self, statement: Statement) -> BoxStream<'static, Result<Row>> {
        let database = self.clone();
        read_ahead(move |rows| async move { database.stream_into(statement, &rows).await })
    }

    async fn execute(&self, statement: Statement) -> Result<u64> {
        refuse_control(&statement.sql)?;
        self.store.open().await?;
        let kind = StatementKind::of(&statement.sql);
        if kind == StatementKind::Maintains {
            self.store.writer.maintain(statement).await?;
            return Ok(0);
        }
        let mut transaction = self.store.writer.begin().await?;
        let changed = transaction.change(statement).await?;
        transaction.finish().await?;
        Ok(counted(kind, changed))
    }

    /// Transactions of SQLite run one after another whatever the isolation.
    async fn begin(&self, _: Isolation) -> Result<Tx> {
        self.store.open().await?;
        Ok(Tx::new(Box::new(self.store.writer.begin().await?)))
    }

    async fn migrate(&self, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
        migrations::migrate(&self.store, set).await
    }

    async fn applied(&self, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
        migrations::applied(&self.store, set).await
    }

    async fn ping(&self) -> Result<()> {
        self.store.read(Statement::text("SELECT count(1) FROM sqlite_schema")).await.map(drop)
    }

    async fn close(&self) {
        self.store.close().await;
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
