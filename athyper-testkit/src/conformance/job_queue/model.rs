//! A job queue as simple as can be, to compare real ones with, step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use athyper::clock::Timestamp;
use athyper::jobs::{JobCounts, JobState, Priority};

use super::steps::Ending;

/// Where a job is found: its queue and its id.
pub(super) type Place = (String, String);

/// A job as the model sees it.
#[derive(Debug, Clone)]
pub(super) struct ModelJob {
    pub(super) place: Place,
    pub(super) state: JobState,
    pub(super) priority: Priority,
    pub(super) due_at: Timestamp,
    pub(super) added: u32,
    pub(super) token: u32,
    pub(super) attempts_made: u32,
    pub(super) stalls: u32,
    pub(super) locked_until: Duration,
    pub(super) serial: Option<String>,
    pub(super) unique: Option<String>,
    pub(super) keep_completed: u32,
    pub(super) ended: u32,
}

/// A job queue as simple as can be: a list of jobs that is searched for everything.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) jobs: Vec<ModelJob>,
    keys: BTreeMap<(String, String), (String, Timestamp)>,
    paused: Vec<String>,
    added: u32,
    ended: u32,
}

/// The two readings of the clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) wall: Timestamp,
    pub(super) since_boot: Duration,
}

impl Model {
    /// Makes ready what is due. Called before each operation.
    pub(super) fn come_due(&mut self, now: Now) {
        for job in &mut self.jobs {
            if matches!(job.state, JobState::Delayed | JobState::Parked) && job.due_at <= now.wall {
                job.state = JobState::Waiting;
            }
        }
    }

    pub(super) fn find(&mut self, place: &Place) -> Option<&mut ModelJob> {
        self.jobs.iter_mut().find(|job| job.place == *place)
    }

    /// The id that stands for the job, and whether it is another's.
    pub(super) fn add(&mut self, mut job: ModelJob, period: Duration, now: Now) -> (String, bool) {
        let (queue, id) = job.place.clone();
        if self.find(&job.place).is_some() {
            return (id, true);
        }
        if let Some(key) = &job.unique {
            let key = (queue, key.clone());
            if let Some((holder, until)) = self.keys.get(&key)
                && *until > now.wall
            {
                return (holder.clone(), true);
            }
            self.keys.insert(key, (id.clone(), now.wall + period));
        }
        self.added += 1;
        job.added = self.added;
        job.due_at = job.due_at.max(now.wall);
        job.state = if job.due_at > now.wall { JobState::Delayed } else { JobState::Waiting };
        self.jobs.push(job);
        (id, false)
    }

    /// The ids that are handed out, in order.
    pub(super) fn take(&mut self, queue: &str, max: usize, lock_for: Duration, now: Now) -> Vec<String> {
        let mut taken = Vec::new();
        while taken.len() < max && !self.paused.iter().any(|paused| paused == queue) {
            let busy: Vec<String> = self
                .jobs
                .iter()
                .filter(|job| job.place.0 == queue && job.state == JobState::Active)
                .filter_map(|job| job.serial.clone())
                .collect();
            let first = self
                .jobs
                .iter_mut()
                .filter(|job| job.place.0 == queue && job.state == JobState::Waiting)
                .filter(|job| job.serial.as_ref().is_none_or(|key| !busy.contains(key)))
                .min_by_key(|job| (job.priority, job.due_at, job.added));
            let Some(job) = first else { break };
            job.state = JobState::Active;
            job.token += 1;
            job.locked_until = now.since_boot + lock_for;
            taken.push(job.place.1.clone());
        }
        taken
    }

    fn holder(&mut self, place: &Place, token: u32) -> Option<&mut ModelJob> {
        self.find(place).filter(|job| job.state == JobState::Active && job.token == token)
    }

