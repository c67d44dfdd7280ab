//! One step of a relay: what became of the batch before, and which messages come next.
//!
//! A batch is a number and the places of its messages, in one row a destination. It is written before anything is moved and stays
//! until it is settled, so that whoever takes over moves the same messages under the same number.

use async_trait::async_trait;
use uuid::Uuid;

use super::look::{MESSAGE, read_message};
use crate::adapters::sql::dialect::{behind, kept, listed};
use crate::adapters::sql::job_queue::{later, micros};
use crate::adapters::sql::leadership;
use crate::adapters::sql::operation::{Operation, Session};
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Delivery, Retention};
use crate::foundation::outbox::{OutboxAnswer, OutboxBatch, OutboxMessage, OutboxStep, Settled, Settlement};
use crate::foundation::sql::{Row, Statement};

/// How many bytes of payloads are moved together, unless one message alone has more.
const LARGEST_BATCH: i64 = 1 << 20;

pub(super) struct Step {
    pub(super) step: OutboxStep,
}

#[async_trait]
impl Operation for Step {
    type Answer = OutboxAnswer;

    async fn apply(&self, session: &mut Session<'_>) -> Result<OutboxAnswer> {
        let OutboxStep { destination, holder, lease, max, settled } = &self.step;
        if let Some(settled) = settled {
            settle(session, destination, settled).await?;
        }
        let name = format!("athyper-outbox:{destination}");
        if *max > 0 {
            if leadership::acquire(session, &name, holder, *lease).await?.is_none() {
                return Ok(OutboxAnswer::Elsewhere);
            }
            if let Some(batch) = next(session, destination, *max).await? {
                return Ok(OutboxAnswer::Batch(batch));
            }
        }
        leadership::give_up(session, &name, holder).await?;
        Ok(OutboxAnswer::Nothing)
    }
}

/// Writes down what became of a batch, unless that was done already.
async fn settle(session: &mut Session<'_>, destination: &str, settled: &Settled) -> Result<()> {
    let find = format!(
        "SELECT moving FROM athyper_outbox_relays WHERE destination = $1 AND number = $2 AND moving <> ''{}",
        kept(session.dialect)
    );
    let find = Statement::text(find).bind(destination).bind(settled.number);
    let Some(row) = session.fetch(find).await?.into_iter().next() else { return Ok(()) };
    let moving: String = row.at(0)?;
    let among = |placeholder| listed(session.dialect, placeholder);
    match &settled.settlement {
        Settlement::Moved => {
            let remove = format!("DELETE FROM athyper_outbox WHERE {}", among("$1"));
            session.execute(Statement::text(remove).bind(moving)).await?;
        }
        Settlement::Released => {}
        Settlement::Failed { error } => {
            let fail = format!("UPDATE athyper_outbox SET failed_at = $2, error = $3 WHERE {}", among("$1"));
            let fail = Statement::text(fail).bind(moving).bind(micros(session.now)).bind(error.as_str());
            session.execute(fail).await?;
            sweep(session, destination).await?;
        }
    }
    let forget = "UPDATE athyper_outbox_relays SET moving = '' WHERE destination = $1";
    session.execute(Statement::text(forget).bind(destination)).await?;
    Ok(())
}

/// Removes what was refused long ago, and the oldest of very many: as failed jobs are removed.
async fn sweep(session: &mut Session<'_>, destination: &str) -> Result<()> {
    let Retention { count, age } = Retention::FAILED;
    let failed = "FROM athyper_outbox WHERE destination = $1 AND failed_at IS NOT NULL";
    let old = format!("DELETE {failed} AND failed_at < $2");
    let since = micros(session.now) - (later(session.now, age) - micros(session.now));
    session.execute(Statement::text(old).bind(destination).bind(since)).await?;
    let many = format!(
        "DELETE FROM athyper_outbox WHERE seq IN (SELECT seq {failed} ORDER BY failed_at DESC, seq DESC {})",
        behind(session.dialect, "$2")
    );
    session.execute(Statement::text(many).bind(destination).bind(i64::from(count))).await?;
    Ok(())
}

/// The batch that was not settled, or the next one.
async fn next(session: &mut Session<'_>, destination: &str, max: usize) -> Result<Option<OutboxBatch>> {
    let begin = "INSERT INTO athyper_outbox_relays (destination, source, number, moving) VALUES ($1, $2, 0, '') \
                 ON CONFLICT (destination) DO NOTHING";
    let find = format!(
        "SELECT source, number, moving FROM athyper_outbox_relays WHERE destination = $1{}",
        kept(session.dialect)
    );
    let find = || Statement::text(find.clone()).bind(destination);
    let mut found = session.fetch(find()).await?;
    if found.is_empty() {
        let source = Uuid::new_v4().simple().to_string();
        session.execute(Statement::text(begin).bind(destination).bind(source)).await?;
        found = session.fetch(find()).await?;
    }
    let row = found.first().ok_or_else(|| Error::internal("a relay that was written down is not there"))?;
    let (source, last, moving): (String, i64, String) = (row.at(0)?, row.at(1)?, row.at(2)?);
    if !moving.is_empty() {
        let messages = read(session, &moving).await?;
        if !messages.is_empty() {
            return Ok(Some(OutboxBatch { delivery: Delivery { source, number: last }, messages }));
        }
    }
    let places = waiting(session, destination, max).await?;
    // By the clock, so that a database that was restored from a copy uses no number again. The one behind the last may be used up.
    let number = micros(session.now).max(last + 2);
    let note = "UPDATE athyper_outbox_relays SET number = $2, moving = $3 WHERE destination = $1";
    if places.is_empty() && moving.is_empty() {
        return Ok(None);
    }
    session.execute(Statement::text(note).bind(destination).bind(number).bind(places.as_str())).await?;
    let messages = read(session, &places).await?;
    Ok((!messages.is_empty()).then_some(OutboxBatch { delivery: Delivery { source, number }, messages }))
}

/// The places of the messages that are moved next, separated by commas.
async fn waiting(session: &mut Session<'_>, destination: &str, max: usize) -> Result<String> {
    let sql = "SELECT seq, CAST(length(payload) AS BIGINT), alone FROM athyper_outbox \
               WHERE destination = $1 AND failed_at IS NULL ORDER BY seq LIMIT $2";
    let most = i64::try_from(max).unwrap_or(i64::MAX);
    let rows = session.fetch(Statement::text(sql).bind(destination).bind(most)).await?;
    let mut places: Vec<String> = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let (place, length, alone): (i64, i64, bool) = (row.at(0)?, row.at(1)?, row.at(2)?);
        bytes += length;
        if (alone || bytes > LARGEST_BATCH) && !places.is_empty() {
            break;
        }
        places.push(place.to_string());
        if alone {
            break;
        }
    }
    Ok(places.join(","))
}

async fn read(session: &mut Session<'_>, places: &str) -> Result<Vec<OutboxMessage>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {MESSAGE} FROM athyper_outbox WHERE {} ORDER BY seq", listed(session.dialect, "$1"));
    let rows: Vec<Row> = session.fetch(Statement::text(sql).bind(places)).await?;
    rows.iter().map(read_message).collect()
}
