//! Faults of adding, of keys, of recovery and of parking.

use std::collections::BTreeSet;
use std::time::Duration;

use athyper::Result;
use athyper::context::Context;
use athyper::jobs::{
    Added, Finish, JobAdministration, JobId, JobQueue, JobState, NewJob, Outcome, QueueName, Recovered, RecoveryPolicy,
    Take, Unique,
};

use crate::broken::{BrokenQueue, reformat};
use crate::fault::Fault;

const EVER: Duration = Duration::from_secs(1_000_000_000);

impl BrokenQueue {
    pub(crate) async fn add_with_fault(&self, mut jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        if jobs.iter().any(|job| job.parent.is_some()) {
            return self.add_flow_with_fault(jobs).await;
        }
        let all = jobs.len();
        let ids: Vec<_> = jobs.iter().map(|job| job.envelope.id.clone()).collect();
        match self.fault {
            Some(Fault::AddsNothing) => jobs.clear(),
            Some(Fault::LosesTheLastOfMany) if all > 1 => jobs.truncate(all - 1),
            Some(Fault::LosesBeyondFiveHundred) => jobs.truncate(500),
            Some(Fault::MakesAQueueForNothing) if all == 0 => {
                self.inner.pause(&"mail".into()).await?;
                self.inner.resume(&"mail".into()).await?;
            }
            _ => {}
        }
        if self.has(Fault::RefusesWhilePaused) {
            for job in &jobs {
                if self.inner.is_paused(&job.envelope.queue).await? {
                    return Err(athyper::Error::unavailable("the queue is paused"));
                }
            }
        }
        let mut seen = BTreeSet::new();
        let mut answers = Vec::new();
        for job in jobs {
            answers.push(self.add_one(job, &mut seen).await?);
        }
        answers.extend(ids.into_iter().skip(answers.len()).map(|id| Added { id, duplicate: false }));
        if self.has(Fault::AnswersInReverse) {
            answers.reverse();
        }
        Ok(answers)
    }

    async fn add_one(&self, mut job: NewJob, seen: &mut BTreeSet<String>) -> Result<Added> {
        self.change_job(&mut job);
        let own = job.envelope.id.clone();
        let found = self.inner.get(&job.envelope.queue, &own).await?.map(|record| record.state);
        if self.has(Fault::AddsInTwoSteps) {
            self.step().await;
        }
        let in_this_call = !seen.insert(own.to_string());
        let runs_again = match (self.fault, found) {
            (Some(Fault::RunsDuplicatesOfWaiting), Some(JobState::Waiting)) => !in_this_call,
            (Some(Fault::RunsDuplicatesOfActive), Some(JobState::Active)) => true,
            (Some(Fault::RunsDuplicatesOfFinished), Some(state)) => state.is_final(),
            (Some(Fault::RunsDuplicatesInACall), Some(_)) => in_this_call,
            (Some(Fault::AddsInTwoSteps), None) => self.inner.get(&job.envelope.queue, &own).await?.is_some(),
            _ => false,
        };
        if runs_again {
            let number = self.memory().added.len();
            job.envelope.id = format!("{own}#{number}").into();
        }
        if self.has(Fault::ReplacesDuplicates) && found == Some(JobState::Waiting) {
            self.inner.remove(&job.envelope.queue, &own).await?;
        }
        if let Some(answer) = self.add_with_own_keys(&mut job, found.is_some()).await? {
            return Ok(answer);
        }
        {
            let mut memory = self.memory();
            memory.added.push(job.envelope.id.clone());
            if job.due_at > self.clock.now() {
                memory.delayed.insert(job.envelope.id.clone());
            }
            if let Some(key) = &job.serial_key {
                memory.serial.insert(job.envelope.id.clone(), (job.envelope.queue.clone(), key.clone()));
            }
        }
        if self.has(Fault::IgnoresSerialKeys) || self.has(Fault::SharesSerialKeysBetweenQueues) {
            job.serial_key = None;
        }
        let mut added = self.inner.add(vec![job]).await?;
        let mut added = added.remove(0);
        if runs_again || self.has(Fault::ReplacesDuplicates) && found.is_some() {
            added = Added { id: own, duplicate: !runs_again };
        }
        Ok(added)
    }

