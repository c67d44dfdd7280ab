//! Faults of administration and of retention.

use std::cmp::Reverse;
use std::time::Duration;

use async_trait::async_trait;
use athyper::clock::Timestamp;
use athyper::jobs::{
    ChildRecord, JobAdministration, JobCounts, JobFilter, JobId, JobRecord, JobState, QueueLimits, QueueName,
};
use athyper::{Error, ErrorKind, Result};

use crate::broken::BrokenQueue;
use crate::fault::Fault;

impl BrokenQueue {
    /// Removes finished jobs by a wrong rule, once one has ended.
    pub(crate) async fn apply_retention(&self, queue: &QueueName, ended: &JobId) {
        let Some((completed, failed)) = self.memory().kept.get(ended).copied() else {
            if self.has(Fault::RemovesUnfinished) {
                for record in self.in_state(queue, JobState::Delayed).await {
                    self.inner.remove(queue, &record.envelope.id).await.unwrap();
                }
            }
            return;
        };
        let Ok(Some(record)) = self.inner.get(queue, ended).await else { return };
        let state = record.state;
        let count = if state == JobState::Completed { completed.count } else { failed.count };
        let mut finished = self.in_state(queue, state).await;
        match self.fault {
            Some(Fault::CountsFailedWithCompleted) => {
                let other = if state == JobState::Completed { JobState::Failed } else { JobState::Completed };
                finished.extend(self.in_state(queue, other).await);
                let order = self.memory().added.clone();
                finished.sort_by_key(|record| Reverse(order.iter().position(|id| *id == record.envelope.id)));
            }
            Some(Fault::CountsAcrossQueues) => {
                for other in self.inner.queues().await.unwrap() {
                    if other != *queue {
                        finished.extend(self.in_state(&other, state).await);
                    }
                }
            }
            Some(Fault::KeepsTheOldest) => finished.reverse(),
            _ => {}
        }
        let count = match self.fault {
            Some(Fault::KeepsEverything) => return,
            Some(Fault::CountsByTheOldest) => {
                let oldest = finished.last().and_then(|record| self.memory().kept.get(&record.envelope.id).copied());
                oldest.map_or(
                    count,
                    |(completed, failed)| {
                        if state == JobState::Completed { completed.count } else { failed.count }
                    },
                )
            }
            _ => count,
        };
        for record in finished.into_iter().skip(count as usize) {
            self.inner.remove(&record.envelope.queue, &record.envelope.id).await.unwrap();
        }
    }

    fn change_record(&self, mut record: JobRecord) -> JobRecord {
        let memory = self.memory();
        let id = &record.envelope.id;
        match self.fault {
            Some(Fault::LiesAboutTimes) => {
                record.finished_at = record.finished_at.map(|at| at + Duration::from_secs(1));
            }
            Some(Fault::CountsDueAsDelayed)
                if record.state == JobState::Waiting && record.attempts_started == 0 && memory.delayed.contains(id) =>
            {
                record.state = JobState::Delayed;
            }
            Some(Fault::GivesUpSilently) if record.stalls > 0 => record.error = None,
            Some(Fault::NeverForgivesStalls) => record.stalls = memory.stalls.get(id).copied().unwrap_or_default(),
            Some(Fault::ForgetsProgressAtStalls) if record.stalls > 0 => record.progress = None,
            Some(Fault::ForgetsProgressInTheEnd) if record.state.is_final() => record.progress = None,
            Some(Fault::KeepsTheReason) if record.error.is_none() => record.error = memory.errors.get(id).cloned(),
            Some(Fault::RetriesWithOldAttempts | Fault::RetriesWithOldStalls) => {
                if let Some(before) = memory.before_retry.get(id) {
                    if self.has(Fault::RetriesWithOldAttempts) {
                        record.attempts_made += before.attempts_made;
                    } else {
                        record.stalls += before.stalls;
                    }
                }
            }
            _ => {}
        }
        record
    }

