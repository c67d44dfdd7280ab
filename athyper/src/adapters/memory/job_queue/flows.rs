//! Parents that wait for their children.

use bytes::Bytes;

use super::entry::Entry;
use super::store::{Reading, Store};
use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{
    Added, CANCELLED, ChildFailure, ChildRecord, FlowShape, JobId, JobRecord, JobState, Known, NewJob, Parent,
    QueueName, Standing, failed_by,
};

/// A child as its parent holds it.
#[derive(Debug, Clone)]
pub(super) struct Child {
    queue: QueueName,
    id: JobId,
    kind: String,
    when_failed: ChildFailure,
    told: Told,
}

/// What a parent was told of a child.
#[derive(Debug, Clone)]
enum Told {
    /// Nothing yet: it is waited for.
    Nothing,
    Completed(Bytes),
    Failed(Option<String>),
}

type Address = (QueueName, JobId);

impl Store {
    /// Adds a flow, all of it or nothing.
    pub(super) fn add_flow(&mut self, jobs: Vec<NewJob>, shape: &FlowShape, now: Reading) -> Result<Vec<Added>> {
        for shelf in self.shelves.values_mut() {
            shelf.forget_passed_keys(now.wall);
        }
        let standings = shape.standings(&jobs.iter().collect::<Vec<_>>(), self)?;
        let addresses: Vec<Address> = jobs
            .iter()
            .zip(&standings)
            .map(|(job, standing)| {
                let own = &job.envelope.id;
                let id = if let Standing::Duplicate(id) = standing { id } else { own };
                (job.envelope.queue.clone(), id.clone())
            })
            .collect();
        let mut attached: Vec<Address> = Vec::new();
        let mut answers = Vec::with_capacity(jobs.len());
        for (place, (job, standing)) in jobs.into_iter().zip(&standings).enumerate() {
            let (queue, id) = addresses[place].clone();
            let parent = job.parent.clone();
            let duplicate = *standing != Standing::New;
            if !duplicate {
                self.insert(job, shape.has_children[place], now);
            }
            let above = shape.parents[place].filter(|_| *standing != Standing::Below);
            if let (Some(above), Some(parent)) = (above, parent)
                && self.attach((&queue, &id), &addresses[above], parent.when_failed, now.wall)
                && duplicate
            {
                attached.push((queue, id.clone()));
            }
            answers.push(Added { id, duplicate });
        }
        // What stood there already may have ended.
        let ended =
            attached.iter().filter_map(|(queue, id)| Some(self.shelves.get(queue)?.jobs.get(id)?.record.clone()));
        let ended: Vec<JobRecord> = ended.filter(|record| record.state.is_final()).collect();
        self.tell_parents(ended, now.wall);
        for (place, (queue, id)) in addresses.iter().enumerate().rev() {
            if shape.has_children[place] && standings[place] == Standing::New {
                self.release_if_done(queue, id, false, now.wall);
            }
        }
        Ok(answers)
    }

    /// Makes a job a child. Answers whether it is there, and was none of this parent's yet.
    fn attach(
        &mut self,
        (queue, id): (&QueueName, &JobId),
        above: &Address,
        when_failed: ChildFailure,
        now: Timestamp,
    ) -> bool {
        let Some(entry) = self.shelves.get_mut(queue).and_then(|shelf| shelf.jobs.get_mut(id)) else { return false };
        let is_above = |parent: &Parent| (&parent.queue, &parent.id) == (&above.0, &above.1);
        // Of what is said of a child twice the first counts.
        let before = if entry.record.parent.as_ref().is_some_and(is_above) {
            None
        } else {
            let parent = Parent { queue: above.0.clone(), id: above.1.clone(), when_failed };
            let before = entry.record.clone();
            entry.record.parent = Some(parent);
            Some(before)
        };
        let kind = entry.record.envelope.kind.clone();
        // Who waited for it before has ended, and would wait for ever if it were tried again.
        if let Some(before) = before {
            self.leave_parent(&before, now);
        }
        let parent = self.shelves.get_mut(&above.0).and_then(|shelf| shelf.jobs.get_mut(&above.1));
        let Some(parent) = parent else { return false };
        if parent.children.iter().any(|child| (&child.queue, &child.id) == (queue, id)) {
            return false;
        }
        parent.children.push(Child { queue: queue.clone(), id: id.clone(), kind, when_failed, told: Told::Nothing });
        true
    }

    /// Records the end of a job that is on no shelf, and tells its parent.
    pub(super) fn conclude(&mut self, queue: &QueueName, entry: Entry, state: JobState, now: Timestamp) {
        let ended = self.conclude_one(queue, entry, state, now);
        self.tell_parents(ended, now);
    }

    /// Answers with those whose parents must be told.
    fn conclude_one(&mut self, queue: &QueueName, mut entry: Entry, state: JobState, now: Timestamp) -> Vec<JobRecord> {
        entry.record.state = state;
        let ended = entry.record.parent.is_some().then(|| entry.record.clone());
        let Some(shelf) = self.shelves.get_mut(queue) else { return Vec::new() };
        let gone = shelf.conclude(entry, state, now);
        // What is not kept any longer holds nobody up.
        for record in gone {
            if ended.as_ref().is_none_or(|ended| ended.envelope.id != record.envelope.id) {
                self.leave_parent(&record, now);
            }
        }
        ended.into_iter().collect()
    }

