//! Cancelling jobs.

use std::sync::Arc;

use async_trait::async_trait;

use super::Shared;
use super::finish::{ENDED, Sweep, end};
use super::ready::{promote, settle};
use super::record::{Cells, job_id, micros, read_state};
use crate::adapters::sql::dialect::kept;
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{CANCELLED, JobId, JobState, Lock, QueueName};
use crate::foundation::sql::Statement;

/// Ends a job that nobody holds, and marks one that somebody does.
pub(super) struct Cancel<S: SqlStore> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) queue: QueueName,
    pub(super) id: JobId,
}

#[async_trait]
impl<S: SqlStore> Operation for Cancel<S> {
    /// A refusal is an answer: nothing was written.
    type Answer = Result<()>;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Result<()>> {
        promote(session, &self.queue).await?;
        let on_job = |sql: String| Statement::text(sql).bind(self.queue.as_str()).bind(self.id.as_str());
        let find = format!("SELECT state FROM athyper_jobs WHERE queue = $1 AND id = $2{}", kept(session.dialect));
        let Some(row) = session.fetch(on_job(find)).await?.into_iter().next() else {
            return Ok(Err(self.queue.lacks(&self.id)));
        };
        let state = read_state(&Cells::of(row).next::<String>()?)?;
        if state.is_final() {
            let message =
                format!("job {} is {}, and only a job that has not ended can be cancelled", self.id, state.as_str());
            return Ok(Err(Error::new(ErrorKind::Conflict, message).with_code("job-state")));
        }
        if state == JobState::Active {
            let mark = "UPDATE athyper_jobs SET cancelled = TRUE WHERE queue = $1 AND id = $2".to_owned();
            session.execute(on_job(mark)).await?;
            return Ok(Ok(()));
        }
        let fail = format!(
            "UPDATE athyper_jobs SET error = $3, {} WHERE queue = $1 AND id = $2 {ENDED}",
            end(session.dialect, JobState::Failed)
        );
        let ended = session.fetch(on_job(fail).bind(CANCELLED).bind(micros(session.now))).await?.into_iter().next();
        if let Some(row) = ended {
            let key: Option<String> = row.at(0)?;
            let mut sweep = Sweep::default();
            sweep.after(session, &self.queue, JobState::Failed, &row).await?;
            sweep.end(session).await?;
            settle(session, &self.queue, key).await?;
        }
        self.shared.wake_after_commit(session, &self.queue);
        Ok(Ok(()))
    }
}

/// The jobs that are held and were cancelled.
pub(super) async fn cancelled<S: SqlStore>(store: &S, queue: &QueueName) -> Result<Vec<Lock>> {
    let sql = "SELECT id, attempts_started FROM athyper_jobs WHERE queue = $1 AND state = 'active' AND cancelled";
    let rows = store.read(Statement::text(sql).bind(queue.as_str())).await?;
    let read = |row| {
        let mut cells = Cells::of(row);
        Ok(Lock { queue: queue.clone(), id: cells.next().map(job_id)?, token: cells.next()? })
    };
    rows.into_iter().map(read).collect()
}
