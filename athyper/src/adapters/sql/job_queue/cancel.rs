//! Cancelling jobs.

use std::sync::Arc;

use async_trait::async_trait;

use super::Shared;
use super::flows::{self, Family};
use super::ready::promote;
use super::record::{Cells, job_id};
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{CANCELLED, JobId, JobState, Lock, QueueName};
use crate::foundation::sql::Statement;

/// Ends a job that nobody holds, and marks one that somebody does; with those below it if it waits for them.
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
        let found = flows::find(session, &self.queue, &self.id).await?;
        let Some(job) = found.first() else {
            return Ok(Err(self.queue.lacks(&self.id)));
        };
        if job.state.is_final() {
            let message = format!(
                "job {} is {}, and only a job that has not ended can be cancelled",
                self.id,
                job.state.as_str()
            );
            return Ok(Err(Error::new(ErrorKind::Conflict, message).with_code("job-state")));
        }
        // A parent that waits for its children goes with them.
        let many = if job.state == JobState::WaitingChildren { found.len() } else { 1 };
        let mut family = Family::default();
        for job in found[..many].iter().filter(|job| !job.state.is_final()) {
            if job.state == JobState::Active {
                let mark = "UPDATE athyper_jobs SET cancelled = TRUE WHERE queue = $1 AND id = $2";
                session.execute(Statement::text(mark).bind(job.queue.as_str()).bind(job.id.as_str())).await?;
            } else {
                flows::fail(session, &self.shared, (&job.queue, &job.id), CANCELLED, &mut family).await?;
            }
        }
        family.tell(session, &self.shared).await?;
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
