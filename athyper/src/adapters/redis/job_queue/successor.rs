//! The next run of BullMQ's job schedulers.
//!
//! Each run of such a scheduler is a job, and whoever takes it adds the next one: a worker that did not would end the schedule.

use serde_json::{Map, Value as Json};

use super::record::{read_list, read_text};
use super::{Inner, identity};
use crate::adapters::redis::connection::Repeat;
use crate::adapters::redis::scripts::SUCCESSOR;
use crate::foundation::clock::Timestamp;
use crate::foundation::error::Result;
use crate::foundation::jobs::{JobId, QueueName};
use crate::foundation::schedule::Cron;

/// A run of a scheduler that was taken.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) scheduler: String,
    pub(super) id: JobId,
    /// The options of the job as they are stored.
    pub(super) options: Vec<u8>,
}

/// When a scheduler's runs are due, as BullMQ stores it.
#[derive(Debug, Default)]
struct Scheduler {
    name: String,
    data: String,
    every: Option<i64>,
    pattern: Option<String>,
    zone: Option<String>,
    limit: Option<u64>,
    end: Option<i64>,
}

impl Scheduler {
    /// When the run after the one of `previous` is due; all in milliseconds.
    fn next(&self, previous: i64, now: i64) -> Option<i64> {
        let next = match (self.every.filter(|every| *every > 0), &self.pattern) {
            // What was missed is passed over, on the grid of the runs before.
            (Some(every), _) => previous + every * ((now - previous).div_euclid(every).max(0) + 1),
            (None, Some(pattern)) => {
                let cron = Cron::new(pattern, self.zone.as_deref().unwrap_or("UTC")).ok()?;
                cron.next_after(Timestamp::from_timestamp_millis(previous.max(now))?)?.timestamp_millis()
            }
            (None, None) => return None,
        };
        self.end.is_none_or(|end| next <= end).then_some(next)
    }
}

impl Inner {
    /// Adds the next runs of the schedulers whose runs were taken.
    pub(super) async fn add_successors(&self, queue: &QueueName, runs: Vec<Run>) -> Result<()> {
        for run in runs {
            self.add_successor(queue, &run).await?;
        }
        Ok(())
    }

    async fn add_successor(&self, queue: &QueueName, run: &Run) -> Result<()> {
        let scheduler = self.scheduler(queue, &run.scheduler).await?;
        let now = self.clock.now().timestamp_millis();
        let stored = identity::spell(run.id.as_str());
        let Some(previous) = stored.rsplit(':').next().and_then(|millis| millis.parse().ok()) else { return Ok(()) };
        let mut options: Map<String, Json> = serde_json::from_slice(&run.options).unwrap_or_default();
        let count = options.get("repeat").and_then(|repeat| repeat["count"].as_u64()).unwrap_or(1) + 1;
        let Some(next) = scheduler.next(previous, now) else { return Ok(()) };
        if scheduler.limit.is_some_and(|limit| count > limit) {
            return Ok(());
        }
        let id = format!("repeat:{}:{next}", run.scheduler);
        if let Some(repeat) = options.get_mut("repeat").and_then(Json::as_object_mut) {
            repeat.insert("count".to_owned(), count.into());
        }
        for (name, value) in [
            ("jobId", id.as_str().into()),
            ("delay", (next - now).max(0).into()),
            ("timestamp", now.into()),
            ("repeatJobKey", run.scheduler.as_str().into()),
        ] {
            options.insert(name.to_owned(), value);
        }
        // Only BullMQ's own producers say from which run they reckon.
        options.remove("prevMillis");
        options.entry("attempts").or_insert_with(|| 0.into());
        let priority = options.get("priority").and_then(Json::as_u64).unwrap_or_default();
        let call = self
            .timed(queue)
            .with(&run.scheduler)
            .with(stored.as_bytes())
            .number(next)
            .with(&id)
            .with(&scheduler.name)
            .with(&scheduler.data)
            .with(Json::Object(options).to_string())
            .number(priority);
        // Done twice it is as done once: the scheduler's latest run is another one then.
        self.connections.run(&SUCCESSOR, call, Repeat::Freely).await.map(drop)
    }

    async fn scheduler(&self, queue: &QueueName, id: &str) -> Result<Scheduler> {
        let mut command = ::redis::cmd("HMGET");
        command.arg(self.key(queue, &format!("repeat:{id}")));
        command.arg(&["name", "data", "every", "pattern", "tz", "limit", "endDate"]);
        let mut fields = read_list(self.connections.call(&command, Repeat::Freely).await?)?.into_iter();
        let mut next = || fields.next().and_then(read_text);
        Ok(Scheduler {
            name: next().unwrap_or_default(),
            data: next().unwrap_or_else(|| "{}".to_owned()),
            every: next().and_then(|every| every.parse().ok()),
            pattern: next(),
            zone: next(),
            limit: next().and_then(|limit| limit.parse().ok()),
            end: next().and_then(|end| end.parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Scheduler;

    #[test]
    fn the_next_run_is_on_the_grid_and_in_the_future() {
        let every = Scheduler { every: Some(100), ..Scheduler::default() };
        assert_eq!(every.next(1_000, 1_003), Some(1_100));
        assert_eq!(every.next(1_000, 1_250), Some(1_300));
        assert_eq!(every.next(1_000, 900), Some(1_100));
        let daily = Scheduler { pattern: Some("0 0 3 * * *".to_owned()), ..Scheduler::default() };
        assert_eq!(daily.next(0, 5), Some(3 * 3_600_000));
    }

    #[test]
    fn a_scheduler_ends() {
        let ending = Scheduler { every: Some(100), end: Some(1_150), ..Scheduler::default() };
        assert_eq!((ending.next(1_000, 1_003), ending.next(1_100, 1_103)), (Some(1_100), None));
        assert_eq!(Scheduler::default().next(0, 0), None);
    }
}
