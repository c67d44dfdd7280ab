//! The jobs of one queue, in the orders they are asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::entry::{Entry, Place};
use super::store::{Jobs, later};
use super::turns::Turns;
use super::usage::Usage;
use crate::foundation::clock::Timestamp;
use crate::foundation::jobs::{JobCounts, JobId, JobRecord, JobState, Lock};

/// The jobs of one queue, in the orders they are asked for.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) jobs: Jobs,
    /// Jobs that are due, first to run first.
    pub(super) waiting: BTreeMap<Place, JobId>,
    /// Delayed and parked jobs by when they become ready.
    pub(super) delayed: BTreeMap<(Timestamp, u64), JobId>,
    pub(super) active: HashSet<JobId>,
    /// The serial keys of active jobs.
    pub(super) active_keys: HashSet<String>,
    pub(super) paused: bool,
    pub(super) usage: Usage,
    pub(super) turns: Turns,
    /// Unique keys: whose they are and until when.
    unique: HashMap<String, (JobId, Timestamp)>,
    unique_until: BTreeSet<(Timestamp, String)>,
    /// Finished jobs in the order they finished.
    completed: BTreeMap<u64, JobId>,
    failed: BTreeMap<u64, JobId>,
    /// Finished jobs by when they have been kept long enough.
    expiring: BTreeMap<(Timestamp, u64), JobId>,
    concluded: u64,
}

impl Shelf {
    /// Puts a new job where it belongs.
    pub(super) fn insert(&mut self, mut entry: Entry, now: Timestamp) {
        let id = entry.record.envelope.id.clone();
        if entry.record.due_at > now {
            entry.record.state = JobState::Delayed;
            self.delayed.insert((entry.record.due_at, entry.added), id.clone());
        } else {
            return self.line_up(entry);
        }
        self.jobs.insert(id, entry);
    }

    /// Lets a job wait, behind those that its queue's ordering puts before it.
    fn line_up(&mut self, mut entry: Entry) {
        if self.waiting.is_empty() {
            self.turns.rest();
        }
        entry.turn = match entry.record.envelope.share() {
            Some(share) => self.turns.give(entry.priority(), share),
            None => 0,
        };
        self.put_back(entry);
    }

    /// How many jobs of each tenant run, where that is limited.
    pub(super) fn running_by_tenant(&self) -> HashMap<String, usize> {
        let mut running = HashMap::new();
        if self.usage.limits().tenant.concurrency.is_some() {
            let active = self.active.iter().filter_map(|id| self.jobs.get(id)?.record.envelope.share());
            active.for_each(|tenant| *running.entry(tenant.to_owned()).or_default() += 1);
        }
        running
    }

    /// Makes every delayed or parked job whose time has come ready.
    pub(super) fn promote_due(&mut self, now: Timestamp) {
        while let Some(first) = self.delayed.first_entry() {
            if first.key().0 > now {
                return;
            }
            let id = first.remove();
            if let Some(entry) = self.jobs.remove(&id) {
                self.line_up(entry);
            }
        }
    }

    /// Makes a delayed or parked job ready now.
    pub(super) fn make_ready(&mut self, id: &JobId, now: Timestamp) {
        if let Some(mut entry) = self.jobs.remove(id) {
            self.delayed.remove(&(entry.record.due_at, entry.added));
            entry.record.due_at = entry.record.due_at.min(now);
            self.line_up(entry);
        }
    }

    /// Takes an active job out of its holder's hands, if the lock is good.
    pub(super) fn give_back(&mut self, lock: &Lock) -> Option<Entry> {
        if !self.jobs.get(&lock.id)?.is_held_by(lock) {
            return None;
        }
        let entry = self.jobs.remove(&lock.id)?;
        self.active.remove(&lock.id);
        if let Some(key) = &entry.serial_key {
            self.active_keys.remove(key);
        }
        Some(entry)
    }

    /// Puts a job back to the place it had.
    pub(super) fn put_back(&mut self, mut entry: Entry) {
        let id = entry.record.envelope.id.clone();
        entry.record.state = JobState::Waiting;
        self.waiting.insert(entry.place(), id.clone());
        self.jobs.insert(id, entry);
    }

    /// Puts a job off.
    pub(super) fn postpone(&mut self, mut entry: Entry, state: JobState, delay: Duration, now: Timestamp) {
        entry.record.due_at = later(now, delay);
        if delay.is_zero() {
            return self.line_up(entry);
        }
        let id = entry.record.envelope.id.clone();
        entry.record.state = state;
        self.delayed.insert((entry.record.due_at, entry.added), id.clone());
        self.jobs.insert(id, entry);
    }

    /// Takes a job that nobody holds off the shelf.
    pub(super) fn pull(&mut self, id: &JobId) -> Option<Entry> {
        let entry = self.jobs.remove(id)?;
        self.waiting.remove(&entry.place());
        self.delayed.remove(&(entry.record.due_at, entry.added));
        Some(entry)
    }

