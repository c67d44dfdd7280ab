//! Adding jobs.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;

use super::Shared;
use super::add_flow::add_flow;
use super::ready::{last_position, settle};
use super::record::{Cells, job_id, later, micros, span};
use super::turns::{self, NO_TURN};
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{Added, FlowShape, JobId, JobState, NewJob, QueueName};
use crate::foundation::sql::{Dialect, Statement};

/// How many jobs are written by one statement: SQLite takes 32,766 values (PostgreSQL twice as many), and each
/// job has the number below.
pub(super) const JOBS_A_STATEMENT: usize = 250;
const VALUES_A_JOB: usize = 16;

/// A job with its documents written out, which is done before the writer's turn.
pub(super) struct Prepared {
    pub(super) job: NewJob,
    context: String,
    options: String,
    has_children: bool,
}

/// The jobs of one call.
pub(super) struct Batch {
    jobs: Vec<Prepared>,
    /// How they hang together, if they do.
    shape: Option<FlowShape>,
}

impl Batch {
    /// The queue of the first job.
    pub(super) fn queue(&self) -> Option<&QueueName> {
        self.jobs.first().map(Prepared::queue)
    }
}

impl Prepared {
    pub(super) fn queue(&self) -> &QueueName {
        &self.job.envelope.queue
    }
}

/// Writes the documents of new jobs.
pub(super) fn prepare(jobs: Vec<NewJob>) -> Result<Batch> {
    let shape = FlowShape::of(jobs.iter())?;
    let has_children = |place: usize| shape.as_ref().is_some_and(|shape| shape.has_children[place]);
    let jobs = jobs.into_iter().enumerate().map(|(place, job)| prepare_one(job, has_children(place)));
    Ok(Batch { jobs: jobs.collect::<Result<_>>()?, shape })
}

fn prepare_one(job: NewJob, has_children: bool) -> Result<Prepared> {
    let failed =
        |what: &str, error| Error::internal(format!("the {what} of a job cannot be written")).with_source(error);
    let context = serde_json::to_string(&job.envelope.context).map_err(|error| failed("context", error))?;
    let options = serde_json::to_string(&job.envelope.options).map_err(|error| failed("options", error))?;
    Ok(Prepared { job, context, options, has_children })
}

/// Adds jobs, all or none.
pub(super) struct Add<S: SqlStore> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) batch: Batch,
}

#[async_trait]
impl<S: SqlStore> Operation for Add<S> {
    /// A refusal is an answer: nothing was written.
    type Answer = Result<Vec<Added>>;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Result<Vec<Added>>> {
        match add(session, &self.shared, &self.batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict && error.code() == "job-flow-parent" => Ok(Err(error)),
            added => added.map(Ok),
        }
    }
}

/// Adds jobs one after another, so that duplicates among them are found too.
pub(super) async fn add<S: SqlStore>(
    session: &mut Session<'_>,
    shared: &Arc<Shared<S>>,
    batch: &Batch,
) -> Result<Vec<Added>> {
    let jobs = &batch.jobs;
    if let Some(shape) = &batch.shape {
        return add_flow(session, shared, jobs, shape).await;
    }
    name_queues(session, shared, jobs).await?;
    let mut answers = Vec::with_capacity(jobs.len());
    let mut rest = jobs.as_slice();
    while let Some(first) = rest.first() {
        // Only jobs of one queue without a unique key can be written together.
        let together = rest
            .iter()
            .take(JOBS_A_STATEMENT)
            .take_while(|next| next.job.unique.is_none() && next.job.envelope.queue == first.job.envelope.queue)
            .count()
            .max(1);
        let (now, later) = rest.split_at(together);
        rest = later;
        match unique_holder(session, first).await? {
            Some(holder) => answers.push(Added { id: holder, duplicate: true }),
            None => answers.extend(insert(session, now).await?),
        }
    }
    finish_adding(session, shared, jobs).await?;
    Ok(answers)
}

