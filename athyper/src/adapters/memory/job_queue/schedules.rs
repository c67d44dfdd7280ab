//! The schedules that are kept with the jobs.

use async_trait::async_trait;

use super::MemoryJobQueue;
use crate::foundation::clock::Timestamp;
use crate::foundation::error::Result;
use crate::foundation::jobs::{Fire, Fired, JobId, ScheduleRecord, ScheduleStore};
use crate::foundation::schedule::Overlap;

#[async_trait]
impl ScheduleStore for MemoryJobQueue {
    async fn declare(
        &self,
        epoch: u64,
        since: Timestamp,
        now: Timestamp,
        schedules: &[(String, String)],
    ) -> Result<bool> {
        Ok(self.change(|store, _| {
            let records = &mut store.schedules;
            if records.values().any(|record| record.epoch > epoch) {
                return false;
            }
            if records.values().any(|record| record.since > since && record.since <= now) {
                records.values_mut().for_each(|record| record.epoch = epoch);
                return true;
            }
            records.retain(|name, _| schedules.iter().any(|(declared, _)| declared == name));
            for (name, definition) in schedules {
                let record = records.entry(name.clone()).or_insert_with(|| ScheduleRecord {
                    name: name.clone(),
                    definition: definition.clone(),
                    high_water: now,
                    epoch,
                    since,
                    last_job: None,
                });
                if record.definition != *definition {
                    record.definition.clone_from(definition);
                    record.high_water = now;
                }
                (record.epoch, record.since) = (epoch, since);
            }
            true
        }))
    }

    async fn records(&self) -> Result<Vec<ScheduleRecord>> {
        Ok(self.store().schedules.values().cloned().collect())
    }

    async fn fire(&self, fire: Fire) -> Result<Fired> {
        Ok(self.change(|store, now| {
            let Some(record) = store.schedules.get(&fire.schedule) else { return Fired::Unknown };
            if record.epoch > fire.epoch {
                return Fired::StaleLeader;
            }
            if fire.tick <= record.high_water {
                return Fired::AlreadyFired;
            }
            let last_job = record.last_job.clone();
            let added = fire.job.and_then(|job| {
                let queue = &job.envelope.queue;
                let earlier_runs = last_job.is_some_and(|id: JobId| store.is_unfinished(queue, &id));
                if fire.overlap == Overlap::Skip && earlier_runs {
                    return None;
                }
                Some(store.add_one(job, now).id)
            });
            let Some(record) = store.schedules.get_mut(&fire.schedule) else { return Fired::Unknown };
            record.high_water = fire.tick;
            match added {
                Some(id) => {
                    record.last_job = Some(id.clone());
                    Fired::Added(id)
                }
                None => Fired::Skipped,
            }
        }))
    }
}
