//! What the tests share: servers, opening stores through the driver table, time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use athyper::clock::{Clock, SystemClock};
use athyper::context::Context;
use athyper::driver::{Driver, DriverContext, SharedConnections, drivers};
use athyper::jobs::{Claimed, Envelope, Finish, JobId, JobOptions, JobQueue, NewJob, Outcome, QueueName, Take};
use athyper::leadership::Leadership;
use athyper_testkit::clock::VirtualClock;
use athyper_testkit::conformance::StoreTime;
use athyper_testkit::services::RedisServer;
use bytes::Bytes;

pub(crate) fn driver() -> &'static Driver {
    driver_of("redis://")
}

pub(crate) fn driver_of(url: &str) -> &'static Driver {
    let scheme = url.split(':').next().unwrap();
    drivers().find(|driver| driver.scheme == scheme).expect("the Redis driver is linked in")
}

pub(crate) fn context_with(url: &str, clock: Arc<dyn Clock>) -> DriverContext {
    DriverContext { url: url.to_owned(), clock, shared: Arc::new(SharedConnections::default()) }
}

/// Another process, as far as the server can tell.
pub(crate) async fn jobs_with(url: &str, clock: Arc<dyn Clock>) -> athyper::Result<Arc<dyn JobQueue>> {
    let open = driver_of(url).jobs.expect("the driver opens job queues");
    open(&context_with(url, clock)).await
}

pub(crate) async fn leases_with(url: &str, clock: Arc<dyn Clock>) -> athyper::Result<Arc<dyn Leadership>> {
    let open = driver_of(url).leases.expect("the driver opens leases");
    open(&context_with(url, clock)).await
}

pub(crate) async fn jobs(url: &str) -> Arc<dyn JobQueue> {
    jobs_with(url, Arc::new(SystemClock::new())).await.unwrap()
}

pub(crate) async fn add(queue: &Arc<dyn JobQueue>, ids: &[&str]) {
    queue.add(ids.iter().map(|id| job(id)).collect()).await.unwrap();
}

pub(crate) async fn take_now(queue: &Arc<dyn JobQueue>, max: usize) -> Vec<Claimed> {
    queue.take(&take(max, Duration::ZERO)).await.unwrap()
}

pub(crate) fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.lock.id.as_str()).collect()
}

pub(crate) fn outcome_of(claimed: &Claimed, outcome: Outcome) -> Finish {
    Finish { lock: claimed.lock.clone(), outcome }
}

pub(crate) fn done() -> Outcome {
    Outcome::Complete(Bytes::from_static(b"{\"ok\":true}"))
}

/// A prefix that no other test of this process has.
pub(crate) fn fresh_prefix() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn job(id: &str) -> NewJob {
    let mut options = JobOptions::DEFAULT;
    options.queue = "email".into();
    let envelope = Envelope {
        id: JobId::from(id),
        queue: QueueName::from("email"),
        kind: "welcome".to_owned(),
        version: 1,
        payload: Bytes::from_static(b"{}"),
        context: Context::background(),
        options,
    };
    NewJob { envelope, due_at: SystemClock::new().now(), unique: None, serial_key: None, parent: None }
}

pub(crate) fn queue() -> QueueName {
    QueueName::from("email")
}

pub(crate) fn take(max: usize, wait: Duration) -> Take {
    Take { queue: queue(), worker: "worker".to_owned(), max, lock_for: Duration::from_secs(30), wait }
}

/// Fails the test if `future` has not finished after a minute.
pub(crate) async fn within_a_minute<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it takes longer than a minute")
}

/// The time of a queue's clock and of the server's keys, for a test whose keys have a prefix of their own.
///
/// The server's clock cannot be moved. What it does by its clock is to let keys go, so this is done instead: a key that has an end
/// is given one far away, and its real one is remembered here. Tests give keys whole seconds, which is why the milliseconds that
/// really passed since then do not count.
pub(crate) struct ServerTime {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) server: &'static RedisServer,
    pub(crate) prefix: String,
}

/// ARGV: the prefix, the time now, and the time that passes, in milliseconds.
const PASS: &str = r"
local ends = ARGV[1] .. '::test:ends'
local before, now = tonumber(ARGV[2]), tonumber(ARGV[2]) + tonumber(ARGV[3])
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':*')) do
  local left = redis.call('PTTL', key)
  if left > 0 and left < 1000000000000 then
    redis.call('HSET', ends, key, before + math.ceil((left + 1) / 1000) * 1000)
    redis.call('PEXPIRE', key, 2000000000000)
    left = 2000000000000
  end
  if left > 0 and tonumber(redis.call('HGET', ends, key)) <= now then redis.call('DEL', key) end
end
return 1";

#[async_trait::async_trait]
impl StoreTime for ServerTime {
    async fn pass(&self, duration: Duration) {
        let before = self.clock.since_boot().as_millis().to_string();
        let words = ["EVAL", PASS, "0", &self.prefix, &before, &duration.as_millis().to_string()];
        assert_eq!(self.server.ask(&words).text(), "1");
        self.clock.advance(duration).await;
    }

    async fn jump_wall_clock(&self, ahead: Duration) {
        self.clock.set(self.clock.now() + ahead);
    }

    async fn restart_machine(&self) -> bool {
        false
    }
}
