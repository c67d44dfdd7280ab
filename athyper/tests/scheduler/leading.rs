//! Several schedulers on one store: takeovers, leaders that were stopped, stores that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use athyper::health::HealthStatus;
use athyper::jobs::{JobQueue, MemoryJobQueue};
use athyper::leadership::{Leadership, Lease, MemoryLeadership};
use athyper::schedule::{Fire, Fired, MissedTicks, Overlap, Schedule, SchedulerOptions};
use athyper::{Error, ErrorKind, Result};
use chrono::TimeDelta;
use tokio::sync::Notify;

use crate::support::{Decorated, ScheduleStoreDecorator, World, at, schedule};

pub(crate) const LEASE: Duration = Duration::from_secs(15);

pub(crate) fn every_minute() -> Vec<Schedule> {
    vec![schedule("minutely", "* * * * *", MissedTicks::All, Overlap::Allow)]
}

async fn assert_every_minute_once(world: &World, minutes: i64) {
    let ticks = world.ticks("minutely").await;
    let expected: Vec<_> =
        (1..=minutes).map(|minute| at("2026-01-01T12:00:00Z") + TimeDelta::minutes(minute)).collect();
    assert_eq!(ticks, expected);
}

#[tokio::test]
async fn of_two_one_leads_and_each_tick_is_fired_once() {
    let world = World::at("2026-01-01T12:00:00Z");
    let (one, two) = (world.node(every_minute()), world.node(every_minute()));
    for _ in 0..40 {
        one.fire().await;
        two.fire().await;
        assert!(one.scheduler.is_leader() && !two.scheduler.is_leader());
        assert_eq!(two.health().await.status, HealthStatus::Healthy, "standing by is healthy");
        world.pass_seconds(3).await;
    }
    assert_every_minute_once(&world, 1).await;
}

#[tokio::test]
async fn a_standby_takes_over_when_the_lease_has_run_out_and_not_before() {
    let world = World::at("2026-01-01T12:00:00Z");
    let (one, two) = (world.node(every_minute()), world.node(every_minute()));
    one.fire().await;
    world.pass_seconds(50).await;
    one.fire().await;
    drop(one);
    let killed = world.clock.clone();
    world.pass(LEASE - Duration::from_millis(1)).await;
    assert!(two.fire().await.is_empty() && !two.scheduler.is_leader());
    killed.advance(Duration::from_millis(1)).await;
    assert_eq!(two.fire().await.len(), 1, "the tick that was due meanwhile");
    assert!(two.scheduler.is_leader());
    assert_every_minute_once(&world, 1).await;
}

#[tokio::test]
async fn a_leader_that_steps_down_is_followed_at_once() {
    let world = World::at("2026-01-01T12:00:00Z");
    let (one, two) = (world.node(every_minute()), world.node(every_minute()));
    one.fire().await;
    one.scheduler.step_down().await;
    assert!(!one.scheduler.is_leader());
    two.fire().await;
    assert!(two.scheduler.is_leader());
}

#[tokio::test]
async fn a_leader_that_was_stopped_steps_down_before_it_fires() {
    let world = World::at("2026-01-01T12:00:00Z");
    let (one, two) = (world.node(every_minute()), world.node(every_minute()));
    one.fire().await;
    // Stopped for three leases; nobody else came.
    world.pass(LEASE * 3 + Duration::from_secs(30)).await;
    two.fire().await;
    assert!(two.scheduler.is_leader());
    assert!(one.fire().await.is_empty());
    assert!(!one.scheduler.is_leader(), "it noticed by its own clock");
    assert_eq!(one.metric("scheduler_leader").as_deref(), Some("0"));
    assert_every_minute_once(&world, 1).await;
}

#[tokio::test]
async fn a_skewed_standby_fires_no_tick_twice_and_loses_none() {
    for skew in [TimeDelta::minutes(10), TimeDelta::minutes(-10), TimeDelta::hours(-1)] {
        let world = World::at("2026-01-01T12:00:00Z");
        let (one, two) = (world.node(every_minute()), world.node(every_minute()));
        two.clock.skew(skew);
        for round in 0..12 {
            let leader = if round % 2 == 0 { &one } else { &two };
            for _ in 0..15 {
                leader.fire().await;
                world.pass_seconds(60).await;
            }
            leader.fire().await;
            leader.scheduler.step_down().await;
        }
        world.pass_seconds(4_000).await;
        one.fire().await;
        let ticks = world.ticks("minutely").await;
        let steps: Vec<_> = ticks.windows(2).map(|pair| (pair[1] - pair[0]).num_seconds()).collect();
        assert!(steps.iter().all(|seconds| *seconds == 60), "skewed by {skew}: {steps:?}");
    }
}

