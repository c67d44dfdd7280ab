//! Taking jobs back: from silent workers, and from the shelf of those that nobody could run.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::Shared;
use super::finish::{ENDED, HELD, Sweep, end, on_held};
use super::flows::{self, Ended, Family};
use super::ready::{READY, last_position, line_up, promote, settle};
use super::record::{Cells, job_id, micros, read_text};
use super::turns::position_or_turn;
use crate::adapters::sql::dialect::{LockClock, kept_if_free};
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::Result;
use crate::foundation::jobs::{CANCELLED, JobState, Lock, QueueName, Recovered, RecoveryPolicy};
use crate::foundation::sql::{Row, Statement};

/// Whether there is anything for [`Recover`] to do: silent workers in a queue, or unique keys whose time has passed.
pub(super) fn is_needed_sql(locks: &LockClock) -> String {
    format!(
        "SELECT EXISTS (SELECT 1 FROM athyper_jobs WHERE {}) \
         OR EXISTS (SELECT 1 FROM athyper_job_keys WHERE expires_at <= $4) OR EXISTS ({})",
        silent(locks),
        flows::LEFT
    )
}

/// Which jobs of a queue are held by nobody any more.
fn silent(locks: &LockClock) -> String {
    let now = locks.now_sql("$2");
    format!("queue = $1 AND state = 'active' AND (lock_until <= {now} OR lock_boot <> $3)")
}

const FORGET_KEYS: &str = "DELETE FROM athyper_job_keys WHERE expires_at <= $1";

/// Takes back the jobs whose lock ran out.
pub(super) struct Recover<S: SqlStore> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) queue: QueueName,
    pub(super) policy: RecoveryPolicy,
}

struct Silent {
    lock: Lock,
    kind: String,
    stalls: u32,
    is_cancelled: bool,
}

impl Silent {
    fn read(row: Row, queue: &QueueName) -> Result<Self> {
        let mut cells = Cells::of(row);
        let (id, kind, token, stalls) = (cells.next().map(job_id)?, cells.next()?, cells.next()?, cells.next()?);
        let is_cancelled = cells.next()?;
        Ok(Self { lock: Lock { queue: queue.clone(), id, token }, kind, stalls, is_cancelled })
    }
}

#[async_trait]
impl<S: SqlStore> Operation for Recover<S> {
    type Answer = Vec<Recovered>;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Vec<Recovered>> {
        session.execute(Statement::text(FORGET_KEYS).bind(micros(session.now))).await?;
        let silent = format!(
            "SELECT id, kind, attempts_started, stalls, cancelled FROM athyper_jobs WHERE {} ORDER BY priority, position, seq{}",
            silent(&session.locks),
            kept_if_free(session.dialect)
        );
        let silent = Statement::text(silent)
            .bind(self.queue.as_str())
            .bind(session.locks.now())
            .bind(session.locks.boot().to_owned());
        let rows = session.fetch(silent).await?;
        let mut recovered = Vec::with_capacity(rows.len());
        let (mut sweep, mut family) = (Sweep::default(), Family::default());
        for row in rows {
            let silent = Silent::read(row, &self.queue)?;
            recovered.push(self.take_back(session, silent, &mut sweep, &mut family).await?);
        }
        sweep.end(session).await?;
        family.note_left(session, &self.queue).await?;
        family.tell(session, &self.shared).await?;
        if !recovered.is_empty() {
            self.shared.wake_after_commit(session, &self.queue);
        }
        Ok(recovered)
    }
}

impl<S: SqlStore> Recover<S> {
    async fn take_back(
        &self,
        session: &mut Session<'_>,
        silent: Silent,
        sweep: &mut Sweep,
        family: &mut Family,
    ) -> Result<Recovered> {
        let stalls = silent.stalls.saturating_add(1);
        let state =
            if silent.is_cancelled || stalls > self.policy.max_stalls { JobState::Failed } else { JobState::Waiting };
        let row = if state == JobState::Failed {
            let sql = format!(
                "UPDATE athyper_jobs SET stalls = $5, error = $6, {} WHERE {} {ENDED}",
                end(session.dialect, state),
                HELD
            );
            let error = if silent.is_cancelled {
                CANCELLED.to_owned()
            } else {
                format!("its worker went silent {stalls} times in a row while it held the job")
            };
            let fail = on_held(sql, &silent.lock).bind(micros(session.now)).bind(stalls).bind(error.as_str());
            let row = session.fetch(fail).await?.into_iter().next();
            if let Some(row) = &row {
                sweep.after(session, &self.queue, state, row).await?;
                family.note(row, &self.queue, &silent.lock.id, Ended::Failed(error))?;
            }
            row
        } else {
            // It keeps its place in the order: it has waited long enough.
            let sql = format!(
                "UPDATE athyper_jobs SET state = 'waiting', held = serial_key IS NOT NULL, stalls = $4, worker = NULL, \
                 lock_boot = NULL, lock_until = NULL WHERE {} RETURNING serial_key",
                HELD
            );
            session.fetch(on_held(sql, &silent.lock).bind(stalls)).await?.into_iter().next()
        };
        let key = row.map(read_text).transpose()?.flatten();
        settle(session, &self.queue, key).await?;
        Ok(Recovered { id: silent.lock.id, kind: silent.kind, state })
    }
}

/// Makes parked jobs of some kinds ready; answers how many.
pub(super) struct ReleaseParked<S: SqlStore> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) queue: QueueName,
    pub(super) kinds: Vec<String>,
}

#[async_trait]
impl<S: SqlStore> Operation for ReleaseParked<S> {
    type Answer = u64;

    async fn apply(&self, session: &mut Session<'_>) -> Result<u64> {
        promote(session, &self.queue).await?;
        let sql = format!(
            "UPDATE athyper_jobs SET state = 'waiting', due_at = $3, position = {}, held = serial_key IS NOT NULL \
             WHERE queue = $1 AND state = 'parked' AND kind = $2 {READY}",
            position_or_turn(&last_position(session.dialect, "athyper_jobs.priority", "$3"))
        );
        let mut released = 0;
        let kinds: BTreeSet<&String> = self.kinds.iter().collect();
        for kind in kinds {
            let release =
                Statement::text(sql.clone()).bind(self.queue.as_str()).bind(kind.as_str()).bind(micros(session.now));
            let rows = session.fetch(release).await?;
            released += rows.len() as u64;
            line_up(session, &self.queue, rows).await?;
        }
        if released > 0 {
            self.shared.wake_after_commit(session, &self.queue);
        }
        Ok(released)
    }
}
