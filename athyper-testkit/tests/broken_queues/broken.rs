//! A queue with one fault, around the sound one in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use athyper::clock::{Clock, Timestamp};
use athyper::jobs::{
    Added, Capabilities, Claimed, Delivered, Delivery, Finish, Finished, JobFilter, JobId, JobQueue, JobRecord,
    JobState, Lock, MemoryJobQueue, NewJob, Outcome, QueueName, Recovered, RecoveryPolicy, Retention, Take,
};
use athyper::schedule::ScheduleStore;
use athyper::sql::Tx;
use athyper::{ErrorKind, Result};
use bytes::Bytes;
use tokio::sync::Notify;

use crate::fault::Fault;
use crate::{deliveries, transactions};

/// What a fault remembers.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) added: Vec<JobId>,
    pub(crate) delayed: BTreeSet<JobId>,
    pub(crate) serial: HashMap<JobId, (QueueName, String)>,
    pub(crate) held_keys: BTreeSet<(QueueName, String)>,
    pub(crate) unique: BTreeMap<(QueueName, String), (JobId, Timestamp)>,
    pub(crate) claimed: Vec<Claimed>,
    pub(crate) recovered: Vec<Recovered>,
    pub(crate) stalls: BTreeMap<JobId, u32>,
    pub(crate) errors: BTreeMap<JobId, String>,
    pub(crate) before_retry: BTreeMap<JobId, JobRecord>,
    pub(crate) pauses: u32,
    /// The retention that jobs were added with, when a fault has its own rule.
    pub(crate) kept: BTreeMap<JobId, (Retention, Retention)>,
    pub(crate) logs: BTreeMap<JobId, Vec<String>>,
    pub(crate) first_epoch: Option<u64>,
    pub(crate) latest_delivery: Option<i64>,
    pub(crate) arrived: BTreeSet<i64>,
}

/// A queue with one fault; `None` is the sound one.
#[derive(Debug)]
pub(crate) struct BrokenQueue {
    pub(crate) inner: Arc<MemoryJobQueue>,
    pub(crate) fault: Option<Fault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) memory: Arc<Mutex<Memory>>,
    pub(crate) told: Notify,
}

impl BrokenQueue {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    pub(crate) fn queue(&self, queue: &QueueName) -> QueueName {
        if self.has(Fault::MixesQueuesUp) { "mail".into() } else { queue.clone() }
    }

    pub(crate) fn id(&self, id: &JobId) -> JobId {
        if self.has(Fault::FoldsIds) { id.as_str().trim().to_lowercase().into() } else { id.clone() }
    }

    pub(crate) async fn record(&self, lock: &Lock) -> Option<JobRecord> {
        athyper::jobs::JobAdministration::get(&*self.inner, &lock.queue, &lock.id).await.unwrap()
    }

    pub(crate) async fn in_state(&self, queue: &QueueName, state: JobState) -> Vec<JobRecord> {
        let filter = JobFilter { states: vec![state], limit: u64::MAX, ..JobFilter::default() };
        athyper::jobs::JobAdministration::list(&*self.inner, queue, &filter).await.unwrap()
    }

    /// What a restart of the machine does to a store that outlives it: no lock of before is good.
    pub(crate) async fn restart_machine(&self) {
        if self.has(Fault::LocksOutliveRestarts) {
            return;
        }
        for queue in athyper::jobs::JobAdministration::queues(&*self.inner).await.unwrap() {
            let active = self.in_state(&queue, JobState::Active).await;
            let locks = active.into_iter().map(|record| Lock {
                queue: queue.clone(),
                id: record.envelope.id,
                token: record.attempts_started,
            });
            self.inner.renew(&locks.collect::<Vec<_>>(), Duration::ZERO).await.unwrap();
        }
    }

