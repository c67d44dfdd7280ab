//! What the queue holds, and how each operation changes it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::entry::{Entry, Place};
use super::shelf::Shelf;
use crate::foundation::clock::Timestamp;
use crate::foundation::error::Result;
use crate::foundation::jobs::{
    Added, CANCELLED, Claimed, Delivered, Delivery, Finish, FlowShape, JobId, JobState, Lock, NewJob, Outcome,
    QueueName, Recovered, RecoveryPolicy, ScheduleRecord, Take, Verdict,
};

/// The two clocks, read once an operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Due times and ages are compared with it.
    pub(super) wall: Timestamp,
    /// Locks are compared with it.
    pub(super) since_boot: Duration,
}

/// Everything: the jobs of every queue and the schedules.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) shelves: BTreeMap<QueueName, Shelf>,
    pub(super) schedules: BTreeMap<String, ScheduleRecord>,
    added: u64,
    /// The latest deliveries of each source.
    deliveries: HashMap<String, BTreeSet<i64>>,
}

impl Store {
    /// Adds jobs one after another, so that duplicates within the call are found too.
    pub(super) fn add(&mut self, jobs: Vec<NewJob>, now: Reading) -> Result<Vec<Added>> {
        if let Some(shape) = FlowShape::of(jobs.iter())? {
            return self.add_flow(jobs, &shape, now);
        }
        Ok(jobs.into_iter().map(|job| self.add_one(job, now)).collect())
    }

    /// Adds jobs unless they were delivered before.
    pub(super) fn deliver(&mut self, delivery: &Delivery, jobs: Vec<NewJob>, now: Reading) -> Result<Delivered> {
        if let Some(arrived) = self.deliveries.get(&delivery.source) {
            if arrived.contains(&delivery.number) {
                return Ok(Delivered::Before);
            }
            if arrived.last().is_some_and(|last| *last > delivery.number) {
                return Ok(Delivered::Overtaken);
            }
        }
        if !jobs.is_empty() {
            self.add(jobs, now)?;
        }
        let arrived = self.deliveries.entry(delivery.source.clone()).or_default();
        arrived.insert(delivery.number);
        if arrived.len() > Delivery::REMEMBERED as usize {
            arrived.pop_first();
        }
        Ok(Delivered::Now)
    }

    /// Adds a job that has neither parent nor children.
    pub(super) fn add_one(&mut self, job: NewJob, now: Reading) -> Added {
        let shelf = self.shelves.entry(job.envelope.queue.clone()).or_default();
        let id = job.envelope.id.clone();
        if shelf.jobs.contains_key(&id) {
            return Added { id, duplicate: true };
        }
        let holder = job.unique.as_ref().and_then(|unique| shelf.unique_holder(&unique.key, now.wall));
        if let Some(id) = holder {
            return Added { id, duplicate: true };
        }
        self.insert(job, false, now);
        Added { id, duplicate: false }
    }

    /// Puts a job on its shelf that is nobody's duplicate.
    pub(super) fn insert(&mut self, job: NewJob, has_children: bool, now: Reading) {
        self.added += 1;
        let shelf = self.shelves.entry(job.envelope.queue.clone()).or_default();
        if let Some(unique) = &job.unique {
            shelf.hold_unique(&unique.key, &job.envelope.id, later(now.wall, unique.period));
        }
        let entry = Entry::new(job, self.added, now.wall);
        if has_children {
            shelf.await_children(entry);
        } else {
            shelf.insert(entry, now.wall);
        }
    }

