//! Faults of schedules.

use async_trait::async_trait;
use athyper::Result;
use athyper::clock::Timestamp;
use athyper::jobs::{JobAdministration, JobQueue, JobState};
use athyper::schedule::{Fire, Fired, Overlap, ScheduleRecord, ScheduleStore};

use crate::broken::BrokenQueue;
use crate::fault::Fault;

impl BrokenQueue {
    async fn known(&self, schedule: &str) -> Result<Option<ScheduleRecord>> {
        Ok(self.inner.schedules().records().await?.into_iter().find(|record| record.name == schedule))
    }

    async fn last_job_state(&self, record: &ScheduleRecord) -> Result<Option<JobState>> {
        let Some(id) = &record.last_job else { return Ok(None) };
        Ok(self.inner.get(&"mail".into(), id).await?.map(|record| record.state))
    }

    /// Fires a tick with the mark where it was before.
    async fn fire_and_restore(&self, fire: Fire) -> Result<Fired> {
        let before = self.inner.schedules().records().await?;
        let fired = self.inner.schedules().fire(fire).await?;
        for record in before {
            let declared = [(record.name.clone(), String::from("restored"))];
            self.inner.schedules().declare(record.epoch, record.since, record.high_water, &declared).await?;
            let declared = [(record.name, record.definition)];
            self.inner.schedules().declare(record.epoch, record.since, record.high_water, &declared).await?;
        }
        Ok(fired)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ScheduleStore for BrokenQueue {
    async fn declare(
        &self,
        epoch: u64,
        since: Timestamp,
        now: Timestamp,
        schedules: &[(String, String)],
    ) -> Result<bool> {
        let inner = self.inner.schedules();
        let mut declared = schedules.to_vec();
        let records = inner.records().await?;
        let (mut epoch, mut since) = (epoch, since);
        match self.fault {
            Some(Fault::DeclaresNothing) => return Ok(true),
            Some(Fault::RestartsMarks) => {
                let other: Vec<_> = declared.iter().map(|(name, _)| (name.clone(), "restart".to_owned())).collect();
                inner.declare(epoch, since, now, &other).await?;
            }
            Some(Fault::KeepsMarksOfChanged) => {
                for (name, definition) in &mut declared {
                    if let Some(record) = records.iter().find(|record| record.name == *name) {
                        definition.clone_from(&record.definition);
                    }
                }
            }
            Some(Fault::KeepsRemovedSchedules) => {
                for record in &records {
                    if !declared.iter().any(|(name, _)| *name == record.name) {
                        declared.push((record.name.clone(), record.definition.clone()));
                    }
                }
            }
            Some(Fault::RemovesJobsOfSchedules) => {
                for record in records.iter().filter(|record| !declared.iter().any(|(name, _)| *name == record.name)) {
                    if let Some(id) = &record.last_job {
                        let _ = self.inner.remove(&"mail".into(), id).await;
                    }
                }
            }
            Some(Fault::DeclaresForAnybody) => {
                epoch = records.iter().map(|record| record.epoch).max().unwrap_or_default().max(epoch);
            }
            Some(Fault::DeclaresForOlderVersions) => since = now,
            Some(Fault::BelievesAnyBeginning) => {
                let latest = records.iter().map(|record| record.since).max();
                if latest.is_some_and(|latest| latest > since) {
                    return Ok(true);
                }
            }
            Some(Fault::KeepsTheFirstEpoch) => {
                epoch = *self.memory().first_epoch.get_or_insert(epoch);
            }
            _ => {}
        }
        inner.declare(epoch, since, now, &declared).await
    }

    async fn records(&self) -> Result<Vec<ScheduleRecord>> {
        let mut records = self.inner.schedules().records().await?;
        match self.fault {
            Some(Fault::DeclaresInReverse) => records.reverse(),
            Some(Fault::ForgetsTheLastJob) => records.iter_mut().for_each(|record| record.last_job = None),
            _ => {}
        }
        Ok(records)
    }

    async fn fire(&self, mut fire: Fire) -> Result<Fired> {
        let inner = self.inner.schedules();
        let known = self.known(&fire.schedule).await?;
        if self.has(Fault::FiresInTwoSteps) {
            self.step().await;
        }
        let Some(record) = known else {
            if let (Some(Fault::FiresUnknown), Some(job)) = (self.fault, fire.job) {
                let added = self.inner.add(vec![job]).await?;
                return Ok(Fired::Added(added[0].id.clone()));
            }
            return Ok(Fired::Unknown);
        };
        let now = self.clock.now();
        let state = self.last_job_state(&record).await?;
        match self.fault {
            Some(Fault::FiresNothing) => return Ok(Fired::Skipped),
            Some(Fault::FiresWithoutItsJob) => {
                let id = fire.job.take().map(|job| job.envelope.id);
                inner.fire(fire).await?;
                return Ok(id.map_or(Fired::Skipped, Fired::Added));
            }
            Some(Fault::FiresWithoutTheMark) => return self.fire_and_restore(fire).await,
            Some(Fault::FiresAtOnce) => {
                if let Some(job) = &mut fire.job {
                    job.due_at = now;
                }
            }
            Some(Fault::FiresAgain) if fire.tick <= record.high_water => {
                if let Some(job) = fire.job {
                    let added = self.inner.add(vec![job]).await?;
                    return Ok(Fired::Added(added[0].id.clone()));
                }
            }
            Some(Fault::FiresForAnybody) => fire.epoch = record.epoch,
            Some(Fault::FiresPassedOver) if fire.job.is_none() => return Ok(Fired::Skipped),
            Some(Fault::IgnoresOverlap) => fire.overlap = Overlap::Allow,
            Some(Fault::NeverOverlaps) => fire.overlap = Overlap::Skip,
            Some(Fault::OverlapsWhileRetried) if state == Some(JobState::Waiting) && record.last_job.is_some() => {
                let id = record.last_job.clone().unwrap_or_else(|| "none".into());
                let last = self.inner.get(&"mail".into(), &id).await?;
                if last.is_some_and(|last| last.attempts_started > 0) {
                    fire.overlap = Overlap::Allow;
                }
            }
            Some(Fault::SkipsWithoutTheMark)
                if fire.overlap == Overlap::Skip && state.is_some_and(|state| !state.is_final()) =>
            {
                return Ok(Fired::Skipped);
            }
            Some(Fault::SkipsAfterFailures) if fire.overlap == Overlap::Skip && state == Some(JobState::Failed) => {
                fire.job = None;
            }
            Some(Fault::FiresInTwoSteps) if fire.tick > record.high_water => {
                if let Fired::AlreadyFired = inner.fire(fire.clone()).await? {
                    let Some(job) = fire.job else { return Ok(Fired::Skipped) };
                    let added = self.inner.add(vec![job]).await?;
                    return Ok(Fired::Added(added[0].id.clone()));
                }
                return Ok(Fired::Added("fired".into()));
            }
            _ => {}
        }
        inner.fire(fire).await
    }
}
