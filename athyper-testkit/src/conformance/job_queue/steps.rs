//! Any steps in any order: a queue and the model of one take them side by side.

use std::time::Duration;

use athyper::jobs::{Finish, JobState, Lock, Outcome, Priority, RecoveryPolicy, Retention, Take, Verdict};

use super::fixture::{Checked, JobExt, JobQueueFixture, equal, seconds};
use super::model::{Model, ModelJob, Now, Place};

/// One step that is taken with a queue. Numbers name things: queue 0 or 1, a job by its number, a claim by how many came
/// after it.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each field is named as what it stands for")]
pub enum Step {
    /// Adds a job.
    Add {
        queue: u8,
        job: u8,
        priority: u32,
        delay: u64,
        unique: Option<(u8, u64)>,
        serial: Option<u8>,
        keep_completed: u32,
    },
    /// Takes jobs.
    Take { queue: u8, max: usize },
    /// Tells how an attempt ended, and takes further jobs when `next` is above zero.
    Finish { claim: usize, ending: Ending, delay: u64, next: usize },
    /// Renews a lock.
    Renew { claim: usize },
    /// Takes jobs of silent workers back.
    Recover { queue: u8, max_stalls: u32 },
    /// Lets seconds pass.
    Pass { seconds: u64 },
    /// Removes a job.
    Remove { queue: u8, job: u8 },
    /// Retries a failed job.
    Retry { queue: u8, job: u8 },
    /// Makes a delayed or parked job ready.
    Promote { queue: u8, job: u8 },
    /// Pauses or resumes a queue.
    Pause { queue: u8, paused: bool },
    /// Frees parked jobs.
    ReleaseParked { queue: u8 },
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as the outcome it stands for")]
pub enum Ending {
    Complete,
    Fail,
    Retry,
    Snooze,
    Park,
    Release,
}

const LOCK: Duration = seconds(30);

fn name_of(queue: u8) -> String {
    format!("queue-{}", queue % 2)
}

fn place_of(queue: u8, job: u8) -> Place {
    (name_of(queue), format!("job-{job}"))
}

struct Walk {
    fixture: JobQueueFixture,
    model: Model,
    claims: Vec<Lock>,
}

/// Takes steps with a queue and with a model of one, and compares every answer and every job after each.
///
/// # Errors
/// The first difference.
pub async fn follow(fixture: JobQueueFixture, steps: &[Step]) -> Checked {
    let mut walk = Walk { fixture, model: Model::default(), claims: Vec::new() };
    for (number, step) in steps.iter().enumerate() {
        walk.take_step(step).await.map_err(|violation| at(number, step, &violation))?;
        walk.compare().await.map_err(|violation| at(number, step, &violation))?;
    }
    Ok(())
}

fn at(number: usize, step: &Step, violation: &super::Violation) -> super::Violation {
    super::Violation::new(format!("step {number}, {step:?}: {violation}"))
}

impl Walk {
    fn now(&self) -> Now {
        Now { wall: self.fixture.clock.now(), since_boot: self.fixture.clock.since_boot() }
    }

    fn request(queue: u8, max: usize) -> Take {
        Take { queue: name_of(queue).into(), worker: "the model".to_owned(), max, lock_for: LOCK, wait: Duration::ZERO }
    }

    fn claim(&self, back: usize) -> Option<Lock> {
        let index = self.claims.len().checked_sub(1 + back % self.claims.len().max(1))?;
        self.claims.get(index).cloned()
    }

    /// Compares what was handed out with what the model hands out.
    fn note_claims(&mut self, claims: &[athyper::jobs::Claimed], queue: u8, max: usize, now: Now) -> Checked {
        let wanted = self.model.take(&name_of(queue), max, LOCK, now);
        equal("what is handed out", super::fixture::ids(claims), wanted)?;
        for claimed in claims {
            let place = (name_of(queue), claimed.lock.id.to_string());
            let (token, made) = self.model.find(&place).map(|job| (job.token, job.attempts_made)).unwrap_or_default();
            equal("the token and the attempts made", (claimed.lock.token, claimed.attempts_made), (token, made))?;
            self.claims.push(claimed.lock.clone());
        }
        Ok(())
    }