    /// Tells the parents of jobs that have ended how.
    fn tell_parents(&mut self, mut ended: Vec<JobRecord>, now: Timestamp) {
        while let Some(record) = ended.pop() {
            ended.extend(self.tell_parent(&record, now));
            if self.state(&(record.envelope.queue.clone(), record.envelope.id.clone())).is_none() {
                self.leave_parent(&record, now);
            }
        }
    }

    /// Tells the parent of a job that has ended how. Answers with those that end by it.
    fn tell_parent(&mut self, record: &JobRecord, now: Timestamp) -> Vec<JobRecord> {
        let Some(parent) = &record.parent else { return Vec::new() };
        let shelf = self.shelves.get_mut(&parent.queue);
        let Some(entry) = shelf.and_then(|shelf| shelf.jobs.get_mut(&parent.id)) else { return Vec::new() };
        let Some(place) = entry.waits_for(record) else { return Vec::new() };
        let child = &mut entry.children[place];
        if record.state == JobState::Completed {
            child.told = Told::Completed(record.result.clone().unwrap_or_default());
            self.release_if_done(&parent.queue, &parent.id, false, now);
            return Vec::new();
        }
        match child.when_failed {
            ChildFailure::Hold => return Vec::new(),
            ChildFailure::Forget => drop(entry.children.remove(place)),
            _ => child.told = Told::Failed(record.error.clone()),
        }
        if parent.when_failed == ChildFailure::FailParent {
            let waits = matches!(entry.record.state, JobState::WaitingChildren | JobState::Delayed | JobState::Parked);
            let error = failed_by(&record.envelope.queue, &record.envelope.id, record.error.as_deref());
            return if waits { self.fail_waiting(&parent.queue, &parent.id, error, now) } else { Vec::new() };
        }
        let goes_on = parent.when_failed == ChildFailure::ContinueParent;
        self.release_if_done(&parent.queue, &parent.id, goes_on, now);
        Vec::new()
    }

    /// Ends a job that nobody holds. Answers with those whose parents must be told.
    fn fail_waiting(&mut self, queue: &QueueName, id: &JobId, error: String, now: Timestamp) -> Vec<JobRecord> {
        let Some(mut entry) = self.shelves.get_mut(queue).and_then(|shelf| shelf.pull(id)) else { return Vec::new() };
        entry.record.error = Some(error);
        self.conclude_one(queue, entry, JobState::Failed, now)
    }

    /// Lets a parent go that waits for no child any more, or is to go on all the same.
    fn release_if_done(&mut self, queue: &QueueName, id: &JobId, goes_on: bool, now: Timestamp) {
        let Some(shelf) = self.shelves.get_mut(queue) else { return };
        let Some(entry) = shelf.jobs.get(id) else { return };
        if entry.record.state == JobState::WaitingChildren && (goes_on || !entry.has_unfinished_children()) {
            shelf.release(id, now);
        }
    }

    /// A job is gone: if its parent waits for it, it does so no longer, and does not know it any more.
    pub(super) fn leave_parent(&mut self, record: &JobRecord, now: Timestamp) {
        let Some(parent) = &record.parent else { return };
        let shelf = self.shelves.get_mut(&parent.queue);
        let Some(entry) = shelf.and_then(|shelf| shelf.jobs.get_mut(&parent.id)) else { return };
        let Some(place) = entry.waits_for(record) else { return };
        entry.children.remove(place);
        self.release_if_done(&parent.queue, &parent.id, false, now);
    }

    /// Makes a failed job ready again, or lets it wait for its children.
    pub(super) fn retry(&mut self, queue: &QueueName, id: &JobId, now: Timestamp) {
        let Some(shelf) = self.shelves.get_mut(queue) else { return };
        shelf.revive(id, now);
        if let Some(record) = shelf.jobs.get(id).map(|entry| entry.record.clone()) {
            self.rejoin_parent(&record);
        }
    }

    /// A child that had failed is tried again.
    fn rejoin_parent(&mut self, record: &JobRecord) {
        let Some(parent) = &record.parent else { return };
        let shelf = self.shelves.get_mut(&parent.queue);
        let Some(entry) = shelf.and_then(|shelf| shelf.jobs.get_mut(&parent.id)) else { return };
        let own = |child: &&mut Child| (&child.queue, &child.id) == (&record.envelope.queue, &record.envelope.id);
        if let Some(child) = entry.children.iter_mut().find(own) {
            child.told = Told::Nothing;
        }
    }