    pub(crate) fn change_job(&self, job: &mut NewJob) {
        let now = self.clock.now();
        let number = u32::try_from(self.memory().added.len()).unwrap();
        job.envelope.queue = self.queue(&job.envelope.queue);
        job.envelope.id = self.id(&job.envelope.id);
        let options = &mut job.envelope.options;
        options.priority = self.change_priority(options.priority, number, job.due_at < now);
        let late = job.due_at > now;
        match self.fault {
            Some(Fault::FoldsKeys) => {
                job.envelope.kind = job.envelope.kind.to_lowercase();
                job.serial_key = job.serial_key.take().map(|key| key.to_lowercase());
                job.unique = job.unique.take().map(|unique| Unique { key: unique.key.to_lowercase(), ..unique });
            }
            Some(Fault::LosesTheContext) => job.envelope.context = Context::background(),
            Some(Fault::IgnoresOrderings) => options.ordering = athyper::jobs::QueueOrdering::Priority,
            Some(Fault::TakesTurnsByKind) => {
                job.envelope.context = job.envelope.context.clone().with_tenant(job.envelope.kind.clone());
            }
            Some(Fault::LosesTheVersion) => job.envelope.version = 1,
            Some(Fault::LosesOptions) => options.timeout = None,
            Some(Fault::ReformatsPayloads) => job.envelope.payload = reformat(&job.envelope.payload),
            Some(Fault::TruncatesPayloads) => job.envelope.payload.truncate(65_536),
            Some(Fault::IsEarly) if late => job.due_at -= Duration::from_secs(1),
            Some(Fault::IsLate) if late => job.due_at += Duration::from_secs(1),
            Some(Fault::IgnoresDelays) => job.due_at = now,
            Some(Fault::ForgetsDistantDates) if job.due_at.timestamp_nanos_opt().is_none() => job.due_at = now,
            Some(Fault::SerialByAdding) if job.serial_key.is_some() => {
                options.priority = athyper::jobs::Priority::Normal
            }
            Some(
                Fault::KeepsEverything
                | Fault::KeepsTheOldest
                | Fault::CountsFailedWithCompleted
                | Fault::CountsAcrossQueues
                | Fault::CountsByTheOldest
                | Fault::KeepsStalledFailures,
            ) => {
                // The fault's own rule follows when a job ends.
                self.memory().kept.insert(job.envelope.id.clone(), (options.keep_completed, options.keep_failed));
                options.keep_completed.count = u32::MAX;
                options.keep_failed.count = u32::MAX;
                if self.has(Fault::KeepsEverything) {
                    options.keep_completed.age = EVER;
                    options.keep_failed.age = EVER;
                }
            }
            Some(Fault::KeepsNothing) => options.keep_completed.count = 0,
            Some(Fault::IgnoresTheCount) => {
                options.keep_completed.count = u32::MAX;
                options.keep_failed.count = u32::MAX;
            }
            Some(Fault::IgnoresTheAge) => {
                options.keep_completed.age = EVER;
                options.keep_failed.age = EVER;
            }
            Some(Fault::AgesCompletedOnly) => options.keep_failed.age = EVER,
            _ => {}
        }
    }

    /// Keeps unique keys by a wrong rule. An answer means that the job is not added.
    async fn add_with_own_keys(&self, job: &mut NewJob, id_is_known: bool) -> Result<Option<Added>> {
        let own_rule = matches!(
            self.fault,
            Some(
                Fault::IgnoresKeys
                    | Fault::HoldsKeysForEver
                    | Fault::HoldsKeysUntilTaken
                    | Fault::HoldsKeysUntilFinished
                    | Fault::ProlongsKeys
                    | Fault::KeepsKeysOfRemoved
                    | Fault::FreesKeysOfOthers
                    | Fault::SharesKeysBetweenQueues
                    | Fault::TakesKeysForDuplicates
                    | Fault::SaysOwnIdForKeys
                    | Fault::SharesAllKeys
                    | Fault::KeysInTwoSteps
            )
        );
        if !own_rule {
            return Ok(None);
        }
        let Some(unique) = job.unique.take() else { return Ok(None) };
        if self.has(Fault::IgnoresKeys) || id_is_known && !self.has(Fault::TakesKeysForDuplicates) {
            return Ok(None);
        }
        let (now, id) = (self.clock.now(), job.envelope.id.clone());
        let queue: QueueName = match self.fault {
            Some(Fault::SharesKeysBetweenQueues) => "any".into(),
            _ => job.envelope.queue.clone(),
        };
        let key = if self.has(Fault::SharesAllKeys) { String::new() } else { unique.key };
        let holder = self.memory().unique.get(&(queue.clone(), key.clone())).cloned();
        if self.has(Fault::KeysInTwoSteps) {
            self.step().await;
        }
        let period = if self.has(Fault::HoldsKeysForEver) { EVER } else { unique.period };
        let mut memory = self.memory();
        if let Some((holder, _)) = holder.filter(|(_, until)| *until > now) {
            if self.has(Fault::ProlongsKeys) {
                memory.unique.insert((queue, key), (holder.clone(), now + period));
            }
            let told = if self.has(Fault::SaysOwnIdForKeys) { id } else { holder };
            return Ok(Some(Added { id: told, duplicate: true }));
        }
        memory.unique.insert((queue, key), (id, now + period));
        Ok(None)
    }