    /// Whether the outcome is accepted.
    pub(super) fn finish(&mut self, place: &Place, token: u32, ending: Ending, delay: Duration, now: Now) -> bool {
        let Some(job) = self.holder(place, token) else { return false };
        if matches!(ending, Ending::Complete | Ending::Fail | Ending::Retry) {
            job.attempts_made += 1;
        }
        if ending != Ending::Release {
            job.stalls = 0;
        }
        match ending {
            Ending::Complete => self.end(place, JobState::Completed),
            Ending::Fail => self.end(place, JobState::Failed),
            Ending::Release => job.state = JobState::Waiting,
            Ending::Retry | Ending::Snooze | Ending::Park => {
                job.due_at = now.wall + delay;
                job.state = if ending == Ending::Park { JobState::Parked } else { JobState::Delayed };
            }
        }
        self.come_due(now);
        true
    }

    fn end(&mut self, place: &Place, state: JobState) {
        self.ended += 1;
        let ended = self.ended;
        let Some(job) = self.find(place) else { return };
        (job.state, job.ended) = (state, ended);
        if state != JobState::Completed {
            return;
        }
        let keep = job.keep_completed as usize;
        let completed = |job: &&ModelJob| job.place.0 == place.0 && job.state == JobState::Completed;
        let mut ends: Vec<u32> = self.jobs.iter().filter(completed).map(|job| job.ended).collect();
        ends.sort_unstable();
        let beyond = ends.len().saturating_sub(keep);
        let gone = &ends[..beyond];
        self.jobs.retain(|job| !(completed(&job) && gone.contains(&job.ended)));
    }

    /// Whether the lock still holds.
    pub(super) fn renew(&mut self, place: &Place, token: u32, lock_for: Duration, now: Now) -> bool {
        let until = now.since_boot + lock_for;
        self.holder(place, token).map(|job| job.locked_until = until).is_some()
    }

    /// The ids that are taken back, sorted, with the state they are in then.
    pub(super) fn recover(&mut self, queue: &str, max_stalls: u32, now: Now) -> Vec<(String, JobState)> {
        let silent: Vec<Place> = self
            .jobs
            .iter()
            .filter(|job| job.place.0 == queue && job.state == JobState::Active && job.locked_until <= now.since_boot)
            .map(|job| job.place.clone())
            .collect();
        let mut back = Vec::new();
        for place in silent {
            let Some(job) = self.find(&place) else { continue };
            job.stalls += 1;
            if job.stalls > max_stalls {
                self.end(&place, JobState::Failed);
                back.push((place.1, JobState::Failed));
            } else {
                job.state = JobState::Waiting;
                back.push((place.1, JobState::Waiting));
            }
        }
        back.sort();
        back
    }

    pub(super) fn release_parked(&mut self, queue: &str, now: Now) -> u64 {
        let parked = self.jobs.iter_mut().filter(|job| job.place.0 == queue && job.state == JobState::Parked);
        parked.map(|job| (job.state, job.due_at) = (JobState::Waiting, now.wall)).count() as u64
    }

    /// Whether the job could be removed.
    pub(super) fn remove(&mut self, place: &Place) -> bool {
        if self.find(place).is_none_or(|job| job.state == JobState::Active) {
            return false;
        }
        self.jobs.retain(|job| job.place != *place);
        self.keys.retain(|(queue, _), (holder, _)| *queue != place.0 || *holder != place.1);
        true
    }

    /// Whether the job could be retried.
    pub(super) fn retry(&mut self, place: &Place, now: Now) -> bool {
        let job = self.find(place).filter(|job| job.state == JobState::Failed);
        job.map(|job| {
            (job.state, job.due_at) = (JobState::Waiting, now.wall);
            (job.attempts_made, job.stalls) = (0, 0);
        })
        .is_some()
    }

    /// Whether the job could be promoted.
    pub(super) fn promote(&mut self, place: &Place, now: Now) -> bool {
        let job = self.find(place).filter(|job| matches!(job.state, JobState::Delayed | JobState::Parked));
        job.map(|job| (job.state, job.due_at) = (JobState::Waiting, now.wall)).is_some()
    }

    pub(super) fn pause(&mut self, queue: &str, paused: bool) {
        self.paused.retain(|other| other != queue);
        if paused {
            self.paused.push(queue.to_owned());
        }
    }

    pub(super) fn counts(&self, queue: &str) -> JobCounts {
        let mut counts = JobCounts::default();
        for job in self.jobs.iter().filter(|job| job.place.0 == queue) {
            counts.set(job.state, counts.get(job.state) + 1);
        }
        counts
    }
}
