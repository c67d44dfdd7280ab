//! The port of outboxes.

mod look;
mod relay;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::select;

use self::look::{Remove, Retry, is_there, read_record};
use self::relay::Step;
use super::job_queue::micros;
use super::operation::Session;
use super::store::SqlStore;
use crate::foundation::clock::ClockExt;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::QueueName;
use crate::foundation::outbox::{
    Outbox, OutboxAnswer, OutboxCounts, OutboxFilter, OutboxMessage, OutboxRecord, OutboxState, OutboxStep,
};
use crate::foundation::sql::{Statement, Tx};

/// News of the outbox travel as those of a queue; no queue has a name with a colon.
const NEWS: &str = "athyper:outbox";

/// An outbox in a SQL database.
#[derive(Debug)]
pub(in crate::adapters) struct SqlOutbox<S> {
    store: Arc<S>,
}

impl<S: SqlStore> SqlOutbox<S> {
    /// An outbox in a database whose tables are up to date.
    pub(in crate::adapters) fn new(store: Arc<S>) -> Self {
        Self { store }
    }
}

/// Tells relays once the transaction is committed.
fn tell_after_commit<S: SqlStore>(store: &Arc<S>, session: &mut Session<'_>) {
    let store = store.clone();
    session.after_commit(move || {
        let news = QueueName::from(NEWS);
        store.wake().wake(&news);
        store.announce(&news);
    });
}

const WRITE: &str = "INSERT INTO athyper_outbox (id, destination, key, payload, context, alone, created_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7)";

#[async_trait]
impl<S: SqlStore> Outbox for SqlOutbox<S> {
    async fn write(&self, tx: &mut Tx, messages: Vec<OutboxMessage>) -> Result<()> {
        let Some(mut session) = self.store.session_in(tx) else {
            return Err(Error::configuration(format!(
                "the transaction belongs to another database than `{}`, from whose outbox the product's messages are moved: begin \
                 it on the product's own database",
                self.store.place()
            ))
            .with_code("outbox-other-database"));
        };
        for message in messages {
            let context = serde_json::to_string(&message.context)
                .map_err(|error| Error::internal("the context of a message cannot be written").with_source(error))?;
            let write = Statement::text(WRITE)
                .bind(message.id)
                .bind(message.destination)
                .bind(message.key)
                .bind(message.payload.to_vec())
                .bind(context)
                .bind(message.alone)
                .bind(micros(session.now));
            session.execute(write).await?;
        }
        tell_after_commit(&self.store, &mut session);
        Ok(())
    }

    async fn step(&self, step: &OutboxStep) -> Result<OutboxAnswer> {
        self.store.run(Step { step: step.clone() }).await
    }

    async fn has_waiting(&self, destination: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM athyper_outbox WHERE destination = $1 AND failed_at IS NULL)";
        let rows = self.store.read(Statement::text(sql).bind(destination)).await?;
        rows.first().map_or(Ok(false), |row| row.at(0))
    }

    async fn news(&self, seen: u64, longest: Duration) -> u64 {
        let mut wake = self.store.wake().listen(&QueueName::from(NEWS));
        if *wake.borrow_and_update() == seen {
            let alarm = std::pin::pin!(self.store.clock().sleep(longest));
            let woken = std::pin::pin!(wake.changed());
            // Whichever came first: the outbox is looked at again.
            let _ = select(woken, alarm).await;
        }
        *wake.borrow()
    }

    async fn get(&self, id: &str) -> Result<Option<OutboxRecord>> {
        let sql = format!("SELECT {} FROM athyper_outbox WHERE id = $1", look::RECORD);
        self.store.read(Statement::text(sql).bind(id)).await?.into_iter().next().map(read_record).transpose()
    }

    async fn list(&self, filter: &OutboxFilter) -> Result<Vec<OutboxRecord>> {
        let condition = match filter.state {
            None => "TRUE",
            Some(OutboxState::Waiting) => "failed_at IS NULL",
            Some(OutboxState::Failed) => "failed_at IS NOT NULL",
        };
        let sql =
            format!("SELECT {} FROM athyper_outbox WHERE {condition} ORDER BY seq LIMIT $1 OFFSET $2", look::RECORD);
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let list = Statement::text(sql).bind(number(filter.limit)).bind(number(filter.offset));
        self.store.read(list).await?.into_iter().map(read_record).collect()
    }

    async fn counts(&self, destination: &str) -> Result<OutboxCounts> {
        let rows = self.store.read(Statement::text(look::COUNTS).bind(destination)).await?;
        rows.first().map_or_else(|| Ok(OutboxCounts::default()), look::read_counts)
    }

    async fn retry(&self, id: &str) -> Result<()> {
        if self.store.run(Retry { store: self.store.clone(), id: id.to_owned() }).await? {
            return Ok(());
        }
        Err(is_there(&*self.store, id).await?)
    }

    async fn remove(&self, id: &str) -> Result<()> {
        if self.store.run(Remove { id: id.to_owned() }).await? {
            return Ok(());
        }
        Err(is_there(&*self.store, id).await?)
    }
}