/// Gives jobs that were written their turns, and wakes workers for them.
pub(super) async fn finish_adding<S: SqlStore>(
    session: &mut Session<'_>,
    shared: &Arc<Shared<S>>,
    jobs: &[Prepared],
) -> Result<()> {
    let fair = jobs.iter().map(|prepared| &prepared.job.envelope).filter(|envelope| envelope.share().is_some());
    for queue in fair.map(|envelope| &envelope.queue).collect::<BTreeSet<_>>() {
        turns::give(session, queue).await?;
    }
    let keys: BTreeSet<(&QueueName, &String)> = jobs
        .iter()
        .filter_map(|prepared| Some((&prepared.job.envelope.queue, prepared.job.serial_key.as_ref()?)))
        .collect();
    for (queue, key) in keys {
        settle(session, queue, [key.clone()]).await?;
    }
    let queues: HashSet<&QueueName> = jobs.iter().map(|prepared| &prepared.job.envelope.queue).collect();
    for queue in queues {
        shared.wake_after_commit(session, queue);
    }
    Ok(())
}

/// Remembers the queues by name, also once they are empty.
pub(super) async fn name_queues<S: SqlStore>(
    session: &mut Session<'_>,
    shared: &Arc<Shared<S>>,
    jobs: &[Prepared],
) -> Result<()> {
    let queues: HashSet<&QueueName> = jobs.iter().map(|prepared| &prepared.job.envelope.queue).collect();
    for queue in queues {
        if !shared.is_known(queue) {
            let sql = "INSERT INTO athyper_queues (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
            session.execute(Statement::text(sql).bind(queue.as_str())).await?;
            let (shared, queue) = (shared.clone(), queue.clone());
            session.after_commit(move || shared.know(queue));
        }
    }
    Ok(())
}

const IS_THERE: &str = "SELECT 1 FROM athyper_jobs WHERE queue = $1 AND id = $2";
pub(super) const HOLD_KEY: &str = "INSERT INTO athyper_job_keys (queue, key, job, expires_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (queue, key) DO UPDATE SET job = excluded.job, expires_at = excluded.expires_at \
     WHERE athyper_job_keys.expires_at <= $5 RETURNING job";
const KEY_HOLDER: &str = "SELECT job FROM athyper_job_keys WHERE queue = $1 AND key = $2";

/// Whose the unique key of a job is, if it is not this job's from now on.
async fn unique_holder(session: &mut Session<'_>, prepared: &Prepared) -> Result<Option<JobId>> {
    let (queue, id) = (&prepared.job.envelope.queue, &prepared.job.envelope.id);
    let Some(unique) = &prepared.job.unique else { return Ok(None) };
    let is_there = Statement::text(IS_THERE).bind(queue.as_str()).bind(id.as_str());
    if !session.fetch(is_there).await?.is_empty() {
        return Ok(Some(id.clone()));
    }
    let hold = Statement::text(HOLD_KEY)
        .bind(queue.as_str())
        .bind(unique.key.as_str())
        .bind(id.as_str())
        .bind(later(session.now, unique.period))
        .bind(micros(session.now));
    if !session.fetch(hold).await?.is_empty() {
        return Ok(None);
    }
    let holder = Statement::text(KEY_HOLDER).bind(queue.as_str()).bind(unique.key.as_str());
    let row = session.fetch(holder).await?.into_iter().next();
    let row = row.ok_or_else(|| Error::internal("a unique key that is held has no holder"))?;
    Cells::of(row).next().map(job_id).map(Some)
}

/// Writes jobs of one queue and tells which of them were there already.
async fn insert(session: &mut Session<'_>, jobs: &[Prepared]) -> Result<Vec<Added>> {
    let statement = insert_statement(session, &jobs.iter().collect::<Vec<_>>(), "id");
    let rows = session.fetch(statement).await?;
    let mut fresh =
        rows.into_iter().map(|row| Cells::of(row).next().map(job_id)).collect::<Result<HashSet<JobId>>>()?;
    Ok(jobs
        .iter()
        .map(|prepared| &prepared.job.envelope.id)
        .map(|id| Added { id: id.clone(), duplicate: !fresh.remove(id) })
        .collect())
}