    pub(crate) async fn recover_with_fault(&self, queue: &QueueName, policy: RecoveryPolicy) -> Result<Vec<Recovered>> {
        let max_stalls = match self.fault {
            Some(Fault::RecoversNothing) => return Ok(Vec::new()),
            Some(Fault::NeverGivesUp) => u32::MAX,
            Some(Fault::GivesUpAtOnce) => 0,
            Some(Fault::AllowsOneMore) => policy.max_stalls.saturating_add(1),
            _ => policy.max_stalls,
        };
        let active = self.in_state(queue, JobState::Active).await;
        let locks = active.iter().map(|record| athyper::jobs::Lock {
            queue: queue.clone(),
            id: record.envelope.id.clone(),
            token: record.attempts_started,
        });
        let locks: Vec<_> = locks.collect();
        match self.fault {
            Some(Fault::RecoversEverything) => {
                self.inner.renew(&locks, Duration::ZERO).await?;
            }
            Some(Fault::RecoversAtMostTen) if locks.len() > 10 => {
                self.inner.renew(&locks[10..], EVER).await?;
            }
            _ => {}
        }
        if self.has(Fault::FinishesInTwoSteps) {
            self.step().await;
        }
        let policy = RecoveryPolicy { max_stalls };
        if self.has(Fault::RecoversEverywhere) {
            for other in self.inner.queues().await? {
                if other != *queue {
                    self.inner.recover(&other, policy).await?;
                }
            }
        }
        let mut recovered = self.inner.recover(queue, policy).await?;
        for back in &recovered {
            *self.memory().stalls.entry(back.id.clone()).or_default() += 1;
            if self.has(Fault::MovesStalledToTheEnd) && back.state == JobState::Waiting {
                self.move_to_the_end(queue, &back.id).await?;
            }
            if self.has(Fault::SharesSerialKeysBetweenQueues) || self.has(Fault::FreesSerialKeysOnlyWhenDone) {
                // A stall frees the key in these, so that only what they are named for is wrong.
                let mut memory = self.memory();
                if let Some((own, key)) = memory.serial.get(&back.id).cloned() {
                    memory.held_keys.remove(&("any".into(), key.clone()));
                    memory.held_keys.remove(&(own, key));
                }
            }
            if back.state == JobState::Failed && self.has(Fault::KeepsStalledFailures) {
                continue;
            }
            if back.state == JobState::Failed {
                self.apply_retention(queue, &back.id).await;
            }
        }
        match self.fault {
            Some(Fault::FinishesInTwoSteps) => {
                recovered = active
                    .into_iter()
                    .map(|record| Recovered {
                        id: record.envelope.id,
                        kind: record.envelope.kind,
                        state: JobState::Waiting,
                    })
                    .collect();
            }
            Some(Fault::SaysNothingRecovered) => recovered.clear(),
            Some(Fault::SaysRecoveredWait) => recovered.iter_mut().for_each(|back| back.state = JobState::Waiting),
            Some(Fault::RecoversTwice) => {
                let mut memory = self.memory();
                let before = std::mem::replace(&mut memory.recovered, recovered.clone());
                recovered.extend(before);
            }
            _ => {}
        }
        Ok(recovered)
    }

    /// Puts a waiting job behind the others.
    async fn move_to_the_end(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.move_jobs(queue, |other| other == id).await
    }

    /// Puts a waiting job before the others.
    pub(crate) async fn move_to_the_front(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.move_jobs(queue, |other| other != id).await
    }

    /// Puts some waiting jobs behind the others.
    async fn move_jobs(&self, queue: &QueueName, moves: impl Fn(&JobId) -> bool) -> Result<()> {
        let (queue, worker) = (queue.clone(), String::new());
        let request = Take { queue, worker, max: usize::MAX, lock_for: EVER, wait: Duration::ZERO };
        for claimed in self.inner.take(&request).await? {
            let outcome = if moves(&claimed.lock.id) {
                Outcome::Snooze { delay: Duration::from_micros(1) }
            } else {
                Outcome::Release
            };
            self.inner.finish(vec![Finish { lock: claimed.lock, outcome }], None).await?;
        }
        Ok(())
    }

    pub(crate) async fn release_with_fault(&self, queue: &QueueName, kinds: &[String]) -> Result<u64> {
        let mut kinds = kinds.to_vec();
        match self.fault {
            Some(Fault::FreesNothing) => return Ok(0),
            Some(Fault::FreesEveryKind) => {
                let parked = self.in_state(queue, JobState::Parked).await;
                kinds = parked.into_iter().map(|record| record.envelope.kind).collect();
            }
            Some(Fault::FreesDelayedToo) => {
                for record in self.in_state(queue, JobState::Delayed).await {
                    self.inner.promote(queue, &record.envelope.id).await?;
                }
            }
            Some(Fault::FreesEverywhere) => {
                let mut freed = 0;
                for queue in self.inner.queues().await? {
                    freed += self.inner.release_parked(&queue, &kinds).await?;
                }
                return Ok(freed);
            }
            _ => {}
        }
        let freed = self.inner.release_parked(queue, &kinds).await?;
        Ok(if self.has(Fault::FreesSilently) { 0 } else { freed })
    }
}