    /// Hands out due jobs; never waits.
    pub(super) fn take(&mut self, request: &Take, now: Reading) -> Vec<Claimed> {
        let Some(shelf) = self.shelves.get_mut(&request.queue) else { return Vec::new() };
        shelf.promote_due(now.wall);
        if shelf.paused {
            return Vec::new();
        }
        let most = request.max.min(shelf.usage.room(shelf.active.len(), now.wall));
        let mut running = shelf.running_by_tenant();
        let mut claimed = Vec::new();
        let mut passed_over = Vec::new();
        while claimed.len() < most {
            let Some((place, id)) = shelf.waiting.pop_first() else { break };
            let Some(entry) = shelf.jobs.get_mut(&id) else { continue };
            let tenant = entry.record.envelope.share().map(str::to_owned);
            let running = tenant.as_ref().map(|tenant| running.entry(tenant.clone()).or_default());
            let is_over = tenant
                .as_ref()
                .zip(running.as_deref())
                .is_some_and(|(tenant, running)| !shelf.usage.has_room_for(tenant, *running, now.wall));
            let is_free = entry.serial_key.as_ref().is_none_or(|key| !shelf.active_keys.contains(key));
            if is_over || !is_free {
                passed_over.push((place, id));
                continue;
            }
            shelf.active_keys.extend(entry.serial_key.clone());
            shelf.usage.count(tenant.as_deref(), now.wall);
            if let Some(running) = running {
                *running += 1;
            }
            claimed.push(entry.start(request, now));
            shelf.turns.take(place.0, place.1);
            shelf.active.insert(id);
        }
        shelf.waiting.extend(passed_over);
        claimed
    }

    /// Records outcomes in their order.
    pub(super) fn finish(&mut self, outcomes: Vec<Finish>, now: Reading) -> Vec<Verdict> {
        outcomes.into_iter().map(|finish| self.finish_one(finish, now)).collect()
    }

    fn finish_one(&mut self, finish: Finish, now: Reading) -> Verdict {
        let Some(shelf) = self.shelves.get_mut(&finish.lock.queue) else { return Verdict::LostLock };
        let Some(mut entry) = shelf.give_back(&finish.lock) else { return Verdict::LostLock };
        let outcome = match finish.outcome {
            outcome @ (Outcome::Complete(_) | Outcome::Fail { .. }) => outcome,
            _ if entry.is_cancelled => Outcome::Fail { error: CANCELLED.to_owned() },
            outcome => outcome,
        };
        let queue = &finish.lock.queue;
        let record = &mut entry.record;
        if matches!(outcome, Outcome::Complete(_) | Outcome::Retry { .. } | Outcome::Fail { .. }) {
            record.attempts_made = record.attempts_made.saturating_add(1);
        }
        if !matches!(outcome, Outcome::Release) {
            record.stalls = 0;
        }
        match outcome {
            Outcome::Complete(result) => {
                record.result = Some(result);
                record.error = None;
                self.conclude(queue, entry, JobState::Completed, now.wall);
            }
            Outcome::Fail { error } => {
                record.error = Some(error);
                self.conclude(queue, entry, JobState::Failed, now.wall);
            }
            Outcome::Retry { error, delay } => {
                record.error = Some(error);
                shelf.postpone(entry, JobState::Delayed, delay, now.wall);
            }
            Outcome::Snooze { delay } => shelf.postpone(entry, JobState::Delayed, delay, now.wall),
            Outcome::Park { reason, delay } => {
                record.error = Some(reason);
                shelf.postpone(entry, JobState::Parked, delay, now.wall);
            }
            Outcome::Release => shelf.put_back(entry),
        }
        Verdict::Applied
    }

    /// Prolongs locks that still hold; answers with the others.
    pub(super) fn renew(&mut self, locks: &[Lock], lock_for: Duration, now: Reading) -> Vec<Lock> {
        let until = now.since_boot.saturating_add(lock_for);
        locks
            .iter()
            .filter(|lock| match self.held(lock) {
                Some(entry) => {
                    entry.locked_until = until;
                    false
                }
                None => true,
            })
            .cloned()
            .collect()
    }

    /// The job, if this lock holds it.
    pub(super) fn held(&mut self, lock: &Lock) -> Option<&mut Entry> {
        let shelf = self.shelves.get_mut(&lock.queue)?;
        shelf.jobs.get_mut(&lock.id).filter(|entry| entry.is_held_by(lock))
    }