/// Writes jobs of one queue, those that were there already excepted, and answers these columns.
pub(super) fn insert_statement(session: &Session<'_>, jobs: &[&Prepared], columns: &str) -> Statement {
    let mut statement = Statement::text(insert_sql(session.dialect, jobs.len()) + columns);
    for (index, Prepared { job, context, options, has_children }) in jobs.iter().enumerate() {
        let envelope = &job.envelope;
        if index == 0 {
            statement = statement.bind(envelope.queue.as_str()).bind(micros(session.now));
        }
        let (completed, failed) = (envelope.options.keep_completed, envelope.options.keep_failed);
        let state = match has_children {
            true => JobState::WaitingChildren,
            false if job.due_at > session.now => JobState::Delayed,
            false => JobState::Waiting,
        };
        statement = statement
            .bind(envelope.id.as_str())
            .bind(envelope.kind.as_str())
            .bind(envelope.version)
            .bind(envelope.payload.to_vec())
            .bind(context.as_str())
            .bind(options.as_str())
            .bind(envelope.options.effective_priority().0)
            .bind(envelope.share().map(str::to_owned))
            .bind(job.serial_key.clone())
            .bind(completed.count)
            .bind(span(completed.age))
            .bind(failed.count)
            .bind(span(failed.age))
            .bind(state.as_str())
            .bind(state == JobState::Waiting && job.serial_key.is_some())
            .bind(micros(job.due_at.max(session.now)));
    }
    statement
}

fn insert_sql(dialect: Dialect, jobs: usize) -> String {
    let mut sql = "INSERT INTO athyper_jobs (queue, created_at, id, kind, version, payload, context, options, priority, \
                   share, serial_key, keep_completed_count, keep_completed_age, keep_failed_count, keep_failed_age, state, held, \
                   due_at, position) VALUES "
        .to_owned();
    for job in 0..jobs {
        let first = 3 + job * VALUES_A_JOB;
        let values: Vec<String> = (first..first + VALUES_A_JOB).map(|number| format!("${number}")).collect();
        let (priority, share, state, due_at) = (&values[6], &values[7], &values[13], &values[15]);
        let separator = if job == 0 { "" } else { ", " };
        let position = last_position(dialect, priority, due_at);
        sql.push_str(&format!(
            "{separator}($1, $2, {}, CASE WHEN {state} <> 'waiting' THEN {due_at} \
             WHEN CAST({share} AS TEXT) IS NOT NULL THEN {NO_TURN} ELSE {position} END)",
            values.join(", ")
        ));
    }
    sql + " ON CONFLICT (queue, id) DO NOTHING RETURNING "
}

/// How often a flow is looked at anew when somebody else added one of its jobs at the same time.
const FLOW_TRIES: u32 = 5;

/// Adds jobs inside a transaction that may go on whatever comes of it: of a flow that is not added, nothing is left.
pub(super) async fn add_inside<S: SqlStore>(
    session: &mut Session<'_>,
    shared: &Arc<Shared<S>>,
    batch: &Batch,
) -> Result<Vec<Added>> {
    if batch.shape.is_none() {
        return add(session, shared, batch).await;
    }
    let mut tries = 0;
    loop {
        session.execute(Statement::text("SAVEPOINT athyper_flow")).await?;
        let added = add(session, shared, batch).await;
        let Err(error) = added else {
            session.execute(Statement::text("RELEASE SAVEPOINT athyper_flow")).await?;
            return added;
        };
        tries += 1;
        // A transaction that has ended has undone it already.
        let is_undone = session.execute(Statement::text("ROLLBACK TO SAVEPOINT athyper_flow")).await.is_ok();
        if !is_undone || error.code() != "sql-serialization" || tries == FLOW_TRIES {
            return Err(error);
        }
    }
}
