//! The port of job queues, in the data layout of BullMQ 6. Each operation is one script.

mod adding;
mod administration;
mod claims;
mod delivering;
mod identity;
mod limits;
mod options;
mod record;
mod schedules;
mod successor;
mod wake;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::Value;
use async_trait::async_trait;
use bytes::Bytes;

use self::adding::Adding;
pub(super) use self::record::{expiry, read_number, read_text};
use self::record::{micros, read_id, read_list};
use self::wake::Wakers;
use super::connection::{Call, Connections, Repeat};
use super::durability::Durability;
use super::error::strange;
use super::scripts::{APPEND_LOG, CHECKPOINT, PROGRESS, RECOVER, RELEASE_PARKED, RENEW, Script};
use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{
    Added, Capabilities, Claimed, Delivered, Delivery, Finish, Finished, JobQueue, JobState, LOG_ROWS, Lock, NewJob,
    QueueName, Recovered, RecoveryPolicy, ScheduleStore, Take,
};
use crate::foundation::sql::Tx;

/// A job queue on a Redis server.
pub(crate) struct RedisJobQueue {
    inner: Arc<Inner>,
}

/// What goes on working when a caller has given up.
#[derive(Debug)]
struct Inner {
    connections: Arc<Connections>,
    clock: Arc<dyn Clock>,
    durability: Durability,
    wakers: Wakers,
    adding: Adding,
    /// Queues whose name is certain to be remembered.
    known: Mutex<HashSet<QueueName>>,
}

impl RedisJobQueue {
    pub(super) fn new(connections: Arc<Connections>, clock: Arc<dyn Clock>, durability: Durability) -> Self {
        let inner = Inner {
            connections,
            clock,
            durability,
            wakers: Wakers::default(),
            adding: Adding::default(),
            known: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }
}

impl fmt::Debug for RedisJobQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisJobQueue")
            .field("connections", &self.inner.connections)
            .field("durability", &self.inner.durability)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// A key of a queue.
    fn key(&self, queue: &QueueName, suffix: &str) -> String {
        format!("{}:{queue}:{suffix}", self.connections.options.prefix)
    }

    /// A script on a queue, whose first argument is the time in milliseconds.
    fn timed(&self, queue: &QueueName) -> Call {
        Call::on(self.key(queue, "meta")).number(self.clock.now().timestamp_millis())
    }

    /// Writes a note of a job that is held, by a script.
    async fn record(&self, script: &'static Script, lock: &Lock, json: &Bytes) -> Result<()> {
        let call = Call::on(self.key(&lock.queue, "meta"))
            .with(identity::spell(lock.id.as_str()).as_bytes())
            .number(lock.token)
            .with(claims::as_json(json));
        let held = self.connections.run(script, call, Repeat::Freely).await? == Value::Int(1);
        if held { Ok(()) } else { Err(lock.lost()) }
    }

    /// The jobs that are held and were cancelled.
    async fn cancelled(&self, queue: &QueueName) -> Result<Vec<Lock>> {
        let mut command = ::redis::cmd("SMEMBERS");
        command.arg(self.key(queue, "ath:cancelled"));
        let mut locks = Vec::new();
        for id in read_list(self.connections.call(&command, Repeat::Freely).await?)?.into_iter().filter_map(read_text) {
            let mut command = ::redis::cmd("HGET");
            command.arg(self.key(queue, &id)).arg("ats");
            let token = read_text(self.connections.call(&command, Repeat::Freely).await?);
            if let Some(token) = token.and_then(|token| token.parse().ok()) {
                locks.push(Lock { queue: queue.clone(), id: read_id(&id), token });
            }
        }
        Ok(locks)
    }

    /// Remembers the names of queues, also once they are empty.
    async fn remember(&self, queues: &[QueueName]) -> Result<()> {
        let unknown: Vec<&QueueName> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            queues.iter().filter(|queue| !known.contains(*queue)).collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        for queue in &unknown {
            check_name(queue)?;
        }
        let mut command = ::redis::cmd("SADD");
        command.arg(self.connections.key("queues"));
        for queue in &unknown {
            command.arg(queue.as_str());
        }
        self.connections.call(&command, Repeat::Freely).await?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(unknown.into_iter().cloned());
        Ok(())
    }
}

/// A colon would make keys of one queue look like those of another.
fn check_name(queue: &QueueName) -> Result<()> {
    if queue.as_str().is_empty() || queue.as_str().contains(':') {
        return Err(Error::invalid(format!(
            "a queue in Redis cannot be named `{queue}`: a name is not empty and has no `:`"
        ))
        .with_code("job-queue-name"));
    }
    Ok(())
}

