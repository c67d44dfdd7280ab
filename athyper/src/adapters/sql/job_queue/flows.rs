//! Parents that wait for their children.
//!
//! Whoever ends a child keeps the row of its parent, unless that is active, before looking whether the parent waits for others, so
//! that one of several that end at the same time lets it go. Parents are kept from the highest number down: a child is written
//! after its parent, so that whoever goes up the tree, and whoever keeps a whole one, comes by the rows in the same order.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::Shared;
use super::finish::{ENDED, Sweep, end};
use super::ready::{line_up, make_ready_sql, settle};
use super::record::{Cells, job_id, micros, queue_name, read_policy, read_state};
use crate::adapters::sql::dialect::{kept, listed};
use crate::adapters::sql::operation::Session;
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::Result;
use crate::foundation::jobs::{ChildFailure, ChildRecord, JobId, JobState, QueueName, failed_by};
use crate::foundation::sql::{Row, Statement};

/// How a job ended, for its parent.
#[derive(Debug)]
pub(super) enum Ended {
    Completed(Bytes),
    Failed(String),
    /// It is not there any more.
    Gone,
}

#[derive(Debug)]
struct Child {
    queue: QueueName,
    id: JobId,
    ended: Ended,
}

/// The children that ended in a transaction, by the numbers of their parents.
#[derive(Debug, Default)]
pub(super) struct Family {
    ended: BTreeMap<i64, Vec<Child>>,
}

/// The children that held their parents, and are not kept any longer. `$1` is the queue.
pub(super) const LEFT: &str = "SELECT 1 FROM athyper_job_children AS children WHERE children.queue = $1 AND children.state = 'holding' \
     AND NOT EXISTS (SELECT 1 FROM athyper_jobs AS jobs WHERE jobs.queue = children.queue AND jobs.id = children.id \
     AND jobs.parent = children.parent)";

const OPEN: &str = "state IN ('waiting', 'holding')";
const ROW: &str = "parent = $1 AND queue = $2 AND id = $3";

impl Family {
    /// Notes that a job has ended, whose row is [`ENDED`].
    pub(super) fn note(&mut self, row: &Row, queue: &QueueName, id: &JobId, ended: Ended) -> Result<()> {
        if let Some(parent) = row.at::<Option<i64>>(4)? {
            self.push(parent, queue, id, ended);
        }
        Ok(())
    }

    pub(super) fn push(&mut self, parent: i64, queue: &QueueName, id: &JobId, ended: Ended) {
        let child = Child { queue: queue.clone(), id: id.clone(), ended };
        self.ended.entry(parent).or_default().push(child);
    }

    /// Looks after a parent of which no child has ended now.
    pub(super) fn look_after(&mut self, parent: i64) {
        self.ended.entry(parent).or_default();
    }

    /// Notes the children of a queue that held their parents, and are not kept any longer.
    pub(super) async fn note_left(&mut self, session: &mut Session<'_>, queue: &QueueName) -> Result<()> {
        let left = LEFT.replacen("SELECT 1", "SELECT parent, id", 1);
        for row in session.fetch(Statement::text(left).bind(queue.as_str())).await? {
            let mut cells = Cells::of(row);
            let (parent, id) = (cells.next()?, cells.next().map(job_id)?);
            self.push(parent, queue, &id, Ended::Gone);
        }
        Ok(())
    }

    /// Tells the parents.
    pub(super) async fn tell<S: SqlStore>(mut self, session: &mut Session<'_>, shared: &Arc<Shared<S>>) -> Result<()> {
        while let Some((parent, children)) = self.ended.pop_last() {
            let keep = format!(
                "SELECT queue, id, state, CASE WHEN due_at > created_at THEN due_at END FROM athyper_jobs WHERE seq = $1 AND state <> 'active'{}",
                kept(session.dialect)
            );
            let keep = session.fetch(Statement::text(keep).bind(parent)).await?.into_iter().next();
            let waiting = keep.map(Waiting::read).transpose()?;
            let (mut goes_on, mut condemned_by) = (false, None);
            for child in children {
                match write(session, parent, &child).await? {
                    Some(ChildFailure::FailParent) => condemned_by = condemned_by.or(Some(child)),
                    Some(ChildFailure::ContinueParent) => goes_on = true,
                    _ => {}
                }
            }
            let Some(waiting) = waiting else { continue };
            let is_put_off = matches!(waiting.state, JobState::Delayed | JobState::Parked);
            let waits = waiting.state == JobState::WaitingChildren;
            if let Some(Child { queue, id, ended: Ended::Failed(error) }) = condemned_by.filter(|_| waits || is_put_off)
            {
                let error = failed_by(&queue, &id, Some(&error));
                fail(session, shared, (&waiting.queue, &waiting.id), &error, &mut self).await?;
            } else if waits && (goes_on || !has_open(session, parent).await?) {
                waiting.release(session, shared).await?;
            }
        }
        Ok(())
    }
}

