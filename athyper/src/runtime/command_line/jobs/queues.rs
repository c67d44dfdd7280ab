//! Whole queues: how much stands where, and whether jobs are handed out.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Desk, shown};
use crate::foundation::clock::Timestamp;
use crate::foundation::duration::format_duration;
use crate::foundation::error::Result;
use crate::foundation::jobs::{JobCounts, JobState, QueueName};
use crate::runtime::command_line::Output;
use crate::runtime::command_line::table::Table;

/// What is said of one queue.
struct Stats {
    queue: QueueName,
    counts: JobCounts,
    is_paused: bool,
    oldest: Option<Timestamp>,
    next_due: Option<Timestamp>,
}

impl Desk<'_> {
    pub(super) async fn stats(&self, queue: Option<&str>) -> Result<Output> {
        let queues = match queue {
            Some(name) => vec![self.named(name).await?],
            None => self.names().await?.into_iter().collect(),
        };
        let mut all = Vec::new();
        for queue in queues {
            all.push(Stats {
                counts: self.queue.counts(&queue).await?,
                is_paused: self.queue.is_paused(&queue).await?,
                oldest: self.queue.oldest_waiting(&queue).await?,
                next_due: self.queue.next_due(&queue).await?,
                queue,
            });
        }
        let now = self.kernel.clock().now();
        if self.json {
            return Ok(Output::json(&all.iter().map(|stats| describe(stats, now)).collect::<Vec<_>>()));
        }
        let mut table = Table::new([
            "QUEUE",
            "WAITING",
            "DELAYED",
            "PARKED",
            "WAITING CHILDREN",
            "ACTIVE",
            "COMPLETED",
            "FAILED",
            "OLDEST WAITS",
            "NEXT DUE (UTC)",
            "",
        ]);
        for stats in &all {
            let [waiting, delayed, parked, waiting_children, active, completed, failed] =
                JobState::ALL.map(|state| stats.counts.get(state).to_string());
            let waits = waits(stats, now)
                .map_or_else(|| "-".to_owned(), |seconds| format_duration(Duration::from_secs(seconds)));
            let paused = if stats.is_paused { "paused" } else { "" }.to_owned();
            table.row([
                stats.queue.to_string(),
                waiting,
                delayed,
                parked,
                waiting_children,
                active,
                completed,
                failed,
                waits,
                shown(stats.next_due),
                paused,
            ]);
        }
        Ok(Output::text(table.or("there are no queues")))
    }

    pub(super) async fn pause(&self, queue: &str) -> Result<Output> {
        let queue = self.named(queue).await?;
        self.queue.pause(&queue).await?;
        Ok(self.set(&queue, true))
    }

    pub(super) async fn resume(&self, queue: &str) -> Result<Output> {
        let queue = self.named(queue).await?;
        self.queue.resume(&queue).await?;
        Ok(self.set(&queue, false))
    }

    fn set(&self, queue: &QueueName, paused: bool) -> Output {
        if self.json {
            return Output::json(&json!({ "queue": queue, "paused": paused }));
        }
        let state = if paused { "is paused" } else { "goes on" };
        Output::text(format!("queue `{queue}` {state}\n"))
    }
}

/// For how many seconds the oldest has been waiting.
fn waits(stats: &Stats, now: Timestamp) -> Option<u64> {
    stats.oldest.map(|oldest| u64::try_from((now - oldest).num_seconds()).unwrap_or_default())
}

fn describe(stats: &Stats, now: Timestamp) -> Value {
    let mut value = json!({
        "queue": stats.queue,
        "paused": stats.is_paused,
        "oldest_waits_seconds": waits(stats, now),
        "next_due": stats.next_due.map(|at| at.to_rfc3339()),
    });
    for state in JobState::ALL {
        value[state.as_str()] = stats.counts.get(state).into();
    }
    value
}