/// Leases that can be switched off, or taken away.
#[derive(Debug)]
struct Unreachable {
    real: MemoryLeadership,
    off: AtomicBool,
    taken: AtomicBool,
}

impl Unreachable {
    fn look(&self) -> Result<()> {
        if self.off.load(Ordering::SeqCst) { Err(Error::unavailable("no route to the leases")) } else { Ok(()) }
    }
}

fn unreachable_leases(world: &World) -> Arc<Unreachable> {
    let real = MemoryLeadership::new(world.clock.clone());
    Arc::new(Unreachable { real, off: AtomicBool::new(false), taken: AtomicBool::new(false) })
}

#[async_trait]
impl Leadership for Unreachable {
    async fn acquire(&self, name: &str, holder: &str, duration: Duration) -> Result<Option<Lease>> {
        self.look()?;
        if self.taken.load(Ordering::SeqCst) {
            return Ok(None);
        }
        self.real.acquire(name, holder, duration).await
    }

    async fn renew(&self, lease: &Lease, duration: Duration) -> Result<bool> {
        self.look()?;
        Ok(!self.taken.load(Ordering::SeqCst) && self.real.renew(lease, duration).await?)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.look()?;
        self.real.release(lease).await
    }
}

#[tokio::test]
async fn a_leader_cut_off_from_the_leases_steps_down_before_its_lease_ends() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    let leases = unreachable_leases(&world);
    world.leadership = leases.clone();
    let node = world.node(every_minute());
    let running = node.start();
    world.pass_seconds(30).await;
    assert!(node.scheduler.is_leader());
    leases.off.store(true, Ordering::SeqCst);
    world.pass(LEASE * 2 / 3 - Duration::from_secs(2)).await;
    assert!(node.scheduler.is_leader(), "it leads as long as its lease runs");
    // The last renewal was granted at 30 s at the latest: its lease ends at 45.
    world.pass_seconds(14 - 8).await;
    assert!(!node.scheduler.is_leader(), "it is no leader when the lease could have ended");
    world.pass(LEASE * 2).await;
    let health = node.health().await;
    assert_eq!(health.status, HealthStatus::Unhealthy);
    assert!(health.detail.unwrap().contains("no leader is known"));
    assert_ne!(node.metric("scheduler_faults_total").as_deref(), Some("0"));
    leases.off.store(false, Ordering::SeqCst);
    world.pass_seconds(2).await;
    assert!(node.scheduler.is_leader(), "it comes back by itself");
    assert_eq!(node.health().await.status, HealthStatus::Healthy);
    running.abort();
    assert_every_minute_once(&world, 1).await;
}

#[tokio::test]
async fn a_leader_whose_lease_was_taken_away_stops_at_its_next_renewal() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    let leases = unreachable_leases(&world);
    world.leadership = leases.clone();
    let node = world.node(every_minute());
    node.fire().await;
    leases.taken.store(true, Ordering::SeqCst);
    world.pass(LEASE / 3).await;
    node.fire().await;
    assert!(!node.scheduler.is_leader());
    assert_eq!(node.health().await.status, HealthStatus::Healthy, "somebody else leads");
}

#[tokio::test]
async fn the_background_loop_fires_on_time_and_hands_over() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    let mut options = SchedulerOptions::default();
    options.lease = Duration::from_secs(9);
    world.options = options;
    let (one, two) = (world.node(every_minute()), world.node(every_minute()));
    let stop = Arc::new(Notify::new());
    let first = tokio::spawn({
        let (scheduler, stop) = (one.scheduler.clone(), stop.clone());
        async move { scheduler.run(async move { stop.notified().await }).await }
    });
    world.pass_seconds(1).await;
    let second = two.start();
    for minute in 1..=5 {
        world.pass_seconds(59).await;
        assert_every_minute_once(&world, minute).await;
        world.pass_seconds(1).await;
    }
    assert!(one.scheduler.is_leader() && !two.scheduler.is_leader());
    assert_eq!(one.metric("scheduler_terms_total").as_deref(), Some("1"), "it renewed its lease all the time");
    stop.notify_one();
    first.await.unwrap();
    world.pass_seconds(2).await;
    assert!(two.scheduler.is_leader() && !one.scheduler.is_leader(), "the lead was given back");
    world.pass_seconds(57).await;
    assert_every_minute_once(&world, 6).await;
    second.abort();
}

