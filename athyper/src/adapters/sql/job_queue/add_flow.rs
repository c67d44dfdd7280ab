//! Adding flows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;

use super::Shared;
use super::add::{HOLD_KEY, JOBS_A_STATEMENT, Prepared, finish_adding, insert_statement, name_queues};
use super::flows::{Ended, Family};
use super::record::{Cells, job_id, later, micros, queue_name, read_state};
use crate::adapters::sql::dialect::{kept, listed};
use crate::adapters::sql::operation::Session;
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Added, FlowShape, JobId, JobState, Known, NewJob, QueueName, Standing};
use crate::foundation::sql::{Row, Statement};

/// A job that is there already, and kept.
struct Earlier {
    seq: i64,
    kind: String,
    state: JobState,
    result: Option<Bytes>,
    error: Option<String>,
    parent: Option<i64>,
    living_parent: Option<(QueueName, JobId)>,
}

/// What is there already of the jobs of a flow.
#[derive(Default)]
struct Before {
    jobs: HashMap<(QueueName, JobId), Earlier>,
    keys: HashMap<(QueueName, String), JobId>,
}

impl Known for Before {
    fn holds(&self, queue: &QueueName, id: &JobId) -> bool {
        self.jobs.contains_key(&(queue.clone(), id.clone()))
    }

    fn holder(&self, queue: &QueueName, key: &str) -> Option<JobId> {
        self.keys.get(&(queue.clone(), key.to_owned())).cloned()
    }

    fn living_parent(&self, queue: &QueueName, id: &JobId) -> Option<(QueueName, JobId)> {
        self.jobs.get(&(queue.clone(), id.clone()))?.living_parent.clone()
    }
}

impl Before {
    async fn look(session: &mut Session<'_>, jobs: &[&NewJob]) -> Result<Self> {
        let mut before = Self::default();
        let wanted: Vec<(&QueueName, &JobId)> =
            jobs.iter().map(|job| (&job.envelope.queue, &job.envelope.id)).collect();
        before.find(session, &wanted).await?;
        for job in jobs {
            let Some(unique) = &job.unique else { continue };
            let queue = &job.envelope.queue;
            let sql = "SELECT job FROM athyper_job_keys WHERE queue = $1 AND key = $2 AND expires_at > $3";
            let holder = Statement::text(sql).bind(queue.as_str()).bind(unique.key.as_str()).bind(micros(session.now));
            if let Some(row) = session.fetch(holder).await?.into_iter().next() {
                let id = Cells::of(row).next().map(job_id)?;
                before.find(session, &[(queue, &id)]).await?;
                before.keys.insert((queue.clone(), unique.key.clone()), id);
            }
        }
        Ok(before)
    }

    async fn find(&mut self, session: &mut Session<'_>, wanted: &[(&QueueName, &JobId)]) -> Result<()> {
        let queues: HashSet<&QueueName> = wanted.iter().map(|(queue, _)| *queue).collect();
        let mut queues: Vec<&QueueName> = queues.into_iter().collect();
        queues.sort_unstable();
        for queue in queues {
            let ids: Vec<&JobId> = wanted.iter().filter(|(wanted, _)| *wanted == queue).map(|(_, id)| *id).collect();
            for ids in ids.chunks(JOBS_A_STATEMENT) {
                self.find_in(session, queue, ids).await?;
            }
        }
        Ok(())
    }

