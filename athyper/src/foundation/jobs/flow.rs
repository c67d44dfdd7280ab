//! Flows: parents that wait for their children.

use std::collections::{HashMap, HashSet};
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{JobId, JobState, NewJob, QueueName};
use crate::foundation::error::{Error, ErrorKind, Result};

/// What it means for a parent that one of its children has failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ChildFailure {
    /// The parent fails as well, without running. Its other children go on.
    #[default]
    FailParent,
    /// The parent goes on at once, whatever its other children do.
    ContinueParent,
    /// The failure is kept for the parent, which runs once its last child is done.
    Ignore,
    /// The child is no child of the parent's any more, which runs once its last child is done.
    Forget,
    /// The parent waits until somebody retries or removes the child.
    Hold,
}

impl ChildFailure {
    /// Every policy.
    pub const ALL: [Self; 5] = [Self::FailParent, Self::ContinueParent, Self::Ignore, Self::Forget, Self::Hold];

    /// The name in stores and commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FailParent => "fail-parent",
            Self::ContinueParent => "continue-parent",
            Self::Ignore => "ignore",
            Self::Forget => "forget",
            Self::Hold => "hold",
        }
    }
}

impl fmt::Display for ChildFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The job that waits for a child.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parent {
    /// Its queue.
    pub queue: QueueName,
    /// Its id.
    pub id: JobId,
    /// What the child's final failure means for it.
    pub when_failed: ChildFailure,
}

/// A child as its parent knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildRecord {
    /// Its queue.
    pub queue: QueueName,
    /// Its id.
    pub id: JobId,
    /// Its kind; empty if the store does not know it any more.
    pub kind: String,
    /// Where it stands; how it ended stays known after the queue has let go of it.
    pub state: JobState,
    /// What its handler returned, as JSON, once it is completed.
    pub result: Option<Bytes>,
    /// Why it failed, or why its latest attempt did.
    pub error: Option<String>,
}

/// The most jobs of one flow: all of them are added by one call, which holds everybody else up.
pub const MOST_JOBS_OF_A_FLOW: usize = 5_000;

/// How the jobs of a call hang together.
#[derive(Debug)]
#[allow(dead_code, reason = "without a store there are no flows")]
pub(crate) struct FlowShape {
    /// The place of each job's parent among them; the first has none.
    pub(crate) parents: Vec<Option<usize>>,
    /// Whether it has children.
    pub(crate) has_children: Vec<bool>,
}

/// What a store knows of the jobs that it holds.
#[allow(dead_code, reason = "without a store there are no flows")]
pub(crate) trait Known {
    /// Whether a queue holds a job.
    fn holds(&self, queue: &QueueName, id: &JobId) -> bool;

    /// Whose a unique key is.
    fn holder(&self, queue: &QueueName, key: &str) -> Option<JobId>;

    /// The queue and the id of a job's parent, if that has not ended.
    fn living_parent(&self, queue: &QueueName, id: &JobId) -> Option<(QueueName, JobId)>;
}

#[allow(dead_code, reason = "without a store there are no flows")]
impl FlowShape {
    /// Where each job comes to stand.
    ///
    /// # Errors
    /// `Conflict` with the code `job-flow-parent` when a child has another living parent.
    pub(crate) fn standings(&self, jobs: &[&NewJob], known: &impl Known) -> Result<Vec<Standing>> {
        let mut standings: Vec<Standing> = Vec::with_capacity(jobs.len());
        let (mut fresh, mut keys) = (HashSet::new(), HashMap::new());
        let mut parents: HashMap<(&QueueName, JobId), Option<(QueueName, JobId)>> = HashMap::new();
        for (place, job) in jobs.iter().enumerate() {
            if self.parents[place].is_some_and(|above| standings[above] != Standing::New) {
                standings.push(Standing::Below);
                continue;
            }
            let (queue, own) = (&job.envelope.queue, &job.envelope.id);
            let wanted = job.parent.as_ref().map(|parent| (parent.queue.clone(), parent.id.clone()));
            let key = job.unique.as_ref().map(|unique| (queue, unique.key.as_str()));
            let is_there = fresh.contains(&(queue, own)) || known.holds(queue, own);
            let holder = key.and_then(|key| keys.get(&key).cloned().or_else(|| known.holder(queue, key.1)));
            let standing = if is_there { Some(own.clone()) } else { holder };
            let Some(id) = standing else {
                fresh.insert((queue, own));
                keys.extend(key.map(|key| (key, own.clone())));
                parents.insert((queue, own.clone()), wanted);
                standings.push(Standing::New);
                continue;
            };
            if wanted.is_some() {
                let current = parents.get(&(queue, id.clone())).cloned();
                let current = current.unwrap_or_else(|| known.living_parent(queue, &id));
                if let Some((queue, parent)) = current.filter(|current| Some(current) != wanted.as_ref()) {
                    return Err(another_parent(&id, format_args!("job {parent} in queue `{queue}`")));
                }
                parents.insert((queue, id.clone()), wanted);
            }
            standings.push(Standing::Duplicate(id));
        }
        Ok(standings)
    }