/// A store whose calls never come back while it is off.
#[derive(Debug, Clone, Default)]
struct Hanging(Arc<AtomicBool>);

#[async_trait]
impl ScheduleStoreDecorator for Hanging {
    async fn fire(&self, real: &dyn JobQueue, fire: Fire) -> Result<Fired> {
        if self.0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        real.schedules().fire(fire).await
    }
}

#[tokio::test]
async fn a_store_that_hangs_ends_the_lead_and_not_the_loop() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    let hanging = Hanging::default();
    world.queue = Arc::new(Decorated { real: world.queue, decorator: hanging.clone() });
    let node = world.node(every_minute());
    let running = node.start();
    world.pass_seconds(30).await;
    hanging.0.store(true, Ordering::SeqCst);
    world.pass_seconds(30 + 15).await;
    assert!(world.ticks("minutely").await.is_empty());
    hanging.0.store(false, Ordering::SeqCst);
    world.pass_seconds(30).await;
    assert!(node.scheduler.is_leader());
    assert_every_minute_once(&world, 1).await;
    running.abort();
}

/// A store that refuses one schedule's jobs.
#[derive(Debug)]
struct RefusesBad;

#[async_trait]
impl ScheduleStoreDecorator for RefusesBad {
    async fn fire(&self, real: &dyn JobQueue, fire: Fire) -> Result<Fired> {
        if fire.schedule == "bad" { Err(Error::invalid("too large")) } else { real.schedules().fire(fire).await }
    }
}

#[tokio::test]
async fn a_schedule_that_fails_holds_up_no_other() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    world.queue = Arc::new(Decorated { real: world.queue, decorator: RefusesBad });
    let bad = schedule("bad", "* * * * *", MissedTicks::Once, Overlap::Allow);
    let node = world.node([every_minute(), vec![bad]].concat());
    node.fire().await;
    world.pass_seconds(60).await;
    let error = node.scheduler.fire_due().await.unwrap_err();
    assert!(error.to_string().contains("schedule `bad`: too large"), "{error}");
    assert_every_minute_once(&world, 1).await;
}

/// Says of the first fire that its outcome is not known, though it was written.
#[derive(Debug, Default)]
struct LosesAnAnswer(AtomicU32);

#[async_trait]
impl ScheduleStoreDecorator for LosesAnAnswer {
    async fn fire(&self, real: &dyn JobQueue, fire: Fire) -> Result<Fired> {
        let answer = real.schedules().fire(fire).await;
        if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(Error::new(ErrorKind::UnknownOutcome, "the connection broke"));
        }
        answer
    }
}

#[tokio::test]
async fn a_fire_whose_answer_is_lost_is_not_repeated() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    world.queue = Arc::new(Decorated { real: world.queue, decorator: LosesAnAnswer::default() });
    let node = world.node(every_minute());
    node.fire().await;
    world.pass_seconds(60).await;
    assert!(node.scheduler.fire_due().await.is_err());
    assert!(node.fire().await.is_empty(), "it was fired already");
    world.pass_seconds(60).await;
    assert_eq!(node.fire().await.len(), 1);
    assert_every_minute_once(&world, 2).await;
}

#[tokio::test]
async fn leases_that_forgot_their_epochs_do_not_silence_the_schedules() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    let queue: Arc<dyn JobQueue> = Arc::new(MemoryJobQueue::new(world.clock.clone()));
    world.queue = queue;
    // A hundred changes of leader.
    for _ in 0..100 {
        let node = world.node(every_minute());
        node.fire().await;
        node.scheduler.step_down().await;
    }
    world.leadership = Arc::new(MemoryLeadership::new(world.clock.clone()));
    let node = world.node(every_minute());
    world.pass_seconds(60).await;
    for _ in 0..3 {
        node.fire().await;
    }
    assert_every_minute_once(&world, 1).await;
}

#[tokio::test]
async fn a_removed_record_is_declared_again() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    // One term for the whole test: a new one declares anyhow.
    world.options.lease = Duration::from_secs(3_600);
    let node = world.node(every_minute());
    node.fire().await;
    let epoch = world.queue.schedules().records().await.unwrap()[0].epoch;
    let start = at("2026-01-01T12:00:00Z");
    world.queue.schedules().declare(epoch, start, start, &[]).await.unwrap();
    world.pass_seconds(60).await;
    assert!(node.fire().await.is_empty());
    node.fire().await;
    world.pass_seconds(60).await;
    assert_eq!(node.fire().await.len(), 1);
}