#[async_trait]
impl JobQueue for RedisJobQueue {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::VOLATILE;
        capabilities.durable = self.inner.durability > Durability::None;
        capabilities.shared = true;
        capabilities
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        self.inner.add(jobs).await
    }

    async fn add_in(&self, _: &mut Tx, _: Vec<NewJob>) -> Result<Vec<Added>> {
        Err(Error::configuration(
            "the job queue in Redis takes no part in transactions of a database: enqueue after the commit, or keep the jobs in the \
             same database (`jobs.url`)",
        )
        .with_code("job-other-store"))
    }

    async fn deliver(&self, delivery: &Delivery, jobs: Vec<NewJob>) -> Result<Delivered> {
        self.inner.deliver(delivery, jobs).await
    }

    async fn take(&self, request: &Take) -> Result<Vec<Claimed>> {
        self.inner.take(request).await
    }

    async fn finish(&self, outcomes: Vec<Finish>, next: Option<&Take>) -> Result<Finished> {
        self.inner.finish(outcomes, next).await
    }

    async fn renew(&self, locks: &[Lock], lock_for: Duration) -> Result<Vec<Lock>> {
        let mut lost = Vec::new();
        let mut rest: Vec<&Lock> = locks.iter().collect();
        while let Some(first) = rest.first() {
            let queue = first.queue.clone();
            let (these, others): (Vec<&Lock>, Vec<&Lock>) = rest.into_iter().partition(|lock| lock.queue == queue);
            rest = others;
            let mut call = Call::on(self.inner.key(&queue, "meta")).number(expiry(lock_for));
            for lock in &these {
                call.push(identity::spell(lock.id.as_str()).as_bytes());
                call.push(lock.token.to_string());
            }
            let held = read_list(self.inner.connections.run(&RENEW, call, Repeat::Freely).await?)?;
            let refused = these.into_iter().zip(held).filter(|(_, held)| *held != Value::Int(1));
            lost.extend(refused.map(|(lock, _)| lock.clone()));
        }
        Ok(lost)
    }

    async fn record_progress(&self, lock: &Lock, progress: Bytes) -> Result<()> {
        self.inner.record(&PROGRESS, lock, &progress).await
    }

    async fn record_checkpoint(&self, lock: &Lock, checkpoint: Bytes) -> Result<()> {
        self.inner.record(&CHECKPOINT, lock, &checkpoint).await
    }

    async fn append_log(&self, lock: &Lock, row: String) -> Result<()> {
        let call = Call::on(self.inner.key(&lock.queue, "meta"))
            .with(identity::spell(lock.id.as_str()).as_bytes())
            .number(lock.token)
            .with(row)
            .number(LOG_ROWS);
        let held = self.inner.connections.run(&APPEND_LOG, call, Repeat::ByCaller).await? == Value::Int(1);
        if held { Ok(()) } else { Err(lock.lost()) }
    }

    async fn cancelled(&self, queue: &QueueName) -> Result<Vec<Lock>> {
        self.inner.cancelled(queue).await
    }

    async fn recover(&self, queue: &QueueName, policy: RecoveryPolicy) -> Result<Vec<Recovered>> {
        let call = self.inner.timed(queue).number(policy.max_stalls);
        let mut words = read_list(self.inner.connections.run(&RECOVER, call, Repeat::ByCaller).await?)?.into_iter();
        let mut recovered = Vec::new();
        while let (Some(id), Some(kind), Some(failed)) = (words.next(), words.next(), words.next()) {
            recovered.push(Recovered {
                id: read_id(&read_text(id).unwrap_or_default()),
                kind: read_text(kind).unwrap_or_default(),
                state: if read_text(failed).as_deref() == Some("1") { JobState::Failed } else { JobState::Waiting },
            });
        }
        Ok(recovered)
    }

    async fn release_parked(&self, queue: &QueueName, kinds: &[String]) -> Result<u64> {
        let mut call = self.inner.timed(queue).number(micros(self.inner.clock.now()));
        for kind in kinds {
            call.push(kind);
        }
        let released = read_number(self.inner.connections.run(&RELEASE_PARKED, call, Repeat::Freely).await?)?;
        u64::try_from(released).map_err(|_| strange("a count"))
    }

    fn schedules(&self) -> &dyn ScheduleStore {
        self
    }
}