    async fn find_in(&mut self, session: &mut Session<'_>, queue: &QueueName, ids: &[&JobId]) -> Result<()> {
        let places: Vec<String> = (2..ids.len() + 2).map(|number| format!("${number}")).collect();
        let among = format!("FROM athyper_jobs WHERE queue = $1 AND id IN ({}) ORDER BY seq DESC", places.join(", "));
        let on_jobs = |sql: String| {
            ids.iter().fold(Statement::text(sql).bind(queue.as_str()), |statement, id| statement.bind(id.as_str()))
        };
        let kept = kept(session.dialect);
        if !kept.is_empty() {
            // What is read beside a row that had to be waited for is older than the row.
            session.fetch(on_jobs(format!("SELECT seq {among}{kept}"))).await?;
        }
        let look = format!(
            "SELECT id, seq, kind, state, result, error, parent, \
             (SELECT parents.queue FROM athyper_jobs AS parents WHERE parents.seq = athyper_jobs.parent \
             AND parents.state NOT IN ('completed', 'failed')), \
             (SELECT parents.id FROM athyper_jobs AS parents WHERE parents.seq = athyper_jobs.parent) {among}"
        );
        for row in session.fetch(on_jobs(look)).await? {
            let mut cells = Cells::of(row);
            let id = cells.next().map(job_id)?;
            let earlier = Earlier {
                seq: cells.next()?,
                kind: cells.next()?,
                state: read_state(&cells.next::<String>()?)?,
                result: cells.bytes()?,
                error: cells.next()?,
                parent: cells.next()?,
                living_parent: {
                    let (queue, id): (Option<String>, Option<String>) = (cells.next()?, cells.next()?);
                    queue.zip(id).map(|(queue, id)| (queue_name(queue), job_id(id)))
                },
            };
            self.jobs.insert((queue.clone(), id), earlier);
        }
        Ok(())
    }
}

/// A child of one of the jobs.
struct Link<'a> {
    parent: i64,
    place: usize,
    queue: &'a QueueName,
    id: JobId,
    seq: i64,
    kind: &'a str,
    when_failed: &'static str,
}

/// Adds a flow, all of it or nothing.
pub(super) async fn add_flow<S: SqlStore>(
    session: &mut Session<'_>,
    shared: &Arc<Shared<S>>,
    prepared: &[Prepared],
    shape: &FlowShape,
) -> Result<Vec<Added>> {
    let jobs: Vec<&NewJob> = prepared.iter().map(|prepared| &prepared.job).collect();
    let before = Before::look(session, &jobs).await?;
    let standings = shape.standings(&jobs, &before)?;
    name_queues(session, shared, prepared).await?;
    let fresh: Vec<usize> = (0..jobs.len()).filter(|place| standings[*place] == Standing::New).collect();
    let seqs = insert(session, prepared, &fresh).await?;
    // By its number in the call, or because it was there.
    let known_by: HashMap<(&QueueName, &JobId), usize> =
        fresh.iter().map(|place| ((&jobs[*place].envelope.queue, &jobs[*place].envelope.id), *place)).collect();
    let (mut links, mut family) = (Vec::new(), Family::default());
    for (place, job) in jobs.iter().enumerate() {
        let (Some(above), Some(parent)) = (shape.parents[place], &job.parent) else { continue };
        let id = match &standings[place] {
            Standing::New => &job.envelope.id,
            Standing::Duplicate(id) => id,
            Standing::Below => continue,
        };
        let queue = &job.envelope.queue;
        let parent_seq = seqs[&above];
        let earlier = before.jobs.get(&(queue.clone(), id.clone()));
        let (seq, kind) = match (known_by.get(&(queue, id)), earlier) {
            (Some(place), _) => (seqs[place], jobs[*place].envelope.kind.as_str()),
            (None, Some(earlier)) => (earlier.seq, earlier.kind.as_str()),
            // Its key outlasted it: there is nothing to wait for.
            (None, None) => {
                family.look_after(parent_seq);
                continue;
            }
        };
        if let Some(earlier) = earlier {
            // Who waited for it before has ended, and would wait for ever if it were tried again.
            if let Some(former) = earlier.parent.filter(|former| *former != parent_seq) {
                family.push(former, queue, id, Ended::Gone);
            }
            match earlier.state {
                JobState::Completed => {
                    family.push(parent_seq, queue, id, Ended::Completed(earlier.result.clone().unwrap_or_default()));
                }
                JobState::Failed => {
                    family.push(parent_seq, queue, id, Ended::Failed(earlier.error.clone().unwrap_or_default()));
                }
                _ => {}
            }
        }
        let when_failed = parent.when_failed.as_str();
        links.push(Link { parent: parent_seq, place, queue, id: id.clone(), seq, kind, when_failed });
    }
    write_links(session, &links).await?;
    let parents = fresh.iter().filter(|place| shape.has_children[**place]).map(|place| seqs[place]).collect();
    mark(session, "has_children = TRUE", None, parents).await?;
    finish_adding(session, shared, prepared).await?;
    family.tell(session, shared).await?;
    let answer = |(job, standing): (&&NewJob, &Standing)| Added {
        id: if let Standing::Duplicate(id) = standing { id.clone() } else { job.envelope.id.clone() },
        duplicate: *standing != Standing::New,
    };
    Ok(jobs.iter().zip(&standings).map(answer).collect())
}

