//! What people and programs do with a queue besides running its jobs.

use std::sync::Arc;

use async_trait::async_trait;

use super::cancel::Cancel;
use super::change::{Change, ChangeOne};
use super::ready::promote;
use super::record::{Cells, RECORD, from_micros, micros, queue_name, read_record};
use super::{Shared, SqlJobQueue, flows, limited, logs};
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{
    ChildRecord, JobAdministration, JobCounts, JobFilter, JobId, JobRecord, JobState, QueueLimits, QueueName,
};
use crate::foundation::sql::{FromSqlValue, Row, Statement};

/// Makes due jobs ready, so that a listing shows them in their place.
struct Promote(QueueName);

#[async_trait]
impl Operation for Promote {
    type Answer = ();

    async fn apply(&self, session: &mut Session<'_>) -> Result<()> {
        promote(session, &self.0).await
    }
}

/// Stops or resumes handing out jobs.
struct Pause<S: SqlStore> {
    shared: Arc<Shared<S>>,
    queue: QueueName,
    paused: bool,
}

#[async_trait]
impl<S: SqlStore> Operation for Pause<S> {
    type Answer = ();

    async fn apply(&self, session: &mut Session<'_>) -> Result<()> {
        let sql = "INSERT INTO athyper_queues (name, paused) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET paused = excluded.paused";
        session.execute(Statement::text(sql).bind(self.queue.as_str()).bind(self.paused)).await?;
        self.shared.wake_after_commit(session, &self.queue);
        Ok(())
    }
}

impl<S: SqlStore> SqlJobQueue<S> {
    async fn change(&self, queue: &QueueName, id: &JobId, change: Change) -> Result<()> {
        let change = ChangeOne { shared: self.shared.clone(), queue: queue.clone(), id: id.clone(), change };
        self.store().run(change).await?
    }

    async fn set_paused(&self, queue: &QueueName, paused: bool) -> Result<()> {
        self.store().run(Pause { shared: self.shared.clone(), queue: queue.clone(), paused }).await
    }

    /// One row about a queue; the second value of the statement is the time.
    async fn look(&self, sql: &str, queue: &QueueName) -> Result<Cells> {
        let statement = Statement::text(sql).bind(queue.as_str()).bind(micros(self.store().clock().now()));
        let row = self.store().read(statement).await?.into_iter().next();
        row.map(Cells::of).ok_or_else(|| Error::internal("a question about a queue has no answer"))
    }

    async fn look_for<T: FromSqlValue>(&self, sql: &str, queue: &QueueName) -> Result<T> {
        self.look(sql, queue).await?.next()
    }

    fn read_records(&self, rows: Vec<Row>) -> Result<Vec<JobRecord>> {
        let now = self.store().clock().now();
        rows.into_iter().map(|row| read_record(row, now)).collect()
    }

    /// The jobs of a queue in one state, of one kind or of all.
    async fn list_state(
        &self,
        queue: &QueueName,
        state: JobState,
        kind: Option<&str>,
        (offset, limit): (u64, u64),
    ) -> Result<Vec<JobRecord>> {
        let condition = "AND ($2 IS NULL OR kind = $2)";
        let sql = match state {
            // The jobs of each index in their order, and the first of both.
            JobState::Waiting => format!(
                "SELECT {RECORD} FROM athyper_jobs WHERE seq IN \
                 (SELECT seq FROM (SELECT seq FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND NOT held \
                 {condition} ORDER BY priority, position, seq LIMIT $3 + $4) AS ready) OR seq IN \
                 (SELECT seq FROM (SELECT seq FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND held \
                 AND serial_key >= '' {condition} ORDER BY priority, position, seq LIMIT $3 + $4) AS held) \
                 ORDER BY {} LIMIT $3 OFFSET $4",
                listing_order(state)
            ),
            _ => format!(
                "SELECT {RECORD} FROM athyper_jobs WHERE queue = $1 AND {} {condition} ORDER BY {} LIMIT $3 OFFSET $4",
                is_in(state),
                listing_order(state)
            ),
        };
        // The sum of both must not run over.
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX).min(i64::MAX / 2);
        let statement = Statement::text(sql)
            .bind(queue.as_str())
            .bind(kind.map(str::to_owned))
            .bind(whole(limit))
            .bind(whole(offset));
        self.read_records(self.store().read(statement).await?)
    }

    async fn count_state(&self, queue: &QueueName, state: JobState, kind: Option<&str>) -> Result<u64> {
        let sql = format!(
            "SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND {} AND ($2 IS NULL OR kind = $2)",
            is_in(state)
        );
        let statement = Statement::text(sql).bind(queue.as_str()).bind(kind.map(str::to_owned));
        let row = self.store().read(statement).await?.into_iter().next();
        row.map_or(Ok(0), |row| Cells::of(row).next())
    }
}