    /// The shape of the flow that is to be added; `None` if no job has a parent.
    ///
    /// # Errors
    /// `Invalid` with the code `job-flow` unless they are one tree, parents before their children, in which nobody waits for
    /// himself; with `job-flow-size` when there are too many.
    pub(crate) fn of<'a>(jobs: impl Iterator<Item = &'a NewJob> + Clone) -> Result<Option<Self>> {
        if jobs.clone().all(|job| job.parent.is_none()) {
            return Ok(None);
        }
        let jobs: Vec<&NewJob> = jobs.collect();
        if jobs.len() > MOST_JOBS_OF_A_FLOW {
            let message = format!("a flow has at most {MOST_JOBS_OF_A_FLOW} jobs, not {}", jobs.len());
            return Err(Error::invalid(message).with_code("job-flow-size"));
        }
        let mut shape = Self { parents: Vec::with_capacity(jobs.len()), has_children: vec![false; jobs.len()] };
        let mut places = HashMap::new();
        for (place, job) in jobs.iter().enumerate() {
            let (queue, id) = (&job.envelope.queue, &job.envelope.id);
            let parent = match &job.parent {
                Some(parent) => Some(places.get(&(&parent.queue, &parent.id)).copied().ok_or_else(|| {
                    invalid(format!(
                        "the parent {} of job {id} is not among the jobs before it: a flow is added by one call, parents first",
                        parent.id
                    ))
                })?),
                None if place > 0 => {
                    return Err(invalid(format!("job {id} has no parent: a flow has one root, which comes first")));
                }
                None => None,
            };
            let mut above = parent;
            while let Some(ancestor) = above {
                if stands_for(jobs[ancestor], job) {
                    return Err(invalid(format!("job {id} in queue `{queue}` would wait for itself")));
                }
                above = shape.parents[ancestor];
            }
            if let Some(parent) = parent {
                shape.has_children[parent] = true;
            }
            shape.parents.push(parent);
            places.entry((queue, id)).or_insert(place);
        }
        Ok(Some(shape))
    }
}

/// Whether one job is the other one's duplicate, by its id or its unique key.
fn stands_for(one: &NewJob, other: &NewJob) -> bool {
    let key = |job: &NewJob| job.unique.as_ref().map(|unique| unique.key.clone());
    one.envelope.queue == other.envelope.queue
        && (one.envelope.id == other.envelope.id || key(other).is_some() && key(one) == key(other))
}

fn invalid(message: String) -> Error {
    Error::invalid(message).with_code("job-flow")
}

/// Where a job of a flow comes to stand when it is added.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(dead_code, reason = "without a store there are no flows")]
pub(crate) enum Standing {
    /// It is new.
    New,
    /// An earlier job of its queue stands for it, and for everything below it.
    Duplicate(JobId),
    /// It is below a duplicate, and not added.
    Below,
}

/// A child that another living parent waits for already.
#[allow(dead_code, reason = "without a store there are no flows")]
pub(crate) fn another_parent(child: &JobId, parent: impl fmt::Display) -> Error {
    let message = format!(
        "job {child} is a child of {parent}, which has not ended: nothing was added, because a job has one parent at a time"
    );
    Error::new(ErrorKind::Conflict, message).with_code("job-flow-parent")
}

/// The error of a parent whose child failed.
#[allow(dead_code, reason = "without a store there are no flows")]
pub(crate) fn failed_by(queue: &QueueName, child: &JobId, error: Option<&str>) -> String {
    let reason = error.unwrap_or("no reason is recorded");
    format!("child {queue}/{child} failed: {reason}")
}