    /// Lets a parent go that waits for its children no longer: it becomes ready, but no earlier than it is due.
    pub(super) fn release(&mut self, id: &JobId, now: Timestamp) {
        if let Some(mut entry) = self.pull(id) {
            let has_delay = entry.record.due_at > entry.record.created_at;
            entry.record.due_at = if has_delay { entry.record.due_at.max(now) } else { now };
            self.insert(entry, now);
        }
    }

    /// Lets a parent wait for its children.
    pub(super) fn await_children(&mut self, mut entry: Entry) {
        entry.record.state = JobState::WaitingChildren;
        self.jobs.insert(entry.record.envelope.id.clone(), entry);
    }

    /// Records the end of a job, and lets go of finished ones beyond their bounds. Answers with those of them that have a parent.
    pub(super) fn conclude(&mut self, mut entry: Entry, state: JobState, now: Timestamp) -> Vec<JobRecord> {
        let id = entry.record.envelope.id.clone();
        self.concluded += 1;
        entry.concluded = self.concluded;
        entry.record.state = state;
        entry.record.finished_at = Some(now);
        let keep = entry.retention();
        self.expiring.insert((later(now, keep.age), entry.concluded), id.clone());
        self.finished_in(state).insert(entry.concluded, id.clone());
        self.jobs.insert(id, entry);
        let mut gone = Vec::new();
        while let Some(first) = self.expiring.first_entry()
            && first.key().0 <= now
        {
            let id = first.get().clone();
            gone.extend(self.forget_finished(&id));
        }
        while self.finished_in(state).len() > keep.count as usize
            && let Some((_, id)) = self.finished_in(state).pop_first()
        {
            gone.extend(self.forget_finished(&id));
        }
        gone.into_iter().map(|entry| entry.record).filter(|record| record.parent.is_some()).collect()
    }

    /// The jobs that ended in a state, in the order they did.
    fn finished_in(&mut self, state: JobState) -> &mut BTreeMap<u64, JobId> {
        if state == JobState::Completed { &mut self.completed } else { &mut self.failed }
    }

    /// Takes a finished job off the shelf.
    fn forget_finished(&mut self, id: &JobId) -> Option<Entry> {
        let entry = self.jobs.get(id)?.record.state.is_final().then(|| self.jobs.remove(id))??;
        self.finished_in(entry.record.state).remove(&entry.concluded);
        let finished = entry.record.finished_at?;
        self.expiring.remove(&(later(finished, entry.retention().age), entry.concluded));
        Some(entry)
    }

    /// Makes a failed job ready again, as if it had never been tried.
    pub(super) fn revive(&mut self, id: &JobId, now: Timestamp) {
        if let Some(mut entry) = self.forget_finished(id) {
            let record = &mut entry.record;
            entry.is_cancelled = false;
            (record.attempts_made, record.stalls) = (0, 0);
            record.finished_at = None;
            record.due_at = now;
            if entry.has_unfinished_children() {
                return self.await_children(entry);
            }
            self.line_up(entry);
        }
    }

    /// Whose a unique key is, if its period has not passed.
    pub(super) fn unique_holder(&mut self, key: &str, now: Timestamp) -> Option<JobId> {
        self.forget_passed_keys(now);
        self.holder(key)
    }

    /// Whose a unique key is.
    pub(super) fn holder(&self, key: &str) -> Option<JobId> {
        self.unique.get(key).map(|(holder, _)| holder.clone())
    }

    /// Frees the unique keys whose period has passed.
    pub(super) fn forget_passed_keys(&mut self, now: Timestamp) {
        while let Some((until, first)) = self.unique_until.first()
            && *until <= now
        {
            let passed = first.clone();
            self.free_unique(&passed);
        }
    }

    /// Gives a unique key to a job until an instant.
    pub(super) fn hold_unique(&mut self, key: &str, id: &JobId, until: Timestamp) {
        self.unique.insert(key.to_owned(), (id.clone(), until));
        self.unique_until.insert((until, key.to_owned()));
    }

    fn free_unique(&mut self, key: &str) {
        if let Some((_, until)) = self.unique.remove(key) {
            self.unique_until.remove(&(until, key.to_owned()));
        }
    }

    /// Removes a job that is not active, and frees its unique key.
    pub(super) fn remove(&mut self, id: &JobId) {
        if let Some(entry) = self.forget_finished(id).or_else(|| self.pull(id))
            && let Some(key) = &entry.unique_key
            && self.unique.get(key).is_some_and(|(holder, _)| holder == id)
        {
            self.free_unique(key);
        }
    }

    pub(super) fn counts(&self) -> JobCounts {
        let mut counts = JobCounts::default();
        for entry in self.jobs.values() {
            let state = entry.record.state;
            counts.set(state, counts.get(state) + 1);
        }
        counts
    }
}