/// The condition of a state, with the terms by which a database recognises the index of that state.
fn is_in(state: JobState) -> String {
    let name = state.as_str();
    match state {
        JobState::Waiting | JobState::WaitingChildren | JobState::Active => format!("state = '{name}'"),
        JobState::Delayed | JobState::Parked => format!("state IN ('delayed', 'parked') AND state = '{name}'"),
        JobState::Completed | JobState::Failed => format!("state = '{name}' AND keep_until IS NOT NULL"),
    }
}

const fn listing_order(state: JobState) -> &'static str {
    match state {
        JobState::Waiting | JobState::Active => "priority, position, seq",
        JobState::Delayed | JobState::Parked => "due_at, seq",
        JobState::WaitingChildren => "seq",
        JobState::Completed | JobState::Failed => "position DESC",
    }
}

const COUNTS: &str = "SELECT \
     (SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND NOT held), \
     (SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND held), \
     (SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state IN ('delayed', 'parked') AND due_at <= $2), \
     (SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state IN ('delayed', 'parked') AND state = 'delayed' AND due_at > $2), \
     (SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state IN ('delayed', 'parked') AND state = 'parked' AND due_at > $2), \
     (SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state = 'waiting-children'), \
     (SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state = 'active'), \
     (SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state = 'completed' AND keep_until IS NOT NULL), \
     (SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state = 'failed' AND keep_until IS NOT NULL)";

const HAS_DUE: &str = "SELECT EXISTS (SELECT 1 FROM athyper_jobs WHERE queue = $1 \
                       AND state IN ('delayed', 'parked') AND due_at <= $2)";

const NEXT_DUE: &str = "SELECT min(due_at) FROM athyper_jobs WHERE queue = $1 \
                        AND state IN ('delayed', 'parked') AND due_at > $2";

/// When the oldest job that waits for its turn became ready.
const OLDEST_TURN: &str =
    "SELECT min(due_at) FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND share IS NOT NULL";

/// Of the ready jobs the first of each priority is looked at, whatever their number.
const OLDEST: [&str; 3] = [
    "WITH RECURSIVE priorities (priority) AS (\
     SELECT min(priority) FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND NOT held UNION ALL \
     SELECT (SELECT min(jobs.priority) FROM athyper_jobs AS jobs WHERE jobs.queue = $1 AND jobs.state = 'waiting' \
     AND NOT jobs.held AND jobs.priority > priorities.priority) FROM priorities WHERE priorities.priority IS NOT NULL) \
     SELECT min((SELECT min(jobs.position) FROM athyper_jobs AS jobs WHERE jobs.queue = $1 AND jobs.state = 'waiting' \
     AND NOT jobs.held AND jobs.priority = priorities.priority)) FROM priorities",
    "SELECT min(position) FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND held AND serial_key >= ''",
    "SELECT min(due_at) FROM athyper_jobs WHERE queue = $1 AND state IN ('delayed', 'parked') AND due_at <= $2",
];

#[async_trait]
impl<S: SqlStore> JobAdministration for SqlJobQueue<S> {
    async fn queues(&self) -> Result<Vec<QueueName>> {
        let rows = self.store().read(Statement::text("SELECT name FROM athyper_queues ORDER BY name")).await?;
        rows.into_iter().map(|row| Cells::of(row).next().map(queue_name)).collect()
    }