    async fn take_step(&mut self, step: &Step) -> Checked {
        if let Step::Pass { seconds: count } = step {
            self.fixture.pass(seconds(*count)).await;
        }
        let now = self.now();
        self.model.come_due(now);
        let port = self.fixture.queue.clone();
        match step {
            Step::Pass { .. } => Ok(()),
            Step::Add { .. } => self.add(step, now).await,
            Step::Take { queue, max } => {
                let claims = port.take(&Self::request(*queue, *max)).await?;
                self.note_claims(&claims, *queue, *max, now)
            }
            Step::Finish { claim, ending, delay, next } => {
                self.finish(*claim, *ending, seconds(*delay), *next, now).await
            }
            Step::Renew { claim } => {
                let Some(lock) = self.claim(*claim) else { return Ok(()) };
                let lost = port.renew(std::slice::from_ref(&lock), LOCK).await?;
                let place = (lock.queue.to_string(), lock.id.to_string());
                equal("whether the lock holds", lost.is_empty(), self.model.renew(&place, lock.token, LOCK, now))
            }
            Step::Recover { queue, max_stalls } => {
                let policy = RecoveryPolicy { max_stalls: *max_stalls };
                let back = port.recover(&name_of(*queue).into(), policy).await?;
                let mut back: Vec<(String, JobState)> =
                    back.into_iter().map(|back| (back.id.to_string(), back.state)).collect();
                back.sort();
                equal("what is taken back", back, self.model.recover(&name_of(*queue), *max_stalls, now))
            }
            Step::Remove { queue, job } => {
                let (name, id) = place_of(*queue, *job);
                let removed = port.remove(&name.into(), &id.into()).await.is_ok();
                equal("whether it is removed", removed, self.model.remove(&place_of(*queue, *job)))
            }
            Step::Retry { queue, job } => {
                let (name, id) = place_of(*queue, *job);
                let retried = port.retry(&name.into(), &id.into()).await.is_ok();
                equal("whether it is retried", retried, self.model.retry(&place_of(*queue, *job), now))
            }
            Step::Promote { queue, job } => {
                let (name, id) = place_of(*queue, *job);
                let promoted = port.promote(&name.into(), &id.into()).await.is_ok();
                equal("whether it is promoted", promoted, self.model.promote(&place_of(*queue, *job), now))
            }
            Step::Pause { queue, paused } => {
                let name = name_of(*queue).into();
                if *paused {
                    port.pause(&name).await?
                } else {
                    port.resume(&name).await?
                }
                self.model.pause(&name_of(*queue), *paused);
                equal("whether it is paused", port.is_paused(&name).await?, *paused)
            }
            Step::ReleaseParked { queue } => {
                let freed = port.release_parked(&name_of(*queue).into(), &["welcome".to_owned()]).await?;
                equal("how many are freed", freed, self.model.release_parked(&name_of(*queue), now))
            }
        }
    }

    async fn add(&mut self, step: &Step, now: Now) -> Checked {
        let Step::Add { queue, job, priority, delay, unique, serial, keep_completed } = step else { return Ok(()) };
        let place = place_of(*queue, *job);
        let keep = Retention { count: *keep_completed, age: seconds(86_400 * 30) };
        let kept_failed = Retention { count: 1_000, age: seconds(86_400 * 30) };
        let mut added = self.fixture.job(&place.1).in_queue(&place.0).priority(*priority).due_in(seconds(*delay));
        added = added.keep(keep, kept_failed);
        let period = unique.map_or(Duration::ZERO, |(_, period)| seconds(1 + period));
        let key = unique.map(|(key, _)| format!("key-{key}"));
        if let Some(key) = &key {
            added = added.unique(key, period);
        }
        let serial = serial.map(|key| format!("serial-{key}"));
        if let Some(key) = &serial {
            added = added.serial(key);
        }
        let job = ModelJob {
            place,
            state: JobState::Waiting,
            priority: Priority(*priority),
            due_at: added.due_at,
            added: 0,
            token: 0,
            attempts_made: 0,
            stalls: 0,
            locked_until: Duration::ZERO,
            serial,
            unique: key,
            keep_completed: *keep_completed,
            ended: 0,
        };
        let answer = self.fixture.add(added).await?;
        equal("the answer", (answer.id.to_string(), answer.duplicate), self.model.add(job, period, now))
    }

    async fn finish(&mut self, claim: usize, ending: Ending, delay: Duration, next: usize, now: Now) -> Checked {
        let Some(lock) = self.claim(claim) else { return Ok(()) };
        let outcome = match ending {
            Ending::Complete => Outcome::Complete("1".into()),
            Ending::Fail => Outcome::Fail { error: "failed".to_owned() },
            Ending::Retry => Outcome::Retry { error: "again".to_owned(), delay },
            Ending::Snooze => Outcome::Snooze { delay },
            Ending::Park => Outcome::Park { reason: "unknown".to_owned(), delay },
            Ending::Release => Outcome::Release,
        };
        let queue = u8::from(lock.queue.as_str().ends_with('1'));
        let request = (next > 0).then(|| Self::request(queue, next));
        let finish = Finish { lock: lock.clone(), outcome };
        let finished = self.fixture.queue.finish(vec![finish], request.as_ref()).await?;
        let place = (lock.queue.to_string(), lock.id.to_string());
        let accepted = self.model.finish(&place, lock.token, ending, delay, now);
        let wanted = if accepted { Verdict::Applied } else { Verdict::LostLock };
        equal("the verdicts", finished.verdicts, [wanted])?;
        self.note_claims(&finished.next, queue, next, now)
    }

    /// Compares every job.
    async fn compare(&self) -> Checked {
        for queue in 0..2 {
            let counts = self.fixture.queue.counts(&name_of(queue).into()).await?;
            equal(&format!("the counts of {}", name_of(queue)), counts, self.model.counts(&name_of(queue)))?;
        }
        for job in &self.model.jobs {
            let (queue, id) = job.place.clone();
            let found = self.fixture.queue.get(&queue.into(), &(&*id).into()).await?;
            let found = found
                .map(|found| (found.state, found.due_at, found.attempts_started, found.attempts_made, found.stalls));
            let wanted = (job.state, job.due_at, job.token, job.attempts_made, job.stalls);
            equal(&format!("state, time, token, attempts, stalls of {id}"), found, Some(wanted))?;
        }
        Ok(())
    }
}
