//! What people and programs do with the queue besides running its jobs.

use std::cmp::Reverse;

use async_trait::async_trait;

use super::MemoryJobQueue;
use super::entry::{Entry, Place};
use super::shelf::Shelf;
use super::store::Store;
use super::usage::Usage;
use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{
    ChildRecord, JobAdministration, JobCounts, JobFilter, JobId, JobRecord, JobState, QueueLimits, QueueName,
};

impl MemoryJobQueue {
    /// Looks at a queue, with every job in the state that the time says.
    fn look<T: Default>(&self, queue: &QueueName, look: impl FnOnce(&mut Shelf, Timestamp) -> T) -> T {
        let now = self.reading();
        match self.store().shelves.get_mut(queue) {
            Some(shelf) => {
                shelf.promote_due(now.wall);
                look(shelf, now.wall)
            }
            None => T::default(),
        }
    }

    /// Changes a job that is in one of `states`.
    fn act(
        &self,
        queue: &QueueName,
        id: &JobId,
        states: &[JobState],
        wanted: &str,
        act: impl FnOnce(&mut Store, Timestamp) -> Result<()>,
    ) -> Result<()> {
        self.change(|store, now| {
            let missing = || queue.lacks(id);
            let shelf = store.shelves.get_mut(queue).ok_or_else(missing)?;
            shelf.promote_due(now.wall);
            let state = shelf.jobs.get(id).ok_or_else(missing)?.record.state;
            if !states.contains(&state) {
                let message = format!("job {id} is {}, {wanted}", state.as_str());
                return Err(Error::new(ErrorKind::Conflict, message).with_code("job-state"));
            }
            act(store, now.wall)
        })
    }
}

#[async_trait]
impl JobAdministration for MemoryJobQueue {
    async fn queues(&self) -> Result<Vec<QueueName>> {
        Ok(self.store().shelves.keys().cloned().collect())
    }

    async fn counts(&self, queue: &QueueName) -> Result<JobCounts> {
        Ok(self.look(queue, |shelf, _| shelf.counts()))
    }

    async fn get(&self, queue: &QueueName, id: &JobId) -> Result<Option<JobRecord>> {
        Ok(self.look(queue, |shelf, _| shelf.jobs.get(id).map(|entry| entry.record.clone())))
    }

    async fn children(&self, queue: &QueueName, id: &JobId) -> Result<Vec<ChildRecord>> {
        let now = self.reading();
        Ok(self.store().children(queue, id, now.wall))
    }

    async fn list(&self, queue: &QueueName, filter: &JobFilter) -> Result<Vec<JobRecord>> {
        Ok(self.look(queue, |shelf, _| {
            let mut found: Vec<&Entry> = shelf.jobs.values().filter(|entry| is_wanted(entry, filter)).collect();
            found.sort_by_key(|entry| listing_order(entry));
            let offset = usize::try_from(filter.offset).unwrap_or(usize::MAX);
            let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
            found.into_iter().skip(offset).take(limit).map(|entry| entry.record.clone()).collect()
        }))
    }

    async fn logs(&self, queue: &QueueName, id: &JobId) -> Result<Vec<String>> {
        let logs = |shelf: &mut Shelf, _| shelf.jobs.get(id).map(|entry| entry.logs.iter().cloned().collect());
        self.look(queue, logs).ok_or_else(|| queue.lacks(id))
    }

    async fn remove(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        let inactive = JobState::ALL.map(|state| if state == JobState::Active { JobState::Waiting } else { state });
        let wanted = "and only a job that no worker holds can be removed";
        self.act(queue, id, &inactive, wanted, |store, now| store.remove(queue, id, now))
    }

    async fn retry(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        let wanted = "and only a failed job can be retried";
        self.act(queue, id, &[JobState::Failed], wanted, |store, now| {
            store.retry(queue, id, now);
            Ok(())
        })
    }

    async fn promote(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        let wanted = "and only a delayed or parked job can be promoted";
        self.act(queue, id, &[JobState::Delayed, JobState::Parked], wanted, |store, now| {
            store.shelves.get_mut(queue).into_iter().for_each(|shelf| shelf.make_ready(id, now));
            Ok(())
        })
    }

    async fn cancel(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        let unfinished = JobState::ALL.map(|state| if state.is_final() { JobState::Waiting } else { state });
        let wanted = "and only a job that has not ended can be cancelled";
        self.act(queue, id, &unfinished, wanted, |store, now| {
            store.cancel(queue, id, now);
            Ok(())
        })
    }

    async fn pause(&self, queue: &QueueName) -> Result<()> {
        self.change(|store, _| store.shelves.entry(queue.clone()).or_default().paused = true);
        Ok(())
    }

    async fn resume(&self, queue: &QueueName) -> Result<()> {
        self.change(|store, _| {
            if let Some(shelf) = store.shelves.get_mut(queue) {
                shelf.paused = false;
            }
        });
        Ok(())
    }

    async fn is_paused(&self, queue: &QueueName) -> Result<bool> {
        Ok(self.look(queue, |shelf, _| shelf.paused))
    }

    async fn limits(&self, queue: &QueueName) -> Result<QueueLimits> {
        Ok(self.look(queue, |shelf, _| shelf.usage.limits()))
    }

    async fn set_limits(&self, queue: &QueueName, limits: &QueueLimits) -> Result<()> {
        self.change(|store, _| store.shelves.entry(queue.clone()).or_default().usage = Usage::new(*limits));
        Ok(())
    }

    async fn next_due(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        self.look(queue, |_, _| ());
        Ok(self.store().next_due(queue))
    }

    async fn oldest_waiting(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        Ok(self.look(queue, |shelf, _| {
            shelf.waiting.values().filter_map(|id| Some(shelf.jobs.get(id)?.record.due_at)).min()
        }))
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

fn is_wanted(entry: &Entry, filter: &JobFilter) -> bool {
    (filter.states.is_empty() || filter.states.contains(&entry.record.state))
        && filter.kind.as_ref().is_none_or(|kind| *kind == entry.record.envelope.kind)
}

/// The state; then the place of waiting jobs, the time of delayed ones, the end of finished ones.
type ListingOrder = (JobState, Option<Place>, Option<(Timestamp, u64)>, Reverse<u64>);

/// Unfinished jobs as they would run, then finished ones, the latest first.
fn listing_order(entry: &Entry) -> ListingOrder {
    let state = entry.record.state;
    match state {
        JobState::Completed | JobState::Failed => (state, None, None, Reverse(entry.concluded)),
        JobState::Delayed | JobState::Parked => (state, None, Some((entry.record.due_at, entry.added)), Reverse(0)),
        JobState::WaitingChildren => (state, None, Some((entry.record.created_at, entry.added)), Reverse(0)),
        _ => (state, Some(entry.place()), None, Reverse(0)),
    }
}