    /// The jobs below one that the store still holds, parents before their children.
    fn below(&self, queue: &QueueName, id: &JobId) -> Vec<Address> {
        let mut found: Vec<Address> = Vec::new();
        let mut next = vec![(queue.clone(), id.clone())];
        while let Some((queue, id)) = next.pop() {
            let Some(entry) = self.shelves.get(&queue).and_then(|shelf| shelf.jobs.get(&id)) else { continue };
            for child in &entry.children {
                let job = self.shelves.get(&child.queue).and_then(|shelf| shelf.jobs.get(&child.id));
                let is_ours = |parent: &Parent| (&parent.queue, &parent.id) == (&queue, &id);
                if job.is_some_and(|job| job.record.parent.as_ref().is_some_and(is_ours)) {
                    found.push((child.queue.clone(), child.id.clone()));
                    next.push((child.queue.clone(), child.id.clone()));
                }
            }
        }
        found
    }

    fn state(&self, (queue, id): &Address) -> Option<JobState> {
        Some(self.shelves.get(queue)?.jobs.get(id)?.record.state)
    }

    /// Cancels a job that has not ended, with those below it if it waits for them.
    pub(super) fn cancel(&mut self, queue: &QueueName, id: &JobId, now: Timestamp) {
        let own = (queue.clone(), id.clone());
        let below = match self.state(&own) {
            Some(JobState::WaitingChildren) => self.below(queue, id),
            _ => Vec::new(),
        };
        let mut ended = Vec::new();
        for (queue, id) in [own].into_iter().chain(below) {
            match self.state(&(queue.clone(), id.clone())) {
                Some(JobState::Active) => {
                    let entry = self.shelves.get_mut(&queue).and_then(|shelf| shelf.jobs.get_mut(&id));
                    entry.into_iter().for_each(|entry| entry.is_cancelled = true);
                }
                Some(state) if !state.is_final() => {
                    ended.extend(self.fail_waiting(&queue, &id, CANCELLED.to_owned(), now));
                }
                _ => {}
            }
        }
        self.tell_parents(ended, now);
    }

    /// Removes a job and those below it, unless one of these is active.
    pub(super) fn remove(&mut self, queue: &QueueName, id: &JobId, now: Timestamp) -> Result<()> {
        let below = self.below(queue, id);
        if let Some((_, active)) = below.iter().find(|address| self.state(address) == Some(JobState::Active)) {
            let message =
                format!("job {id} is the parent of job {active}, which is active, and a parent goes with its children");
            return Err(Error::new(ErrorKind::Conflict, message).with_code("job-state"));
        }
        let own = (queue.clone(), id.clone());
        let record = self.shelves.get(queue).and_then(|shelf| shelf.jobs.get(id)).map(|entry| entry.record.clone());
        for (queue, id) in [own].into_iter().chain(below) {
            if let Some(shelf) = self.shelves.get_mut(&queue) {
                shelf.remove(&id);
            }
        }
        record.into_iter().for_each(|record| self.leave_parent(&record, now));
        Ok(())
    }

    /// The children of a job.
    pub(super) fn children(&mut self, queue: &QueueName, id: &JobId, now: Timestamp) -> Vec<ChildRecord> {
        let entry = self.shelves.get(queue).and_then(|shelf| shelf.jobs.get(id));
        let children = entry.map(|entry| entry.children.clone()).unwrap_or_default();
        children.into_iter().map(|child| self.child(child, now)).collect()
    }

    fn child(&mut self, child: Child, now: Timestamp) -> ChildRecord {
        let Child { queue, id, kind, told, .. } = child;
        let (state, result, error) = match told {
            Told::Completed(result) => (JobState::Completed, Some(result), None),
            Told::Failed(error) => (JobState::Failed, None, error),
            Told::Nothing => {
                let shelf = self.shelves.get_mut(&queue);
                let entry = shelf.and_then(|shelf| {
                    shelf.promote_due(now);
                    shelf.jobs.get(&id)
                });
                entry.map_or((JobState::Failed, None, None), |entry| {
                    (entry.record.state, None, entry.record.error.clone())
                })
            }
        };
        ChildRecord { queue, id, kind, state, result, error }
    }
}

impl Known for Store {
    fn holds(&self, queue: &QueueName, id: &JobId) -> bool {
        self.shelves.get(queue).is_some_and(|shelf| shelf.jobs.contains_key(id))
    }

    fn holder(&self, queue: &QueueName, key: &str) -> Option<JobId> {
        self.shelves.get(queue)?.holder(key)
    }

    fn living_parent(&self, queue: &QueueName, id: &JobId) -> Option<(QueueName, JobId)> {
        let parent = self.shelves.get(queue)?.jobs.get(id)?.record.parent.clone()?;
        self.is_unfinished(&parent.queue, &parent.id).then_some((parent.queue, parent.id))
    }
}

impl Entry {
    /// The place of a child among those that are waited for.
    fn waits_for(&self, record: &JobRecord) -> Option<usize> {
        let (queue, id) = (&record.envelope.queue, &record.envelope.id);
        self.children
            .iter()
            .position(|child| matches!(child.told, Told::Nothing) && (&child.queue, &child.id) == (queue, id))
    }

    /// Whether a child is waited for.
    pub(super) fn has_unfinished_children(&self) -> bool {
        self.children.iter().any(|child| matches!(child.told, Told::Nothing))
    }
}