/// Writes the new jobs, and answers with their numbers.
async fn insert(session: &mut Session<'_>, prepared: &[Prepared], fresh: &[usize]) -> Result<HashMap<usize, i64>> {
    for place in fresh {
        let job = &prepared[*place].job;
        let Some(unique) = &job.unique else { continue };
        let hold = Statement::text(HOLD_KEY)
            .bind(job.envelope.queue.as_str())
            .bind(unique.key.as_str())
            .bind(job.envelope.id.as_str())
            .bind(later(session.now, unique.period))
            .bind(micros(session.now));
        if session.fetch(hold).await?.is_empty() {
            return Err(at_the_same_time());
        }
    }
    let mut seqs = HashMap::with_capacity(fresh.len());
    let mut rest = fresh;
    while let Some(first) = rest.first() {
        let queue = prepared[*first].queue();
        let together =
            rest.iter().take(JOBS_A_STATEMENT).take_while(|place| prepared[**place].queue() == queue).count();
        let (now, later) = rest.split_at(together);
        rest = later;
        let these: Vec<&Prepared> = now.iter().map(|place| &prepared[*place]).collect();
        let rows = session.fetch(insert_statement(session, &these, "id, seq")).await?;
        let written = rows.into_iter().map(read_written).collect::<Result<HashMap<JobId, i64>>>()?;
        for place in now {
            let seq = written.get(&prepared[*place].job.envelope.id).ok_or_else(at_the_same_time)?;
            seqs.insert(*place, *seq);
        }
    }
    Ok(seqs)
}

fn read_written(row: Row) -> Result<(JobId, i64)> {
    let mut cells = Cells::of(row);
    Ok((cells.next().map(job_id)?, cells.next()?))
}

/// Somebody added one of the jobs since it was looked for: it is looked for again.
fn at_the_same_time() -> Error {
    Error::unavailable("a job of the flow was added by somebody else at the same time").with_code("sql-serialization")
}

/// Writes what parents know of their children, and children of their parents.
async fn write_links(session: &mut Session<'_>, links: &[Link<'_>]) -> Result<()> {
    const VALUES_A_LINK: usize = 6;
    for links in links.chunks(JOBS_A_STATEMENT) {
        let rows: Vec<String> = (0..links.len())
            .map(|number| {
                let first = number * VALUES_A_LINK + 1;
                let values: Vec<String> = (first..first + VALUES_A_LINK).map(|value| format!("${value}")).collect();
                format!("({}, 'waiting')", values.join(", "))
            })
            .collect();
        let sql = format!(
            "INSERT INTO athyper_job_children (parent, queue, id, place, kind, when_failed, state) VALUES {} \
             ON CONFLICT (parent, queue, id) DO NOTHING",
            rows.join(", ")
        );
        let statement = links.iter().fold(Statement::text(sql), |statement, link| {
            statement
                .bind(link.parent)
                .bind(link.queue.as_str())
                .bind(link.id.as_str())
                .bind(i64::try_from(link.place).unwrap_or(i64::MAX))
                .bind(link.kind)
                .bind(link.when_failed)
        });
        session.execute(statement).await?;
    }
    let mut children: HashMap<i64, Vec<i64>> = HashMap::new();
    for link in links {
        children.entry(link.parent).or_default().push(link.seq);
    }
    for (parent, children) in children {
        mark(session, "parent = $2", Some(parent), children).await?;
    }
    Ok(())
}

/// Changes the jobs of these numbers.
async fn mark(session: &mut Session<'_>, change: &str, value: Option<i64>, numbers: Vec<i64>) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    let sql = format!("UPDATE athyper_jobs SET {change} WHERE {}", listed(session.dialect, "$1"));
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    let statement = Statement::text(sql).bind(numbers.join(","));
    let statement = match value {
        Some(value) => statement.bind(value),
        None => statement,
    };
    session.execute(statement).await.map(drop)
}
