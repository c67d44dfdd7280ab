//! Changing one job by hand.

use std::sync::Arc;

use async_trait::async_trait;

use super::Shared;
use super::finish::{GONE, forget};
use super::flows::{self, Ended, Family, Found};
use super::ready::{make_ready_sql, promote, settle};
use super::record::micros;
use super::turns;
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{JobId, JobState, QueueName};
use crate::foundation::sql::Statement;

/// A change of one job by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Remove,
    Retry,
    Promote,
}

impl Change {
    /// In which states it is allowed, and what to say otherwise.
    fn rule(self) -> (&'static [JobState], &'static str) {
        match self {
            Self::Remove => (
                &[
                    JobState::Waiting,
                    JobState::Delayed,
                    JobState::Parked,
                    JobState::WaitingChildren,
                    JobState::Completed,
                    JobState::Failed,
                ],
                "and only a job that no worker holds can be removed",
            ),
            Self::Retry => (&[JobState::Failed], "and only a failed job can be retried"),
            Self::Promote => {
                (&[JobState::Delayed, JobState::Parked], "and only a delayed or parked job can be promoted")
            }
        }
    }
}

/// What a retry sets.
const BEGIN_ANEW: &str = ", attempts_made = 0, stalls = 0, cancelled = FALSE, finished_at = NULL, keep_until = NULL";

pub(super) struct ChangeOne<S: SqlStore> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) queue: QueueName,
    pub(super) id: JobId,
    pub(super) change: Change,
}

#[async_trait]
impl<S: SqlStore> Operation for ChangeOne<S> {
    /// A refusal is an answer: nothing was written.
    type Answer = Result<()>;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Result<()>> {
        promote(session, &self.queue).await?;
        let found = flows::find(session, &self.queue, &self.id).await?;
        let Some((job, below)) = found.split_first() else {
            return Ok(Err(self.queue.lacks(&self.id)));
        };
        let (allowed, rule) = self.change.rule();
        if !allowed.contains(&job.state) {
            return Ok(Err(self.refuse(format_args!("is {}, {rule}", job.state.as_str()))));
        }
        let mut family = Family::default();
        match self.change {
            Change::Remove => {
                if let Some(active) = below.iter().find(|below| below.state == JobState::Active) {
                    let why = format!(
                        "is the parent of job {}, which is active, and a parent goes with its children",
                        active.id
                    );
                    return Ok(Err(self.refuse(why)));
                }
                for found in &found {
                    self.remove(session, found).await?;
                }
                if let Some(parent) = job.parent {
                    family.push(parent, &self.queue, &self.id, Ended::Gone);
                }
            }
            Change::Retry => self.retry(session, job).await?,
            Change::Promote => self.execute(session, make_ready_sql(session.dialect, ""), job).await?,
        }
        for found in if self.change == Change::Remove { &found } else { std::slice::from_ref(job) } {
            if found.is_fair {
                turns::give(session, &found.queue).await?;
            }
            settle(session, &found.queue, found.serial_key.clone()).await?;
            self.shared.wake_after_commit(session, &found.queue);
        }
        family.tell(session, &self.shared).await?;
        Ok(Ok(()))
    }
}

impl<S: SqlStore> ChangeOne<S> {
    fn refuse(&self, why: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Conflict, format!("job {} {why}", self.id)).with_code("job-state")
    }

    /// Runs a statement about a job, whose third value is the time.
    async fn execute(&self, session: &mut Session<'_>, sql: String, job: &Found) -> Result<()> {
        let statement = Statement::text(sql).bind(job.queue.as_str()).bind(job.id.as_str());
        session.execute(statement.bind(micros(session.now))).await.map(drop)
    }

    async fn remove(&self, session: &mut Session<'_>, job: &Found) -> Result<()> {
        let sql = format!("DELETE FROM athyper_jobs WHERE queue = $1 AND id = $2 {GONE}");
        let gone = session.fetch(Statement::text(sql).bind(job.queue.as_str()).bind(job.id.as_str())).await?;
        forget(session, gone).await?;
        let sql = "DELETE FROM athyper_job_keys WHERE queue = $1 AND job = $2";
        session.execute(Statement::text(sql).bind(job.queue.as_str()).bind(job.id.as_str())).await.map(drop)
    }

    async fn retry(&self, session: &mut Session<'_>, job: &Found) -> Result<()> {
        if let Some(parent) = job.parent {
            flows::rejoin(session, parent, &self.queue, &self.id).await?;
        }
        if job.has_children && flows::must_wait(session, job.seq).await? {
            let sql = format!(
                "UPDATE athyper_jobs SET state = 'waiting-children', held = FALSE, due_at = $3, position = $3{BEGIN_ANEW} \
                 WHERE queue = $1 AND id = $2"
            );
            return self.execute(session, sql, job).await;
        }
        self.execute(session, make_ready_sql(session.dialect, BEGIN_ANEW), job).await
    }
}
