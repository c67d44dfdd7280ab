//! Looking at messages, and dealing with those that were refused.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::tell_after_commit;
use crate::adapters::sql::job_queue::from_micros;
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::context::Context;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::outbox::{OutboxCounts, OutboxMessage, OutboxRecord};
use crate::foundation::sql::{Row, Statement};

/// The columns that [`read_message`] reads, in its order.
pub(super) const MESSAGE: &str = "id, destination, key, payload, context, alone";

/// The columns that [`read_record`] reads, in its order.
pub(super) const RECORD: &str = "id, destination, key, payload, context, alone, created_at, failed_at, error";

/// The values that [`read_counts`] reads, in its order.
pub(super) const COUNTS: &str = "SELECT \
     (SELECT count(*) FROM athyper_outbox WHERE destination = $1 AND failed_at IS NULL), \
     (SELECT count(*) FROM athyper_outbox WHERE destination = $1 AND failed_at IS NOT NULL), \
     (SELECT created_at FROM athyper_outbox WHERE destination = $1 AND failed_at IS NULL ORDER BY seq LIMIT 1)";

pub(super) fn read_message(row: &Row) -> Result<OutboxMessage> {
    let context: String = row.at(4)?;
    Ok(OutboxMessage {
        id: row.at(0)?,
        destination: row.at(1)?,
        key: row.at(2)?,
        payload: row.at::<Vec<u8>>(3).map(Bytes::from)?,
        alone: row.at(5)?,
        // One that nobody can read must hold no other message up; each job has its own in the payload.
        context: serde_json::from_str(&context).unwrap_or_else(|_| Context::background()),
    })
}

pub(super) fn read_record(row: Row) -> Result<OutboxRecord> {
    Ok(OutboxRecord {
        message: read_message(&row)?,
        created_at: from_micros(row.at(6)?)?,
        failed_at: row.at::<Option<i64>>(7)?.map(from_micros).transpose()?,
        error: row.at(8)?,
    })
}

pub(super) fn read_counts(row: &Row) -> Result<OutboxCounts> {
    let count = |index| row.at::<i64>(index).map(|count| u64::try_from(count).unwrap_or_default());
    Ok(OutboxCounts {
        waiting: count(0)?,
        failed: count(1)?,
        oldest_waiting: row.at::<Option<i64>>(2)?.map(from_micros).transpose()?,
    })
}

/// Lets a message that was refused wait again; answers whether there was one.
pub(super) struct Retry<S: SqlStore> {
    pub(super) store: Arc<S>,
    pub(super) id: String,
}

#[async_trait]
impl<S: SqlStore> Operation for Retry<S> {
    type Answer = bool;

    async fn apply(&self, session: &mut Session<'_>) -> Result<bool> {
        let sql = "UPDATE athyper_outbox SET failed_at = NULL, error = NULL WHERE id = $1 AND failed_at IS NOT NULL";
        let changed = session.execute(Statement::text(sql).bind(self.id.as_str())).await?;
        tell_after_commit(&self.store, session);
        Ok(changed > 0)
    }
}

/// Removes a message that was refused; answers whether there was one.
pub(super) struct Remove {
    pub(super) id: String,
}

#[async_trait]
impl Operation for Remove {
    type Answer = bool;

    async fn apply(&self, session: &mut Session<'_>) -> Result<bool> {
        let sql = "DELETE FROM athyper_outbox WHERE id = $1 AND failed_at IS NOT NULL";
        Ok(session.execute(Statement::text(sql).bind(self.id.as_str())).await? > 0)
    }
}

/// Why a message could not be changed.
pub(super) async fn is_there<S: SqlStore>(store: &S, id: &str) -> Result<Error> {
    let find = Statement::text("SELECT 1 FROM athyper_outbox WHERE id = $1").bind(id);
    if store.read(find).await?.is_empty() {
        return Ok(Error::not_found(format!("the outbox has no message {id}: it was moved, or there never was one")));
    }
    let message = format!("message {id} of the outbox waits to be moved, and only one that was refused can be changed");
    Ok(Error::new(ErrorKind::Conflict, message).with_code("outbox-state"))
}
