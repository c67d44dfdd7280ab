//! The schedules that are kept with the jobs.

use async_trait::async_trait;

use super::record::{micros, prepare, read_id, read_instant, read_list, read_number, read_text};
use super::{Inner, RedisJobQueue};
use crate::adapters::redis::connection::{Call, Repeat};
use crate::adapters::redis::error::strange;
use crate::adapters::redis::scripts::{DECLARE, FIRE, RECORDS};
use crate::foundation::clock::Timestamp;
use crate::foundation::error::Result;
use crate::foundation::jobs::{Fire, Fired, ScheduleRecord, ScheduleStore};
use crate::foundation::schedule::Overlap;

impl Inner {
    fn schedules(&self) -> Call {
        Call::on(self.connections.key("schedules"))
    }
}

#[async_trait]
impl ScheduleStore for RedisJobQueue {
    async fn declare(
        &self,
        epoch: u64,
        since: Timestamp,
        now: Timestamp,
        schedules: &[(String, String)],
    ) -> Result<bool> {
        let mut call = self.inner.schedules().number(epoch).number(micros(since)).number(micros(now));
        for (name, definition) in schedules {
            call.push(name);
            call.push(definition);
        }
        Ok(read_number(self.inner.connections.run(&DECLARE, call, Repeat::Freely).await?)? == 1)
    }

    async fn records(&self) -> Result<Vec<ScheduleRecord>> {
        let answer = self.inner.connections.run(&RECORDS, self.inner.schedules(), Repeat::Freely).await?;
        let mut records = Vec::new();
        for record in read_list(answer)? {
            let mut fields = read_list(record)?.into_iter();
            let mut next = || fields.next().ok_or_else(|| strange("a schedule"));
            let (name, definition) = (read_text(next()?), read_text(next()?));
            records.push(ScheduleRecord {
                name: name.unwrap_or_default(),
                definition: definition.unwrap_or_default(),
                high_water: read_instant(next()?).ok_or_else(|| strange("the mark of a schedule"))?,
                epoch: read_text(next()?)
                    .and_then(|epoch| epoch.parse().ok())
                    .ok_or_else(|| strange("the epoch of a schedule"))?,
                since: read_instant(next()?).ok_or_else(|| strange("the beginning of a schedule's declaration"))?,
                last_job: read_text(next()?).filter(|id| !id.is_empty()).map(|id| read_id(&id)),
            });
        }
        records.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(records)
    }

    async fn fire(&self, fire: Fire) -> Result<Fired> {
        let now = self.inner.clock.now();
        let mut call = self
            .inner
            .schedules()
            .number(now.timestamp_millis())
            .with(&fire.schedule)
            .number(fire.epoch)
            .number(micros(fire.tick))
            .number(u8::from(fire.overlap == Overlap::Skip));
        if let Some(job) = fire.job {
            let queue = job.envelope.queue.clone();
            self.inner.remember(std::slice::from_ref(&queue)).await?;
            call.push_key(self.inner.key(&queue, "meta"));
            call.push("2");
            prepare(job, &self.inner.connections.options.prefix, now)?.arguments(&mut |argument| call.push(argument));
        }
        let mut answer = read_list(self.inner.connections.run(&FIRE, call, Repeat::Never).await?)?.into_iter();
        let mut next = || answer.next().and_then(read_text).unwrap_or_default();
        let (word, id) = (next(), next());
        Ok(match &*word {
            "added" => Fired::Added(read_id(&id)),
            "skipped" => Fired::Skipped,
            "fired" => Fired::AlreadyFired,
            "stale" => Fired::StaleLeader,
            "unknown" => Fired::Unknown,
            _ => return Err(strange("what became of a tick")),
        })
    }
}