    /// Lets others run, as a store does between two statements.
    pub(crate) async fn step(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn translate(&self, lock: &Lock) -> Lock {
        let lock = Lock { queue: self.queue(&lock.queue), id: self.id(&lock.id), ..lock.clone() };
        let current = match self.record(&lock).await {
            Some(record) if record.state == JobState::Active => record.attempts_started,
            _ => return lock,
        };
        let token = match self.fault {
            Some(Fault::IgnoresTokens | Fault::AlwaysTheSameToken) => current,
            Some(Fault::AcceptsLaterTokens) if lock.token > current => current,
            _ => lock.token,
        };
        Lock { token, ..lock }
    }

    /// Takes back everything that ran out, uncounted.
    pub(crate) async fn take_back(&self, queue: &QueueName) {
        self.inner.recover(queue, RecoveryPolicy { max_stalls: u32::MAX }).await.unwrap();
    }

    fn change_claims(&self, claims: &mut Vec<Claimed>, request: &Take) {
        let mut memory = self.memory();
        if self.has(Fault::HandsOutTwice) && claims.len() < request.max {
            let again = memory.claimed.iter().rfind(|claimed| claimed.lock.queue == request.queue).cloned();
            claims.extend(again);
        }
        memory.claimed.extend(claims.iter().cloned());
        let place = |memory: &Memory, claimed: &Claimed| memory.added.iter().position(|id| *id == claimed.lock.id);
        match self.fault {
            Some(Fault::SortsBatchesByAdding) => claims.sort_by_key(|claimed| place(&memory, claimed)),
            Some(Fault::SortsBatchesById) => claims.sort_by_key(|claimed| claimed.lock.id.clone()),
            Some(Fault::ReversesBatches) => claims.reverse(),
            _ => {}
        }
        for claimed in claims {
            match self.fault {
                Some(Fault::AlwaysTheSameToken) => claimed.lock.token = 1,
                Some(Fault::SaysFirstAttempt) => claimed.attempts_made = 0,
                Some(Fault::SaysNeverStalled) => claimed.stalls = 0,
                Some(Fault::CountsStallsAsAttempts) => {
                    claimed.attempts_made += memory.stalls.get(&claimed.lock.id).copied().unwrap_or_default();
                }
                Some(Fault::LiesAboutTimes) => claimed.created_at += Duration::from_secs(1),
                Some(Fault::HoldsKeysUntilTaken) => {
                    memory.unique.retain(|_, (holder, _)| *holder != claimed.lock.id);
                }
                _ => {}
            }
        }
    }

    /// Hands claims back that a fault about serial keys would not have made.
    async fn withhold(&self, claims: Vec<Claimed>) -> Vec<Claimed> {
        let mut kept: Vec<Claimed> = Vec::new();
        for claimed in claims {
            let key = self.memory().serial.get(&claimed.lock.id).cloned();
            let delayed = self.in_state(&claimed.lock.queue, JobState::Delayed).await;
            let withheld = match (self.fault, key) {
                (Some(Fault::HoldsSerialKeysForEver | Fault::FreesSerialKeysOnlyWhenDone), Some(key)) => {
                    !self.memory().held_keys.insert(key)
                }
                (Some(Fault::SharesSerialKeysBetweenQueues), Some((_, key))) => {
                    !self.memory().held_keys.insert(("any".into(), key))
                }
                (Some(Fault::RetriesHoldSerialKeys), Some(key)) => {
                    delayed.iter().any(|other| self.memory().serial.get(&other.envelope.id) == Some(&key))
                }
                (Some(Fault::SerialJobsBlockAll), None) => {
                    let active = self.in_state(&claimed.lock.queue, JobState::Active).await;
                    let memory = self.memory();
                    active.iter().any(|other| memory.serial.contains_key(&other.envelope.id))
                }
                _ => false,
            };
            if withheld {
                self.inner.finish(vec![Finish { lock: claimed.lock, outcome: Outcome::Release }], None).await.unwrap();
            } else {
                kept.push(claimed);
            }
        }
        kept
    }

    pub(crate) async fn take_once(&self, request: &Take) -> Result<Vec<Claimed>> {
        let mut request = Take { queue: self.queue(&request.queue), ..request.clone() };
        match self.fault {
            Some(Fault::TakesOneTooMany) => request.max += 1,
            Some(Fault::TakesOneForNone) => request.max = request.max.max(1),
            Some(Fault::TakesAtMostAHundred) => request.max = request.max.min(100),
            Some(Fault::TakesWhatRanOut) => self.take_back(&request.queue).await,
            Some(Fault::IgnoresLockTimes) => request.lock_for = Duration::from_secs(30),
            Some(Fault::DoesNotWait) => request.wait = Duration::ZERO,
            Some(Fault::WaitsForEver) if !request.wait.is_zero() => request.wait = Duration::MAX,
            Some(Fault::WaitsUnasked) => request.wait = request.wait.max(Duration::from_secs(1)),
            Some(Fault::LosesWhatIsDropped) => request.lock_for = Duration::from_secs(1_000_000),
            _ => {}
        }
        let mut claims = self.inner.take(&request).await?;
        self.change_claims(&mut claims, &request);
        if self.has(Fault::LosesWhatIsDropped) {
            tokio::task::yield_now().await;
        }
        Ok(self.withhold(claims).await)
    }

    /// Waits for a sign that new jobs came, and for no other.
    async fn take_woken(&self, request: &Take, by_new_jobs: bool) -> Result<Vec<Claimed>> {
        let look = Take { wait: Duration::ZERO, ..request.clone() };
        let deadline = self.clock.since_boot().saturating_add(request.wait);
        loop {
            let told = self.told.notified();
            let claims = self.take_once(&look).await?;
            if !claims.is_empty() || self.clock.since_boot() >= deadline {
                return Ok(claims);
            }
            tokio::select! {
                () = told, if by_new_jobs => {}
                () = self.clock.sleep_until(deadline) => {}
            }
        }
    }
}

pub(crate) fn reformat(json: &[u8]) -> Bytes {
    match serde_json::from_slice::<serde_json::Value>(json) {
        Ok(value) => value.to_string().into(),
        Err(_) => Bytes::copy_from_slice(json),
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl JobQueue for BrokenQueue {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.transactional = true;
        capabilities
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        let added = self.add_with_fault(jobs).await?;
        self.told.notify_waiters();
        Ok(added)
    }

    async fn add_in(&self, tx: &mut Tx, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        transactions::add_in(self, tx, jobs).await
    }

    async fn deliver(&self, delivery: &Delivery, jobs: Vec<NewJob>) -> Result<Delivered> {
        deliveries::deliver(self, delivery, jobs).await
    }

    async fn take(&self, request: &Take) -> Result<Vec<Claimed>> {
        match self.fault {
            Some(Fault::LooksOnlyAtTheEnd) => self.take_woken(request, false).await,
            Some(Fault::WakesForNewJobsOnly) => self.take_woken(request, true).await,
            Some(Fault::TakesOnWhenDropped) => {
                let (queue, request) = (self.inner.clone(), request.clone());
                tokio::spawn(async move { queue.take(&request).await }).await.unwrap()
            }
            Some(Fault::TakesOneForNone) if request.max == 0 => {
                self.take_once(&Take { wait: Duration::ZERO, ..request.clone() }).await
            }
            _ => self.take_once(request).await,
        }
    }

    async fn finish(&self, outcomes: Vec<Finish>, next: Option<&Take>) -> Result<Finished> {
        let alone = outcomes.is_empty();
        let unasked = Take {
            queue: "mail".into(),
            worker: String::new(),
            max: 1,
            lock_for: Duration::from_secs(30),
            wait: Duration::ZERO,
        };
        let next = match self.fault {
            Some(Fault::NeverTakesNext) => None,
            Some(Fault::TakesNextUnasked) => Some(next.unwrap_or(&unasked)),
            Some(Fault::IgnoresNextAlone) if alone => None,
            _ => next,
        };
        let look = next.map(|next| match self.fault {
            Some(Fault::WaitsForNext) => next.clone(),
            _ => Take { wait: Duration::ZERO, ..next.clone() },
        });
        let mut taken = Vec::new();
        if let Some(look) = look.as_ref().filter(|_| self.has(Fault::TakesNextFirst)) {
            taken = self.take_once(look).await?;
        }
        let verdicts = self.finish_each(outcomes).await?;
        if let Some(look) = look.as_ref().filter(|_| !self.has(Fault::TakesNextFirst)) {
            taken = self.take_next(look).await?;
        }
        Ok(Finished { verdicts, next: taken })
    }

    async fn renew(&self, locks: &[Lock], lock_for: Duration) -> Result<Vec<Lock>> {
        let mut lost = Vec::new();
        for lock in locks {
            if self.has(Fault::RanOutIsLost) {
                self.take_back(&lock.queue).await;
            }
            let translated = self.translate(lock).await;
            let lock_for = match self.fault {
                Some(Fault::RenewsForTooLong) => lock_for * 3,
                Some(Fault::RenewsNothing) => continue,
                _ => lock_for,
            };
            if !self.inner.renew(&[translated], lock_for).await?.is_empty() {
                lost.push(lock.clone());
            }
        }
        Ok(match self.fault {
            Some(Fault::SaysAllLost) => locks.to_vec(),
            Some(Fault::SaysNoneLost) => Vec::new(),
            _ => lost,
        })
    }

    async fn record_progress(&self, lock: &Lock, progress: Bytes) -> Result<()> {
        if self.has(Fault::RanOutIsLost) {
            self.take_back(&lock.queue).await;
        }
        let lock = self.translate(lock).await;
        let earlier = self.record(&lock).await.and_then(|record| record.progress);
        match self.fault {
            Some(Fault::LosesProgress) => Ok(()),
            Some(Fault::KeepsTheFirstProgress) if earlier.is_some() => Ok(()),
            Some(Fault::ReformatsProgress) => self.inner.record_progress(&lock, reformat(&progress)).await,
            Some(Fault::AcceptsStrangersProgress) => {
                let _ = self.inner.record_progress(&lock, progress).await;
                Ok(())
            }
            _ => self.inner.record_progress(&lock, progress).await,
        }
    }

    async fn record_checkpoint(&self, lock: &Lock, checkpoint: Bytes) -> Result<()> {
        let lock = self.translate(lock).await;
        match self.fault {
            Some(Fault::LosesCheckpoints) => Ok(()),
            Some(Fault::ReformatsCheckpoints) => self.inner.record_checkpoint(&lock, reformat(&checkpoint)).await,
            Some(Fault::AcceptsStrangersCheckpoints) => {
                let _ = self.inner.record_checkpoint(&lock, checkpoint).await;
                Ok(())
            }
            _ => self.inner.record_checkpoint(&lock, checkpoint).await,
        }
    }

    async fn append_log(&self, lock: &Lock, row: String) -> Result<()> {
        let lock = self.translate(lock).await;
        let appended = match self.fault {
            Some(Fault::LosesLogs) => Ok(()),
            _ => self.inner.append_log(&lock, row.clone()).await,
        };
        if appended.is_ok() {
            self.memory().logs.entry(lock.id).or_default().push(row);
        }
        self.forgive(appended, Fault::AcceptsStrangersLogs, ErrorKind::Conflict)
    }

    async fn cancelled(&self, queue: &QueueName) -> Result<Vec<Lock>> {
        match self.fault {
            Some(Fault::SaysNothingIsCancelled) => Ok(Vec::new()),
            Some(Fault::CancelsInEveryQueue) => self.inner.cancelled(&"mail".into()).await,
            _ => self.inner.cancelled(queue).await,
        }
    }

    async fn recover(&self, queue: &QueueName, policy: RecoveryPolicy) -> Result<Vec<Recovered>> {
        self.recover_with_fault(&self.queue(queue), policy).await
    }

    async fn release_parked(&self, queue: &QueueName, kinds: &[String]) -> Result<u64> {
        self.release_with_fault(&self.queue(queue), kinds).await
    }

    fn schedules(&self) -> &dyn ScheduleStore {
        self
    }
}
