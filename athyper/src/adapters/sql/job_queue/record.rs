//! Rows of the jobs' table, and how values travel into and out of it.

use std::time::Duration;

use bytes::Bytes;

use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{ChildFailure, Claimed, Envelope, JobId, JobRecord, JobState, Lock, Parent, QueueName};
use crate::foundation::sql::{FromSqlValue, Row, SqlValue};

/// The columns that [`read_record`] reads, in its order.
pub(super) const RECORD: &str = "queue, id, kind, version, payload, context, options, attempts_started, attempts_made, \
                                 created_at, due_at, state, started_at, finished_at, stalls, progress, checkpoint, result, error, \
     (SELECT parents.queue FROM athyper_jobs AS parents WHERE parents.seq = athyper_jobs.parent), \
     (SELECT parents.id FROM athyper_jobs AS parents WHERE parents.seq = athyper_jobs.parent), \
     (SELECT children.when_failed FROM athyper_job_children AS children WHERE children.parent = athyper_jobs.parent \
     AND children.queue = athyper_jobs.queue AND children.id = athyper_jobs.id)";

/// The columns that [`read_claimed`] reads, in its order; by the first three the rows are sorted.
pub(super) const CLAIMED: &str = "priority, position, seq, queue, id, kind, version, payload, context, options, \
                                  attempts_started, attempts_made, stalls, created_at, due_at, checkpoint";

/// The values of one row, one after another.
pub(super) struct Cells(std::vec::IntoIter<SqlValue>);

impl Cells {
    pub(super) fn of(row: Row) -> Self {
        Self(row.into_values().into_iter())
    }

    pub(super) fn next<T: FromSqlValue>(&mut self) -> Result<T> {
        T::from_sql_value(self.0.next().ok_or_else(|| Error::internal("a row of ours has too few columns"))?)
    }

    fn text<T: From<String>>(&mut self) -> Result<T> {
        self.next::<String>().map(T::from)
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self, what: &str) -> Result<T> {
        serde_json::from_str(&self.next::<String>()?)
            .map_err(|error| Error::internal(format!("the {what} of a job cannot be read")).with_source(error))
    }

    pub(super) fn bytes(&mut self) -> Result<Option<Bytes>> {
        Ok(self.next::<Option<Vec<u8>>>()?.map(Bytes::from))
    }

    fn instant(&mut self) -> Result<Timestamp> {
        from_micros(self.next()?)
    }

    fn envelope(&mut self) -> Result<Envelope> {
        Ok(Envelope {
            queue: self.text()?,
            id: self.text()?,
            kind: self.next()?,
            version: self.next()?,
            payload: self.bytes()?.unwrap_or_default(),
            context: self.json("context")?,
            options: self.json("options")?,
        })
    }
}

/// Reads [`RECORD`]. Jobs whose time has come are waiting, also before somebody has moved them.
pub(super) fn read_record(row: Row, now: Timestamp) -> Result<JobRecord> {
    let mut cells = Cells::of(row);
    let envelope = cells.envelope()?;
    let (attempts_started, attempts_made) = (cells.next()?, cells.next()?);
    let (created_at, due_at) = (cells.instant()?, cells.instant()?);
    let state = match read_state(&cells.next::<String>()?)? {
        JobState::Delayed | JobState::Parked if due_at <= now => JobState::Waiting,
        state => state,
    };
    let mut record = JobRecord {
        envelope,
        parent: None,
        state,
        created_at,
        due_at,
        started_at: cells.next::<Option<i64>>()?.map(from_micros).transpose()?,
        finished_at: cells.next::<Option<i64>>()?.map(from_micros).transpose()?,
        attempts_started,
        attempts_made,
        stalls: cells.next()?,
        progress: cells.bytes()?,
        checkpoint: cells.bytes()?,
        result: cells.bytes()?,
        error: cells.next()?,
    };
    let (queue, id): (Option<String>, Option<String>) = (cells.next()?, cells.next()?);
    let when_failed: Option<String> = cells.next()?;
    // What was forgotten has no row any more.
    let when_failed = when_failed.map_or(Ok(ChildFailure::Forget), |text| read_policy(&text))?;
    record.parent = queue.zip(id).map(|(queue, id)| Parent { queue: queue_name(queue), id: job_id(id), when_failed });
    Ok(record)
}

pub(super) fn read_policy(text: &str) -> Result<ChildFailure> {
    ChildFailure::ALL
        .into_iter()
        .find(|policy| policy.as_str() == text)
        .ok_or_else(|| Error::internal(format!("a child has the policy `{text}`, which this version does not know")))
}

/// A job that was taken, with its place in the order.
pub(super) struct Placed {
    pub(super) place: (i64, i64, i64),
    pub(super) claimed: Claimed,
}

/// Reads [`CLAIMED`].
pub(super) fn read_claimed(row: Row) -> Result<Placed> {
    let mut cells = Cells::of(row);
    let place = (cells.next()?, cells.next()?, cells.next()?);
    let envelope = cells.envelope()?;
    let lock = Lock { queue: envelope.queue.clone(), id: envelope.id.clone(), token: cells.next()? };
    let claimed = Claimed {
        envelope,
        lock,
        attempts_made: cells.next()?,
        stalls: cells.next()?,
        created_at: cells.instant()?,
        due_at: cells.instant()?,
        checkpoint: cells.bytes()?,
    };
    Ok(Placed { place, claimed })
}

pub(super) fn read_state(text: &str) -> Result<JobState> {
    JobState::ALL
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| Error::internal(format!("a job is in the state `{text}`, which this version does not know")))
}

/// One text column.
pub(super) fn read_text(row: Row) -> Result<Option<String>> {
    Cells::of(row).next()
}

pub(super) fn queue_name(text: String) -> QueueName {
    QueueName::from(text)
}

pub(super) fn job_id(text: String) -> JobId {
    JobId::from(text)
}

/// Microseconds since 1970.
pub(in crate::adapters::sql) fn micros(instant: Timestamp) -> i64 {
    instant.timestamp_micros()
}

pub(in crate::adapters::sql) fn from_micros(micros: i64) -> Result<Timestamp> {
    Timestamp::from_timestamp_micros(micros)
        .ok_or_else(|| Error::internal(format!("{micros} microseconds since 1970 are beyond every calendar")))
}

/// An instant and a duration later; the last instant there is when that is beyond it.
pub(in crate::adapters::sql) fn later(instant: Timestamp, by: Duration) -> i64 {
    micros(instant).saturating_add(span(by)).min(micros(Timestamp::MAX_UTC))
}

/// A duration in microseconds, at most as long as time is.
pub(in crate::adapters::sql) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX).min(micros(Timestamp::MAX_UTC))
}
