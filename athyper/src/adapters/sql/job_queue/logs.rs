//! What attempts logged.

use async_trait::async_trait;

use super::finish::{HELD, on_held};
use super::record::Cells;
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::Result;
use crate::foundation::jobs::{JobId, LOG_ROWS, Lock, QueueName};
use crate::foundation::sql::{Row, Statement};

/// Appends a row to the log of a job that is held; answers whether it was.
pub(super) struct AppendLog {
    pub(super) lock: Lock,
    pub(super) row: String,
}

#[async_trait]
impl Operation for AppendLog {
    type Answer = bool;

    async fn apply(&self, session: &mut Session<'_>) -> Result<bool> {
        let count = format!("UPDATE athyper_jobs SET logged = logged + 1 WHERE {HELD} RETURNING seq, logged");
        let Some(counted) = session.fetch(on_held(count, &self.lock)).await?.into_iter().next() else {
            return Ok(false);
        };
        let (job, number): (i64, i64) = (counted.at(0)?, counted.at(1)?);
        let insert = "INSERT INTO athyper_job_logs (job, number, text) VALUES ($1, $2, $3)";
        session.execute(Statement::text(insert).bind(job).bind(number).bind(self.row.clone().into_bytes())).await?;
        let beyond = number.saturating_sub(i64::try_from(LOG_ROWS).unwrap_or(i64::MAX));
        if beyond > 0 {
            let trim = "DELETE FROM athyper_job_logs WHERE job = $1 AND number <= $2";
            session.execute(Statement::text(trim).bind(job).bind(beyond)).await?;
        }
        Ok(true)
    }
}

/// Removes the logs of jobs that are gone, whose rows are [`GONE`](super::finish::GONE).
pub(super) async fn remove_of(session: &mut Session<'_>, gone: &[Row]) -> Result<()> {
    for row in gone {
        if row.at::<i64>(2)? > 0 {
            let delete = "DELETE FROM athyper_job_logs WHERE job = $1";
            session.execute(Statement::text(delete).bind(row.at::<i64>(0)?)).await?;
        }
    }
    Ok(())
}

/// The log of a job, oldest row first.
pub(super) async fn read<S: SqlStore>(store: &S, queue: &QueueName, id: &JobId) -> Result<Vec<String>> {
    let sql = "SELECT logs.text FROM athyper_jobs AS jobs LEFT JOIN athyper_job_logs AS logs ON logs.job = jobs.seq \
               WHERE jobs.queue = $1 AND jobs.id = $2 ORDER BY logs.number";
    let rows = store.read(Statement::text(sql).bind(queue.as_str()).bind(id.as_str())).await?;
    if rows.is_empty() {
        return Err(queue.lacks(id));
    }
    // A job without a log is one row with nothing in it.
    let texts = rows.into_iter().filter_map(|row| Cells::of(row).bytes().transpose());
    texts.map(|text| text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())).collect()
}