    /// Takes back the jobs whose lock ran out.
    pub(super) fn recover(&mut self, queue: &QueueName, policy: RecoveryPolicy, now: Reading) -> Vec<Recovered> {
        let Some(shelf) = self.shelves.get_mut(queue) else { return Vec::new() };
        let mut silent: Vec<(Place, Lock)> = shelf
            .active
            .iter()
            .filter_map(|id| shelf.jobs.get(id))
            .filter(|entry| entry.locked_until <= now.since_boot)
            .map(|entry| (entry.place(), entry.lock()))
            .collect();
        silent.sort_by_key(|(place, _)| *place);
        silent.into_iter().filter_map(|(_, lock)| self.take_back(queue, lock, policy, now)).collect()
    }

    fn take_back(&mut self, queue: &QueueName, lock: Lock, policy: RecoveryPolicy, now: Reading) -> Option<Recovered> {
        let shelf = self.shelves.get_mut(queue)?;
        let mut entry = shelf.give_back(&lock)?;
        let record = &mut entry.record;
        record.stalls = record.stalls.saturating_add(1);
        let (id, kind) = (lock.id, record.envelope.kind.clone());
        if entry.is_cancelled || record.stalls > policy.max_stalls {
            let reason = format!("its worker went silent {} times in a row while it held the job", record.stalls);
            record.error = Some(if entry.is_cancelled { CANCELLED.to_owned() } else { reason });
            self.conclude(queue, entry, JobState::Failed, now.wall);
            return Some(Recovered { id, kind, state: JobState::Failed });
        }
        shelf.put_back(entry);
        Some(Recovered { id, kind, state: JobState::Waiting })
    }

    /// The jobs that are held and were cancelled.
    pub(super) fn cancelled(&self, queue: &QueueName) -> Vec<Lock> {
        let Some(shelf) = self.shelves.get(queue) else { return Vec::new() };
        let active = shelf.active.iter().filter_map(|id| shelf.jobs.get(id));
        active.filter(|entry| entry.is_cancelled).map(Entry::lock).collect()
    }

    /// Makes parked jobs of these kinds ready.
    pub(super) fn release_parked(&mut self, queue: &QueueName, kinds: &[String], now: Reading) -> u64 {
        let Some(shelf) = self.shelves.get_mut(queue) else { return 0 };
        shelf.promote_due(now.wall);
        let parked: Vec<JobId> = shelf
            .delayed
            .values()
            .filter(|id| {
                shelf.jobs.get(*id).is_some_and(|entry| {
                    entry.record.state == JobState::Parked && kinds.contains(&entry.record.envelope.kind)
                })
            })
            .cloned()
            .collect();
        for id in &parked {
            shelf.make_ready(id, now.wall);
        }
        parked.len() as u64
    }

    /// Whether a job is there and has not finished.
    pub(super) fn is_unfinished(&self, queue: &QueueName, id: &JobId) -> bool {
        self.shelves.get(queue).and_then(|shelf| shelf.jobs.get(id)).is_some_and(|entry| !entry.record.state.is_final())
    }

    /// When there may be a job to take, without anything else happening.
    pub(super) fn look_again(&self, queue: &QueueName, now: Timestamp) -> Option<Timestamp> {
        let next_end = self.shelves.get(queue).and_then(|shelf| shelf.usage.next_end(now));
        self.next_due(queue).into_iter().chain(next_end).min()
    }

    /// When the earliest delayed or parked job becomes ready.
    pub(super) fn next_due(&self, queue: &QueueName) -> Option<Timestamp> {
        let (place, _) = self.shelves.get(queue)?.delayed.first_key_value()?;
        Some(place.0)
    }
}

/// An instant and a duration later; the last instant there is when that is beyond it.
pub(super) fn later(instant: Timestamp, by: Duration) -> Timestamp {
    chrono::Duration::from_std(by).ok().and_then(|by| instant.checked_add_signed(by)).unwrap_or(Timestamp::MAX_UTC)
}

/// Jobs by id.
pub(super) type Jobs = HashMap<JobId, Entry>;
