//! Recording what became of attempts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::flows::{self, Ended, Family};
use super::ready::{READY, line_up, settle};
use super::record::{later, micros};
use super::take::{Handed, take};
use super::turns::position_or_turn;
use super::{Shared, logs};
use crate::adapters::sql::dialect::{among, behind, greatest};
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::Result;
use crate::foundation::jobs::{CANCELLED, Finish, JobState, Lock, Outcome, QueueName, Take, Verdict};
use crate::foundation::sql::{Dialect, Row, Statement};

/// Records outcomes, and takes the next jobs.
pub(super) struct Close<S: SqlStore> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) outcomes: Vec<Finish>,
    pub(super) next: Option<Take>,
}

/// What [`Close`] made of it.
pub(super) struct Closed<S: SqlStore> {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) next: Handed<S>,
}

#[async_trait]
impl<S: SqlStore> Operation for Close<S> {
    type Answer = Closed<S>;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Closed<S>> {
        let mut verdicts = Vec::with_capacity(self.outcomes.len());
        let (mut sweep, mut family) = (Sweep::default(), Family::default());
        for finish in &self.outcomes {
            verdicts.push(close(session, &self.shared, finish, &mut sweep, &mut family).await?);
        }
        sweep.end(session).await?;
        family.tell(session, &self.shared).await?;
        let jobs = match &self.next {
            Some(request) => take(session, request).await?,
            None => Vec::new(),
        };
        Ok(Closed { verdicts, next: Handed { jobs, shared: self.shared.clone() } })
    }

    fn undelivered(answer: Closed<S>) {
        answer.next.give_back();
    }
}

/// The condition of [`on_held`].
pub(super) const HELD: &str = "queue = $1 AND id = $2 AND state = 'active' AND attempts_started = $3";
const LET_GO: &str = "worker = NULL, lock_boot = NULL, lock_until = NULL";

/// Begins a statement about a job that is held.
pub(super) fn on_held(sql: String, lock: &Lock) -> Statement {
    Statement::text(sql).bind(lock.queue.as_str()).bind(lock.id.as_str()).bind(lock.token)
}

async fn close<S: SqlStore>(
    session: &mut Session<'_>,
    shared: &Arc<Shared<S>>,
    finish: &Finish,
    sweep: &mut Sweep,
    family: &mut Family,
) -> Result<Verdict> {
    let lock = &finish.lock;
    let row = match &finish.outcome {
        Outcome::Complete(result) => {
            let statement =
                on_held(conclude_sql(session.dialect, JobState::Completed, "result = $5, error = NULL,"), lock);
            conclude(session, lock, JobState::Completed, statement, result.to_vec().into(), sweep).await?
        }
        Outcome::Fail { error } => {
            let statement = on_held(conclude_sql(session.dialect, JobState::Failed, "error = $5,"), lock);
            conclude(session, lock, JobState::Failed, statement, error.as_str().into(), sweep).await?
        }
        Outcome::Retry { error, delay } => postpone(session, lock, JobState::Delayed, *delay, 1, Some(error)).await?,
        Outcome::Snooze { delay } => postpone(session, lock, JobState::Delayed, *delay, 0, None).await?,
        Outcome::Park { reason, delay } => postpone(session, lock, JobState::Parked, *delay, 0, Some(reason)).await?,
        Outcome::Release => {
            let sql = format!(
                "UPDATE athyper_jobs SET state = 'waiting', held = serial_key IS NOT NULL, {LET_GO} WHERE {HELD} \
                 AND NOT cancelled RETURNING serial_key"
            );
            session.fetch(on_held(sql, lock)).await?.into_iter().next()
        }
    };
    let is_end = matches!(finish.outcome, Outcome::Complete(_) | Outcome::Fail { .. });
    let cancelled = if row.is_none() && !is_end { conclude_cancelled(session, lock, sweep).await? } else { None };
    let has_ended = is_end || cancelled.is_some();
    let Some(row) = row.or(cancelled) else { return Ok(Verdict::LostLock) };
    if has_ended {
        family.note(
            &row,
            &lock.queue,
            &lock.id,
            match &finish.outcome {
                Outcome::Complete(result) => Ended::Completed(result.clone()),
                Outcome::Fail { error } => Ended::Failed(error.clone()),
                _ => Ended::Failed(CANCELLED.to_owned()),
            },
        )?;
    }
    let key: Option<String> = row.at(0)?;
    // A finished job lets the next one of its key go, or another one beyond a limit; any other may be taken again itself.
    if key.is_some() || !has_ended || row.at(3)? {
        shared.wake_after_commit(session, &lock.queue);
    }
    match finish.outcome {
        Outcome::Retry { delay, .. } | Outcome::Snooze { delay } | Outcome::Park { delay, .. }
            if delay.is_zero() && !has_ended =>
        {
            line_up(session, &lock.queue, vec![row]).await?;
        }
        _ => settle(session, &lock.queue, key).await?,
    }
    Ok(Verdict::Applied)
}

/// Ends a job that would come back to wait and was cancelled.
async fn conclude_cancelled(session: &mut Session<'_>, lock: &Lock, sweep: &mut Sweep) -> Result<Option<Row>> {
    let sql = conclude_sql(session.dialect, JobState::Failed, "error = $5,");
    conclude(session, lock, JobState::Failed, on_held(sql, lock), CANCELLED.into(), sweep).await
}