/// Writes how a child ended. Answers with what that means for its parent, if it has failed and was waited for.
async fn write(session: &mut Session<'_>, parent: i64, child: &Child) -> Result<Option<ChildFailure>> {
    let on_row = |sql: String| Statement::text(sql).bind(parent).bind(child.queue.as_str()).bind(child.id.as_str());
    match &child.ended {
        Ended::Completed(result) => {
            let sql = format!(
                "UPDATE athyper_job_children SET state = 'completed', result = $4, error = NULL WHERE {ROW} AND {OPEN}"
            );
            session.execute(on_row(sql).bind(result.to_vec())).await?;
            Ok(None)
        }
        Ended::Failed(error) => {
            let sql = format!(
                "UPDATE athyper_job_children SET state = CASE when_failed WHEN 'hold' THEN 'holding' ELSE 'failed' END, error = $4 \
                 WHERE {ROW} AND {OPEN} RETURNING when_failed"
            );
            let row = session.fetch(on_row(sql).bind(error.as_str())).await?.into_iter().next();
            let policy = row.map(|row| read_policy(&Cells::of(row).next::<String>()?)).transpose()?;
            if policy == Some(ChildFailure::Forget) {
                session.execute(on_row(format!("DELETE FROM athyper_job_children WHERE {ROW}"))).await?;
            }
            Ok(policy)
        }
        Ended::Gone => {
            session.execute(on_row(format!("DELETE FROM athyper_job_children WHERE {ROW} AND {OPEN}"))).await?;
            Ok(None)
        }
    }
}

async fn has_open(session: &mut Session<'_>, parent: i64) -> Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM athyper_job_children WHERE parent = $1 AND {OPEN})");
    let row = session.fetch(Statement::text(sql).bind(parent)).await?.into_iter().next();
    row.map_or(Ok(false), |row| Cells::of(row).next())
}

/// Whether a parent that is to run again must wait. Children that end at this moment are waited for.
pub(super) async fn must_wait(session: &mut Session<'_>, parent: i64) -> Result<bool> {
    let sql = format!("SELECT 1 FROM athyper_job_children WHERE parent = $1 AND {OPEN}{}", kept(session.dialect));
    Ok(!session.fetch(Statement::text(sql).bind(parent)).await?.is_empty())
}

/// A parent that is kept.
struct Waiting {
    queue: QueueName,
    id: JobId,
    state: JobState,
    /// When it is due, if it was added with a delay.
    due_at: Option<i64>,
}

impl Waiting {
    fn read(row: Row) -> Result<Self> {
        let mut cells = Cells::of(row);
        Ok(Self {
            queue: cells.next().map(queue_name)?,
            id: cells.next().map(job_id)?,
            state: read_state(&cells.next::<String>()?)?,
            due_at: cells.next()?,
        })
    }

    /// It is ready, but no earlier than it is due.
    async fn release<S: SqlStore>(&self, session: &mut Session<'_>, shared: &Arc<Shared<S>>) -> Result<()> {
        let on_job = |sql: String| Statement::text(sql).bind(self.queue.as_str()).bind(self.id.as_str());
        if self.due_at.is_some_and(|due_at| due_at > micros(session.now)) {
            let sql =
                "UPDATE athyper_jobs SET state = 'delayed', position = due_at WHERE queue = $1 AND id = $2".to_owned();
            session.execute(on_job(sql)).await?;
        } else {
            let ready = on_job(make_ready_sql(session.dialect, "")).bind(micros(session.now));
            let rows = session.fetch(ready).await?;
            line_up(session, &self.queue, rows).await?;
        }
        shared.wake_after_commit(session, &self.queue);
        Ok(())
    }
}

/// Ends a job that nobody holds.
pub(super) async fn fail<S: SqlStore>(
    session: &mut Session<'_>,
    shared: &Arc<Shared<S>>,
    (queue, id): (&QueueName, &JobId),
    error: &str,
    family: &mut Family,
) -> Result<()> {
    let sql = format!(
        "UPDATE athyper_jobs SET error = $3, {} WHERE queue = $1 AND id = $2 {ENDED}",
        end(session.dialect, JobState::Failed)
    );
    let fail = Statement::text(sql).bind(queue.as_str()).bind(id.as_str()).bind(error).bind(micros(session.now));
    if let Some(row) = session.fetch(fail).await?.into_iter().next() {
        let mut sweep = Sweep::default();
        sweep.after(session, queue, JobState::Failed, &row).await?;
        sweep.end(session).await?;
        settle(session, queue, row.at::<Option<String>>(0)?).await?;
        family.note(&row, queue, id, Ended::Failed(error.to_owned()))?;
    }
    shared.wake_after_commit(session, queue);
    Ok(())
}

/// A job that is kept, for a change by hand.
pub(super) struct Found {
    pub(super) seq: i64,
    pub(super) queue: QueueName,
    pub(super) id: JobId,
    pub(super) state: JobState,
    pub(super) serial_key: Option<String>,
    pub(super) is_fair: bool,
    pub(super) parent: Option<i64>,
    pub(super) has_children: bool,
}

