//! Faults of flows.

use std::time::Duration;

use athyper::Result;
use athyper::jobs::{
    Added, ChildFailure, ChildRecord, JobAdministration, JobId, JobQueue, JobState, NewJob, QueueName,
};

use crate::broken::BrokenQueue;
use crate::fault::Fault;

impl BrokenQueue {
    /// Adds jobs of which some name parents, in one call.
    pub(crate) async fn add_flow_with_fault(&self, mut jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        for job in &mut jobs {
            self.change_job(job);
        }
        let root = jobs.first().map(|job| (job.envelope.queue.clone(), job.envelope.id.clone()));
        match self.fault {
            Some(Fault::IgnoresParents) => {
                jobs.iter_mut().for_each(|job| job.parent = None);
                return self.add_each(jobs).await;
            }
            Some(Fault::AddsFlowsOfDuplicates) => {
                let (queue, id) = root.unwrap();
                if self.inner.get(&queue, &id).await?.is_some() {
                    jobs.iter_mut().for_each(|job| job.parent = None);
                    return self.add_each(jobs).await;
                }
            }
            Some(Fault::FlattensFlows) => {
                let (queue, id) = root.unwrap();
                for parent in jobs.iter_mut().filter_map(|job| job.parent.as_mut()) {
                    (parent.queue, parent.id) = (queue.clone(), id.clone());
                }
            }
            Some(Fault::EveryFailureFailsTheParent) => say(&mut jobs, ChildFailure::FailParent),
            Some(Fault::EveryFailureIsIgnored) => say(&mut jobs, ChildFailure::Ignore),
            Some(Fault::RunsDuplicateChildren) => {
                for (number, job) in jobs.iter_mut().enumerate().filter(|(_, job)| job.parent.is_some()) {
                    job.unique = None;
                    if self.inner.get(&job.envelope.queue, &job.envelope.id).await?.is_some() {
                        job.envelope.id = format!("{}#{number}", job.envelope.id).into();
                    }
                }
            }
            Some(Fault::KeepsChildrenForEver) => {
                for job in jobs.iter_mut().filter(|job| job.parent.is_some()) {
                    job.envelope.options.keep_failed.count = u32::MAX;
                    job.envelope.options.keep_failed.age = Duration::from_secs(1_000_000_000);
                }
            }
            _ => {}
        }
        let added = self.inner.add(jobs.clone()).await;
        match self.fault {
            Some(Fault::AddsPartOfAFlow) if added.is_err() => {
                jobs.truncate(1);
                self.inner.add(jobs).await?;
                added
            }
            Some(Fault::AcceptsWhatIsNoFlow) if added.is_err() => {
                Ok(jobs.into_iter().map(|job| Added { id: job.envelope.id, duplicate: false }).collect())
            }
            _ => added,
        }
    }

    async fn add_each(&self, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        let mut answers = Vec::new();
        for job in jobs {
            answers.extend(self.inner.add(vec![job]).await?);
        }
        Ok(answers)
    }

    pub(crate) async fn children_with_fault(&self, queue: &QueueName, id: &JobId) -> Result<Vec<ChildRecord>> {
        let mut children = self.inner.children(queue, id).await?;
        match self.fault {
            Some(Fault::SaysNoChildren) => children.clear(),
            Some(Fault::ListsChildrenInReverse) => children.reverse(),
            Some(Fault::LosesResultsOfChildren) => children.iter_mut().for_each(|child| child.result = None),
            Some(Fault::ForgetsChildrenThatAreGone) => {
                let mut kept = Vec::new();
                for child in children {
                    if self.inner.get(&child.queue, &child.id).await?.is_some() {
                        kept.push(child);
                    }
                }
                return Ok(kept);
            }
            _ => {}
        }
        Ok(children)
    }

    /// Removes a parent and leaves its children.
    pub(crate) async fn remove_alone(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        let parent = self.inner.get(queue, id).await?;
        if parent.is_some_and(|parent| parent.state == JobState::WaitingChildren) {
            return Ok(());
        }
        self.inner.remove(queue, id).await
    }
}

fn say(jobs: &mut [NewJob], policy: ChildFailure) {
    for parent in jobs.iter_mut().filter_map(|job| job.parent.as_mut()) {
        parent.when_failed = policy;
    }
}