/// The text that ends a job, for [`on_held`] with the instant as fourth and the result or error as fifth value.
fn conclude_sql(dialect: Dialect, state: JobState, columns: &str) -> String {
    format!(
        "UPDATE athyper_jobs SET attempts_made = attempts_made + 1, stalls = 0, {columns} {} WHERE {HELD} {ENDED}",
        end(dialect, state)
    )
}

/// What every end of a job sets; the instant is the fourth value.
pub(super) fn end(dialect: Dialect, state: JobState) -> String {
    let name = state.as_str();
    let position = format!(
        "$4, coalesce((SELECT max(others.position) + 1 FROM athyper_jobs AS others WHERE others.queue = $1 \
         AND others.state = '{name}' AND others.keep_until IS NOT NULL), $4)"
    );
    format!(
        "state = '{name}', finished_at = $4, keep_until = $4 + keep_{name}_age, held = FALSE, {LET_GO}, position = {}",
        greatest(dialect, &position)
    )
}

/// What every end of a job answers; in the end whether the queue has limits, so that others may run now, and its parent.
pub(super) const ENDED: &str = "RETURNING serial_key, keep_completed_count, keep_failed_count, \
     EXISTS (SELECT 1 FROM athyper_queues WHERE name = $1 AND limits IS NOT NULL), parent";

async fn conclude(
    session: &mut Session<'_>,
    lock: &Lock,
    state: JobState,
    statement: Statement,
    outcome: sea_query::Value,
    sweep: &mut Sweep,
) -> Result<Option<Row>> {
    let statement = statement.bind(micros(session.now)).bind(outcome);
    let row = session.fetch(statement).await?.into_iter().next();
    if let Some(row) = &row {
        sweep.after(session, &lock.queue, state, row).await?;
    }
    Ok(row)
}

async fn postpone(
    session: &mut Session<'_>,
    lock: &Lock,
    state: JobState,
    delay: Duration,
    attempts: u32,
    error: Option<&String>,
) -> Result<Option<Row>> {
    let state = if delay.is_zero() { JobState::Waiting } else { state };
    let sql = format!(
        "UPDATE athyper_jobs SET state = '{}', held = {} AND serial_key IS NOT NULL, due_at = $4, position = {}, stalls = 0, \
         attempts_made = attempts_made + $5, error = coalesce($6, error), {LET_GO} WHERE {HELD} \
         AND NOT cancelled {READY}",
        state.as_str(),
        if state == JobState::Waiting { "TRUE" } else { "FALSE" },
        if state == JobState::Waiting { position_or_turn("$4") } else { "$4".to_owned() }
    );
    let statement = on_held(sql, lock).bind(later(session.now, delay)).bind(attempts).bind(error.cloned());
    Ok(session.fetch(statement).await?.into_iter().next())
}

/// Removes finished jobs beyond their bounds. Jobs that finish one after another with the same bound are swept once.
#[derive(Default)]
pub(super) struct Sweep {
    due: Option<(QueueName, JobState, u32)>,
}

/// Also those whose own time has passed, whatever state they ended in.
fn sweep_sql(dialect: Dialect, state: JobState) -> String {
    let beyond = format!(
        "SELECT seq FROM athyper_jobs WHERE queue = $1 AND state = '{}' AND keep_until IS NOT NULL \
         ORDER BY position DESC {}",
        state.as_str(),
        behind(dialect, "$3")
    );
    format!(
        "DELETE FROM athyper_jobs WHERE {} OR {} {GONE}",
        among(dialect, "SELECT seq FROM athyper_jobs WHERE queue = $1 AND keep_until <= $2"),
        among(dialect, &beyond)
    )
}

/// What a statement that removes jobs answers for [`forget`].
pub(super) const GONE: &str = "RETURNING seq, has_children, logged";

/// Removes what was kept of jobs that are gone.
pub(super) async fn forget(session: &mut Session<'_>, gone: Vec<Row>) -> Result<()> {
    logs::remove_of(session, &gone).await?;
    flows::forget_children(session, gone).await
}

impl Sweep {
    /// Notes that a job has ended, whose row is [`ENDED`].
    pub(super) async fn after(
        &mut self,
        session: &mut Session<'_>,
        queue: &QueueName,
        state: JobState,
        row: &Row,
    ) -> Result<()> {
        let count: u32 = row.at(if state == JobState::Completed { 1 } else { 2 })?;
        let due = Some((queue.clone(), state, count));
        if self.due.is_some() && self.due != due {
            self.end(session).await?;
        }
        self.due = due;
        Ok(())
    }

    /// Sweeps.
    pub(super) async fn end(&mut self, session: &mut Session<'_>) -> Result<()> {
        if let Some((queue, state, count)) = self.due.take() {
            let sweep = Statement::text(sweep_sql(session.dialect, state))
                .bind(queue.as_str())
                .bind(micros(session.now))
                .bind(count);
            let gone = session.fetch(sweep).await?;
            forget(session, gone).await?;
        }
        Ok(())
    }
}
