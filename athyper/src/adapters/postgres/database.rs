//! The port of relational databases.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::TryStreamExt;

use super::connection;
use super::migrations;
use super::single::Single;
use super::store::Store;
use super::transaction::{PostgresTransaction, counted};
use super::value::Tables;
use crate::adapters::sql::keyword::{StatementKind, refuse_control};
use crate::adapters::sql::operation::OpenTransaction;
use crate::adapters::sql::rows::{Rows, read_ahead};
use crate::foundation::error::Result;
use crate::foundation::sql::{
    AppliedMigration, Database, Dialect, Isolation, MigrationSet, Row, Statement, Transaction, Tx,
};

/// A PostgreSQL database: what stands behind [`Db`](crate::sql::Db) for URLs that begin with `postgres:` or `postgresql:`.
#[derive(Debug, Clone)]
pub struct PostgresDatabase {
    store: Arc<Store>,
}

impl PostgresDatabase {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// The server and the database, as in `db.example.org:5432/app`.
    #[must_use]
    pub fn place(&self) -> &str {
        self.store.pool.place()
    }

    /// Whether a connection pooler that hands out connections for one transaction at a time stands before the server, such as
    /// PgBouncer in its transaction mode. It is found out when the database is opened.
    #[must_use]
    pub fn is_behind_pooler(&self) -> bool {
        self.store.pool.is_pooled()
    }

    /// Behind a pooler the parts of one statement may reach two servers, unless it runs in a transaction.
    async fn begin_if_pooled(&self, kind: StatementKind) -> Result<Option<PostgresTransaction>> {
        self.store.open().await?;
        if self.store.pool.is_pooled() && kind != StatementKind::Maintains {
            return PostgresTransaction::begin(&self.store.pool, Isolation::Default).await.map(Some);
        }
        Ok(None)
    }

    async fn single(&self, kind: StatementKind) -> Result<Single> {
        Single::take(&self.store.pool, Tables::Product, kind == StatementKind::Reads).await
    }

    async fn stream_into(&self, statement: Statement, rows: &Rows) -> Result<()> {
        let kind = checked_kind(&statement)?;
        if let Some(mut transaction) = self.begin_if_pooled(kind).await? {
            {
                let mut found = Transaction::stream(&mut transaction, statement);
                while let Some(row) = found.try_next().await? {
                    if !rows.send(row).await {
                        return Ok(());
                    }
                }
            }
            return transaction.finish().await;
        }
        let mut single = self.single(kind).await?;
        let manner = self.store.pool.manner(Tables::Product);
        let outcome = async {
            let connection = single.held().connection()?;
            let mut found = connection::stream(connection, statement.sql, statement.values, manner);
            while let Some(row) = found.try_next().await? {
                if !rows.send(row).await {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let outcome = outcome.await;
        // A connection whose rows nobody wanted to the end is closed, which also ends the statement.
        if let Ok(false) = outcome { Ok(()) } else { single.judge(outcome).map(drop) }
    }
}

fn checked_kind(statement: &Statement) -> Result<StatementKind> {
    refuse_control(&statement.sql)?;
    Ok(StatementKind::of(&statement.sql))
}

#[async_trait]
impl Database for PostgresDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn fetch(&self, statement: Statement) -> Result<Vec<Row>> {
        let kind = checked_kind(&statement)?;
        if let Some(mut transaction) = self.begin_if_pooled(kind).await? {
            let rows = Transaction::fetch(&mut transaction, statement).await?;
            transaction.finish().await?;
            return Ok(rows);
        }
        self.single(kind).await?.fetch_rows(statement).await
    }

    /// A task reads ahead of the consumer on a connection of its own, and ends when the stream is dropped.
    fn stream(&self, statement: Statement) -> BoxStream<'static, Result<Row>> {
        let database = self.clone();
        read_ahead(move |rows| async move { database.stream_into(statement, &rows).await })
    }

    async fn execute(&self, statement: Statement) -> Result<u64> {
        let kind = checked_kind(&statement)?;
        if let Some(mut transaction) = self.begin_if_pooled(kind).await? {
            let changed = Transaction::execute(&mut transaction, statement).await?;
            transaction.finish().await?;
            return Ok(changed);
        }
        let changed = self.single(kind).await?.change(statement).await?;
        Ok(counted(kind, changed))
    }

    async fn begin(&self, isolation: Isolation) -> Result<Tx> {
        self.store.open().await?;
        Ok(Tx::new(Box::new(PostgresTransaction::begin(&self.store.pool, isolation).await?)))
    }

    async fn migrate(&self, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
        migrations::migrate(&self.store, set).await
    }

    async fn applied(&self, set: &MigrationSet) -> Result<Vec<AppliedMigration>> {
        migrations::applied(&self.store, set).await
    }

    async fn ping(&self) -> Result<()> {
        self.store.ping().await
    }

    async fn close(&self) {
        self.store.close().await;
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