    pub(crate) fn forgive(&self, answer: Result<()>, fault: Fault, kind: ErrorKind) -> Result<()> {
        match answer {
            Err(error) if self.has(fault) && error.kind() == kind => Ok(()),
            answer => answer,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl JobAdministration for BrokenQueue {
    async fn queues(&self) -> Result<Vec<QueueName>> {
        let mut queues = self.inner.queues().await?;
        if self.has(Fault::ForgetsEmptyQueues) {
            let mut kept = Vec::new();
            for queue in queues {
                if self.inner.counts(&queue).await?.waiting > 0 {
                    kept.push(queue);
                }
            }
            queues = kept;
        }
        if self.has(Fault::ShowsQueuesInReverse) {
            queues.reverse();
        }
        Ok(queues)
    }

    async fn counts(&self, queue: &QueueName) -> Result<JobCounts> {
        let queue = self.queue(queue);
        let mut counts = self.inner.counts(&queue).await?;
        match self.fault {
            Some(Fault::CountsNothing) => counts = JobCounts::default(),
            Some(Fault::CountsParkedAsDelayed) => {
                counts.delayed += counts.parked;
                counts.parked = 0;
            }
            Some(Fault::CountsParentsAsDelayed) => {
                counts.delayed += counts.waiting_children;
                counts.waiting_children = 0;
            }
            Some(Fault::CountsDueAsDelayed) => {
                for record in self.in_state(&queue, JobState::Waiting).await {
                    if self.change_record(record).state == JobState::Delayed {
                        counts.waiting -= 1;
                        counts.delayed += 1;
                    }
                }
            }
            _ => {}
        }
        Ok(counts)
    }

    async fn get(&self, queue: &QueueName, id: &JobId) -> Result<Option<JobRecord>> {
        if self.has(Fault::ForgetsRecords) {
            return Ok(None);
        }
        let record = self.inner.get(&self.queue(queue), &self.id(id)).await?;
        Ok(record.map(|record| self.change_record(record)))
    }

    async fn children(&self, queue: &QueueName, id: &JobId) -> Result<Vec<ChildRecord>> {
        self.children_with_fault(queue, id).await
    }

    async fn list(&self, queue: &QueueName, filter: &JobFilter) -> Result<Vec<JobRecord>> {
        let mut filter = filter.clone();
        match self.fault {
            Some(Fault::ListsEveryState) => filter.states.clear(),
            Some(Fault::ListsEveryKind) => filter.kind = None,
            Some(Fault::ListsEveryPage) => (filter.offset, filter.limit) = (0, u64::MAX),
            _ => {}
        }
        let mut records = self.inner.list(&self.queue(queue), &filter).await?;
        match self.fault {
            Some(Fault::ListsInReverse) => records.reverse(),
            Some(Fault::ListsTwice) => records.extend(records.clone()),
            _ => {}
        }
        Ok(records)
    }

    async fn remove(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        let record = self.inner.get(queue, id).await?;
        if self.has(Fault::RemovesNothing) && record.is_some() {
            return Ok(());
        }
        if self.has(Fault::RemovesWaitingOnly) && record.is_some_and(|record| record.state != JobState::Waiting) {
            return Err(Error::new(ErrorKind::Conflict, "it does not wait"));
        }
        if self.has(Fault::RemovesParentsNever) {
            return self.remove_alone(queue, id).await;
        }
        let removed = self.inner.remove(&self.queue(queue), &self.id(id)).await;
        if removed.is_ok() {
            let mut memory = self.memory();
            match self.fault {
                Some(Fault::KeepsKeysOfRemoved) => {}
                Some(Fault::FreesKeysOfOthers) => memory.unique.clear(),
                _ => memory.unique.retain(|_, (holder, _)| holder != id),
            }
        }
        let removed = self.forgive(removed, Fault::SaysRemoved, ErrorKind::Conflict);
        self.forgive(removed, Fault::SaysFound, ErrorKind::NotFound)
    }

    async fn retry(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        let record = self.inner.get(queue, id).await?;
        let due_at = record.as_ref().map(|record| record.due_at);
        if let Some(record) = record {
            self.memory().before_retry.insert(id.clone(), record);
        }
        let retried = self.inner.retry(queue, id).await;
        if retried.is_ok() && self.has(Fault::RetriesInPlace) && due_at.is_some() {
            self.move_to_the_front(queue, id).await?;
        }
        let retried = self.forgive(retried, Fault::RetriesAnything, ErrorKind::Conflict);
        self.forgive(retried, Fault::SaysFound, ErrorKind::NotFound)
    }

    async fn promote(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        if self.has(Fault::PromotesNothing) {
            return Ok(());
        }
        let promoted = self.inner.promote(queue, id).await;
        if promoted.is_ok() && self.has(Fault::PromotesToTheFront) {
            self.move_to_the_front(queue, id).await?;
        }
        let promoted = self.forgive(promoted, Fault::PromotesAnything, ErrorKind::Conflict);
        self.forgive(promoted, Fault::SaysFound, ErrorKind::NotFound)
    }

    async fn logs(&self, queue: &QueueName, id: &JobId) -> Result<Vec<String>> {
        let rows = self.inner.logs(queue, id).await;
        match self.fault {
            Some(Fault::ReversesLogs) => rows.map(|rows| rows.into_iter().rev().collect()),
            Some(Fault::KeepsLogsOfThoseGone | Fault::KeepsEveryLogRow) => {
                let all = self.memory().logs.get(id).cloned();
                all.map_or(rows, Ok)
            }
            _ => rows,
        }
    }

    async fn cancel(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        if self.has(Fault::IgnoresCancels) {
            return Ok(());
        }
        self.forgive(self.inner.cancel(queue, id).await, Fault::CancelsAnything, ErrorKind::Conflict)
    }

    async fn pause(&self, queue: &QueueName) -> Result<()> {
        self.memory().pauses += 1;
        match self.fault {
            Some(Fault::IgnoresPauses) => Ok(()),
            Some(Fault::PausesEverything) => {
                self.inner.pause(&"print".into()).await?;
                self.inner.pause(queue).await
            }
            _ => self.inner.pause(queue).await,
        }
    }

    async fn resume(&self, queue: &QueueName) -> Result<()> {
        let left = {
            let mut memory = self.memory();
            memory.pauses = memory.pauses.saturating_sub(1);
            memory.pauses
        };
        match self.fault {
            Some(Fault::NeverResumes) => Ok(()),
            Some(Fault::CountsPauses) if left > 0 => Ok(()),
            _ => self.inner.resume(queue).await,
        }
    }

    async fn is_paused(&self, queue: &QueueName) -> Result<bool> {
        if self.has(Fault::SaysNeverPaused) { Ok(false) } else { self.inner.is_paused(queue).await }
    }

    async fn limits(&self, queue: &QueueName) -> Result<QueueLimits> {
        if self.has(Fault::SaysNoLimits) { Ok(QueueLimits::NONE) } else { self.inner.limits(queue).await }
    }

    async fn set_limits(&self, queue: &QueueName, limits: &QueueLimits) -> Result<()> {
        self.set_limits_with_fault(queue, limits).await
    }

    async fn next_due(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        match self.fault {
            Some(Fault::SaysNothingIsDue) => Ok(None),
            Some(Fault::SaysTheLastIsDueNext) => {
                Ok(self.in_state(queue, JobState::Delayed).await.last().map(|record| record.due_at))
            }
            _ => self.inner.next_due(queue).await,
        }
    }

    async fn oldest_waiting(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        match self.fault {
            Some(Fault::SaysNothingWaits) => Ok(None),
            Some(Fault::SaysTheFirstIsTheOldest) => {
                Ok(self.in_state(queue, JobState::Waiting).await.first().map(|record| record.due_at))
            }
            _ => self.inner.oldest_waiting(queue).await,
        }
    }

    async fn ping(&self) -> Result<()> {
        if self.has(Fault::IsAway) { Err(Error::unavailable("away")) } else { self.inner.ping().await }
    }
}