    async fn counts(&self, queue: &QueueName) -> Result<JobCounts> {
        let mut cells = self.look(COUNTS, queue).await?;
        let waiting = cells.next::<u64>()? + cells.next::<u64>()? + cells.next::<u64>()?;
        Ok(JobCounts {
            waiting,
            delayed: cells.next()?,
            parked: cells.next()?,
            waiting_children: cells.next()?,
            active: cells.next()?,
            completed: cells.next()?,
            failed: cells.next()?,
        })
    }

    async fn get(&self, queue: &QueueName, id: &JobId) -> Result<Option<JobRecord>> {
        let sql = format!("SELECT {RECORD} FROM athyper_jobs WHERE queue = $1 AND id = $2");
        let rows = self.store().read(Statement::text(sql).bind(queue.as_str()).bind(id.as_str())).await?;
        Ok(self.read_records(rows)?.pop())
    }

    async fn children(&self, queue: &QueueName, id: &JobId) -> Result<Vec<ChildRecord>> {
        flows::children(self.store(), queue, id).await
    }

    async fn list(&self, queue: &QueueName, filter: &JobFilter) -> Result<Vec<JobRecord>> {
        if self.look_for(HAS_DUE, queue).await? {
            self.store().run(Promote(queue.clone())).await?;
        }
        let kind = filter.kind.as_deref();
        let wanted = |state: &JobState| filter.states.is_empty() || filter.states.contains(state);
        let (mut offset, mut found) = (filter.offset, Vec::new());
        for state in JobState::ALL.into_iter().filter(wanted) {
            let left = filter.limit.saturating_sub(found.len() as u64);
            if left == 0 {
                break;
            }
            let records = self.list_state(queue, state, kind, (offset, left)).await?;
            if records.is_empty() && offset > 0 {
                offset = offset.saturating_sub(self.count_state(queue, state, kind).await?);
            } else {
                offset = 0;
            }
            found.extend(records);
        }
        Ok(found)
    }

    async fn logs(&self, queue: &QueueName, id: &JobId) -> Result<Vec<String>> {
        logs::read(self.store(), queue, id).await
    }

    async fn remove(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.change(queue, id, Change::Remove).await
    }

    async fn retry(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.change(queue, id, Change::Retry).await
    }

    async fn promote(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.change(queue, id, Change::Promote).await
    }

    async fn cancel(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.store().run(Cancel { shared: self.shared.clone(), queue: queue.clone(), id: id.clone() }).await?
    }

    async fn pause(&self, queue: &QueueName) -> Result<()> {
        self.set_paused(queue, true).await
    }

    async fn resume(&self, queue: &QueueName) -> Result<()> {
        self.set_paused(queue, false).await
    }

    async fn is_paused(&self, queue: &QueueName) -> Result<bool> {
        self.look_for("SELECT EXISTS (SELECT 1 FROM athyper_queues WHERE name = $1 AND paused)", queue).await
    }

    async fn limits(&self, queue: &QueueName) -> Result<QueueLimits> {
        let sql = "SELECT limits FROM athyper_queues WHERE name = $1 AND limits IS NOT NULL";
        let row = self.store().read(Statement::text(sql).bind(queue.as_str())).await?.into_iter().next();
        row.map_or(Ok(QueueLimits::NONE), |row| limited::read(Cells::of(row).next()?))
    }

    async fn set_limits(&self, queue: &QueueName, limits: &QueueLimits) -> Result<()> {
        let set = limited::SetLimits { shared: self.shared.clone(), queue: queue.clone(), limits: *limits };
        self.store().run(set).await
    }

    async fn next_due(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        self.look_for::<Option<i64>>(NEXT_DUE, queue).await?.map(from_micros).transpose()
    }

    async fn oldest_waiting(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        let mut oldest: Option<i64> = self.look_for(OLDEST_TURN, queue).await?;
        // Where tenants take turns the place of a job does not tell when it came.
        let others = if oldest.is_some() { &OLDEST[2..] } else { &OLDEST };
        for sql in others {
            let found: Option<i64> = self.look_for(sql, queue).await?;
            oldest = oldest.into_iter().chain(found).min();
        }
        oldest.map(from_micros).transpose()
    }

    async fn ping(&self) -> Result<()> {
        self.store().read(Statement::text("SELECT 1 FROM athyper_queues LIMIT 1")).await.map(drop)
    }
}
