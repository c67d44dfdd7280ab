//! What people and programs do with a queue besides running its jobs.

use ::redis::Value;
use async_trait::async_trait;

use super::record::{micros, read_child, read_instant, read_list, read_number, read_record, read_text};
use super::{RedisJobQueue, identity, limits};
use crate::adapters::redis::connection::{Call, Repeat};
use crate::adapters::redis::error::strange;
use crate::adapters::redis::scripts::{CHANGE, CHILDREN, COUNTS, GET, LIMIT, LIST, LOGS, NEXT_DUE, OLDEST, PAUSE};
use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{
    ChildRecord, JobAdministration, JobCounts, JobFilter, JobId, JobRecord, JobState, QueueLimits, QueueName,
};

/// A change of one job by hand.
#[derive(Clone, Copy)]
enum Change {
    Remove,
    Cancel,
    Retry,
    Promote,
}

impl Change {
    const fn word(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Promote => "promote",
        }
    }

    /// Whether a job in a state may be changed so, and what to say otherwise.
    fn rule(self, state: &str) -> (bool, &'static str) {
        match self {
            Self::Remove => (
                !matches!(state, "active" | "the parent of an active job"),
                "and only a job that no worker holds can be removed",
            ),
            Self::Cancel => {
                (!matches!(state, "completed" | "failed"), "and only a job that has not ended can be cancelled")
            }
            Self::Retry => (state == "failed", "and only a failed job can be retried"),
            Self::Promote => {
                (matches!(state, "delayed" | "parked"), "and only a delayed or parked job can be promoted")
            }
        }
    }
}

impl RedisJobQueue {
    async fn change(&self, queue: &QueueName, id: &JobId, change: Change) -> Result<()> {
        let call = self
            .inner
            .timed(queue)
            .number(micros(self.inner.clock.now()))
            .with(identity::spell(id.as_str()).as_bytes())
            .with(change.word());
        let state = read_text(self.inner.connections.run(&CHANGE, call, Repeat::Never).await?).unwrap_or_default();
        if state.is_empty() {
            return Err(queue.lacks(id));
        }
        match change.rule(&state) {
            (true, _) => Ok(()),
            (false, rule) => {
                Err(Error::new(ErrorKind::Conflict, format!("job {id} is {state}, {rule}")).with_code("job-state"))
            }
        }
    }

    async fn set_paused(&self, queue: &QueueName, word: &str) -> Result<()> {
        self.inner.remember(std::slice::from_ref(queue)).await?;
        let call = Call::on(self.inner.key(queue, "meta")).with(word);
        self.inner.connections.run(&PAUSE, call, Repeat::Freely).await.map(drop)
    }
}

#[async_trait]
impl JobAdministration for RedisJobQueue {
    async fn queues(&self) -> Result<Vec<QueueName>> {
        let mut command = ::redis::cmd("SMEMBERS");
        command.arg(self.inner.connections.key("queues"));
        let names = read_list(self.inner.connections.call(&command, Repeat::Freely).await?)?;
        let mut names: Vec<QueueName> = names.into_iter().filter_map(read_text).map(QueueName::from).collect();
        names.sort_unstable();
        Ok(names)
    }

    async fn counts(&self, queue: &QueueName) -> Result<JobCounts> {
        let answer = self.inner.connections.run(&COUNTS, self.inner.timed(queue), Repeat::Freely).await?;
        let mut counts = JobCounts::default();
        let mut numbers = read_list(answer)?.into_iter();
        for state in JobState::ALL {
            let count = read_number(numbers.next().ok_or_else(|| strange("a count for each state"))?)?;
            counts.set(state, u64::try_from(count).unwrap_or_default());
        }
        Ok(counts)
    }

    async fn get(&self, queue: &QueueName, id: &JobId) -> Result<Option<JobRecord>> {
        let call = self.inner.timed(queue).with(identity::spell(id.as_str()).as_bytes());
        match self.inner.connections.run(&GET, call, Repeat::Freely).await? {
            Value::Nil => Ok(None),
            answer => read_record(answer, queue).map(Some),
        }
    }

    async fn children(&self, queue: &QueueName, id: &JobId) -> Result<Vec<ChildRecord>> {
        let call = self.inner.timed(queue).with(identity::spell(id.as_str()).as_bytes());
        let answer = self.inner.connections.run(&CHILDREN, call, Repeat::Freely).await?;
        read_list(answer)?.into_iter().map(read_child).collect()
    }

    async fn list(&self, queue: &QueueName, filter: &JobFilter) -> Result<Vec<JobRecord>> {
        let wanted = |state: &JobState| filter.states.is_empty() || filter.states.contains(state);
        let mut call = self
            .inner
            .timed(queue)
            .number(filter.offset)
            .number(filter.limit)
            .with(filter.kind.as_deref().unwrap_or_default());
        for state in JobState::ALL.into_iter().filter(wanted) {
            call.push(state.as_str());
        }
        let answer = self.inner.connections.run(&LIST, call, Repeat::Freely).await?;
        read_list(answer)?.into_iter().map(|job| read_record(job, queue)).collect()
    }

    async fn logs(&self, queue: &QueueName, id: &JobId) -> Result<Vec<String>> {
        let call = Call::on(self.inner.key(queue, "meta")).with(identity::spell(id.as_str()).as_bytes());
        match self.inner.connections.run(&LOGS, call, Repeat::Freely).await? {
            Value::Nil => Err(queue.lacks(id)),
            rows => Ok(read_list(rows)?.into_iter().filter_map(read_text).collect()),
        }
    }

    async fn remove(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.change(queue, id, Change::Remove).await
    }

    async fn retry(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.change(queue, id, Change::Retry).await
    }

    async fn promote(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.change(queue, id, Change::Promote).await
    }

    async fn cancel(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.change(queue, id, Change::Cancel).await
    }

    async fn pause(&self, queue: &QueueName) -> Result<()> {
        self.set_paused(queue, "pause").await
    }

    async fn resume(&self, queue: &QueueName) -> Result<()> {
        self.set_paused(queue, "resume").await
    }

    async fn is_paused(&self, queue: &QueueName) -> Result<bool> {
        let mut command = ::redis::cmd("HEXISTS");
        command.arg(self.inner.key(queue, "meta")).arg("paused");
        Ok(read_number(self.inner.connections.call(&command, Repeat::Freely).await?)? == 1)
    }

    async fn limits(&self, queue: &QueueName) -> Result<QueueLimits> {
        let mut command = ::redis::cmd("HMGET");
        command.arg(self.inner.key(queue, "meta")).arg(limits::FIELDS.as_slice());
        limits::read(self.inner.connections.call(&command, Repeat::Freely).await?)
    }

    async fn set_limits(&self, queue: &QueueName, limits: &QueueLimits) -> Result<()> {
        self.inner.remember(std::slice::from_ref(queue)).await?;
        let mut call = Call::on(self.inner.key(queue, "meta"));
        for number in limits::numbers(limits) {
            call.push(number.map(|number| number.to_string()).unwrap_or_default());
        }
        self.inner.connections.run(&LIMIT, call, Repeat::Freely).await.map(drop)
    }

    async fn next_due(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        let answer = self.inner.connections.run(&NEXT_DUE, self.inner.timed(queue), Repeat::Freely).await?;
        Ok(read_instant(answer))
    }

    async fn oldest_waiting(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        let answer = self.inner.connections.run(&OLDEST, self.inner.timed(queue), Repeat::Freely).await?;
        Ok(read_instant(answer))
    }

    async fn ping(&self) -> Result<()> {
        self.inner.connections.ping().await
    }
}