impl Found {
    fn read(row: Row) -> Result<Self> {
        let mut cells = Cells::of(row);
        Ok(Self {
            seq: cells.next()?,
            queue: cells.next().map(queue_name)?,
            id: cells.next().map(job_id)?,
            state: read_state(&cells.next::<String>()?)?,
            serial_key: cells.next()?,
            is_fair: cells.next()?,
            parent: cells.next()?,
            has_children: cells.next::<Option<bool>>()?.unwrap_or_default(),
        })
    }
}

const FOUND: &str =
    "SELECT seq, queue, id, state, serial_key, share IS NOT NULL, parent, has_children FROM athyper_jobs WHERE";

/// Keeps a job and those below it: the job comes first, the others after their parents.
pub(super) async fn find(session: &mut Session<'_>, queue: &QueueName, id: &JobId) -> Result<Vec<Found>> {
    let on_job = |sql: String| Statement::text(sql).bind(queue.as_str()).bind(id.as_str());
    let keep = kept(session.dialect);
    let alone = format!("{FOUND} queue = $1 AND id = $2 AND has_children IS NULL{keep}");
    if let Some(row) = session.fetch(on_job(alone)).await?.into_iter().next() {
        return Ok(vec![Found::read(row)?]);
    }
    // A whole tree is kept from its leaves up, as by those that end its jobs.
    let tree = format!(
        "WITH RECURSIVE tree (seq) AS (SELECT seq FROM athyper_jobs WHERE queue = $1 AND id = $2 UNION \
         SELECT jobs.seq FROM tree JOIN athyper_job_children AS children ON children.parent = tree.seq \
         JOIN athyper_jobs AS jobs ON jobs.queue = children.queue AND jobs.id = children.id AND jobs.parent = tree.seq) \
         {FOUND} seq IN (SELECT seq FROM tree) ORDER BY seq DESC{keep}"
    );
    let rows = session.fetch(on_job(tree)).await?;
    let mut found = rows.into_iter().map(Found::read).collect::<Result<Vec<_>>>()?;
    found.sort_by_key(|found| ((&found.queue, &found.id) != (queue, id), found.seq));
    Ok(found)
}

/// Lets go of what parents knew, of which some are among the rows of jobs that were deleted.
pub(super) async fn forget_children(session: &mut Session<'_>, gone: Vec<Row>) -> Result<()> {
    let mut parents = Vec::new();
    for row in gone {
        let mut cells = Cells::of(row);
        let (seq, has_children): (i64, Option<bool>) = (cells.next()?, cells.next()?);
        parents.extend(has_children.unwrap_or_default().then(|| seq.to_string()));
    }
    if parents.is_empty() {
        return Ok(());
    }
    let parents_of = listed(session.dialect, "$1").replacen("seq", "parent", 1);
    let forget = format!("DELETE FROM athyper_job_children WHERE {parents_of}");
    session.execute(Statement::text(forget).bind(parents.join(","))).await.map(drop)
}

/// A failed child is tried again: it is waited for again.
pub(super) async fn rejoin(session: &mut Session<'_>, parent: i64, queue: &QueueName, id: &JobId) -> Result<()> {
    let sql = format!(
        "UPDATE athyper_job_children SET state = 'waiting', error = NULL WHERE {ROW} AND state IN ('failed', 'holding')"
    );
    let rejoin = Statement::text(sql).bind(parent).bind(queue.as_str()).bind(id.as_str());
    session.execute(rejoin).await.map(drop)
}

const CHILDREN: &str = "SELECT children.queue, children.id, children.kind, children.state, children.result, children.error, \
     jobs.state, jobs.due_at, jobs.error FROM athyper_jobs AS parents \
     JOIN athyper_job_children AS children ON children.parent = parents.seq \
     LEFT JOIN athyper_jobs AS jobs ON jobs.queue = children.queue AND jobs.id = children.id AND jobs.parent = parents.seq \
     WHERE parents.queue = $1 AND parents.id = $2 ORDER BY children.place";

/// The children of a job.
pub(super) async fn children<S: SqlStore>(store: &S, queue: &QueueName, id: &JobId) -> Result<Vec<ChildRecord>> {
    let now = micros(store.clock().now());
    let rows = store.read(Statement::text(CHILDREN).bind(queue.as_str()).bind(id.as_str())).await?;
    rows.into_iter().map(|row| read_child(row, now)).collect()
}

fn read_child(row: Row, now: i64) -> Result<ChildRecord> {
    let mut cells = Cells::of(row);
    let (queue, id, kind) = (cells.next().map(queue_name)?, cells.next().map(job_id)?, cells.next()?);
    let (told, result, error): (String, _, Option<String>) = (cells.next()?, cells.bytes()?, cells.next()?);
    let (state, due_at, latest): (Option<String>, Option<i64>, Option<String>) =
        (cells.next()?, cells.next()?, cells.next()?);
    let is_due = due_at.is_some_and(|due_at| due_at <= now);
    let (state, error) = match (told.as_str(), state) {
        ("completed", _) => (JobState::Completed, None),
        ("waiting", Some(state)) => match read_state(&state)? {
            JobState::Delayed | JobState::Parked if is_due => (JobState::Waiting, latest),
            state => (state, latest),
        },
        _ => (JobState::Failed, error),
    };
    Ok(ChildRecord { queue, id, kind, state, result, error })
}
