//! A leader that is stopped within its call of the store, and continued once another one leads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use athyper::Result;
use athyper::clock::Clock;
use athyper::context::Context;
use athyper::jobs::{Envelope, Job, JobId, JobQueue, NewJob, QueueName};
use athyper::schedule::{Cron, Fire, Fired, Overlap, Tick};
use chrono::TimeDelta;
use tokio::sync::Notify;

use crate::leading::{LEASE, every_minute};
use crate::support::{Beat, Decorated, Node, ScheduleStoreDecorator, World};

/// Holds one process's calls of `fire` back until it is told to let them through: a process that is stopped after it has
/// looked at its clock, and continued later.
#[derive(Debug, Clone, Default)]
struct Stopped {
    stopped: Arc<AtomicBool>,
    reached: Arc<Notify>,
    go_on: Arc<Notify>,
}

#[async_trait]
impl ScheduleStoreDecorator for Stopped {
    async fn fire(&self, real: &dyn JobQueue, fire: Fire) -> Result<Fired> {
        if self.stopped.swap(false, Ordering::SeqCst) {
            self.reached.notify_one();
            self.go_on.notified().await;
        }
        real.schedules().fire(fire).await
    }
}

/// A store without the check of epochs and marks.
#[derive(Debug)]
struct Unfenced;

#[async_trait]
impl ScheduleStoreDecorator for Unfenced {
    async fn fire(&self, real: &dyn JobQueue, fire: Fire) -> Result<Fired> {
        match real.schedules().fire(fire.clone()).await? {
            Fired::StaleLeader | Fired::AlreadyFired => {
                let mut job = fire.job.unwrap();
                job.envelope.id = JobId::random();
                Ok(Fired::Added(real.add(vec![job]).await?.remove(0).id))
            }
            answer => Ok(answer),
        }
    }
}

/// A store that checks marks and no epochs.
#[derive(Debug)]
struct WithoutEpochs;

#[async_trait]
impl ScheduleStoreDecorator for WithoutEpochs {
    async fn fire(&self, real: &dyn JobQueue, fire: Fire) -> Result<Fired> {
        real.schedules().fire(Fire { epoch: u64::MAX, ..fire }).await
    }
}

/// A leader is stopped between its look at the clock and its call of the store, and continued once a standby leads. The
/// stopped one's wall clock may run ahead. Answers with what is wrong.
async fn stop_a_leader_within_a_fire(mut world: World, ahead: TimeDelta) -> Result<(), String> {
    let stop = Stopped::default();
    let real = world.queue.clone();
    world.queue = Arc::new(Decorated { real: real.clone(), decorator: stop.clone() });
    let one = world.node(every_minute());
    world.queue = real;
    let two = world.node(every_minute());
    one.fire().await;
    one.clock.skew(ahead);
    world.pass_seconds(60).await;
    two.fire().await;
    // The standby leads now, since nobody renewed; give the lead back to the one that is to be stopped.
    two.scheduler.step_down().await;
    stop.stopped.store(true, Ordering::SeqCst);
    world.pass_seconds(60).await;
    let stopped = tokio::spawn({
        let scheduler = one.scheduler.clone();
        async move { scheduler.fire_due().await }
    });
    stop.reached.notified().await;
    // Its own time-out is in the stopped process too, so the call is made on its behalf when it goes on.
    let held = HeldFire::of(&one, &world).await;
    stopped.abort();
    world.pass(LEASE + Duration::from_secs(1)).await;
    two.fire().await;
    assert!(two.scheduler.is_leader(), "the standby took over");
    let answer = world.queue.schedules().fire(held.0).await.unwrap();
    world.pass_seconds(60).await;
    two.fire().await;
    let ticks = world.ticks("minutely").await;
    if !ticks.is_sorted_by(|earlier, later| earlier < later) {
        return Err(format!("a tick was fired twice: {ticks:?}"));
    }
    if ticks.iter().any(|tick| *tick > world.clock.now()) {
        return Err(format!("a tick was fired before its time: {ticks:?}"));
    }
    if answer != Fired::StaleLeader {
        return Err(format!("the stale leader was answered with {answer:?}"));
    }
    Ok(())
}

/// The call that a stopped leader was about to make.
struct HeldFire(Fire);

impl HeldFire {
    async fn of(node: &Node, world: &World) -> Self {
        let record = world.queue.schedules().records().await.unwrap().remove(0);
        let cron = Cron::new("* * * * *", "UTC").unwrap();
        let tick = cron.latest_ticks(record.high_water, node.clock.now(), 1).remove(0);
        let mut fire =
            Fire { schedule: record.name.clone(), epoch: record.epoch, tick, overlap: Overlap::Allow, job: None };
        fire.job = Some(job_of(&fire));
        Self(fire)
    }
}

fn job_of(fire: &Fire) -> NewJob {
    let tick = Tick { schedule: fire.schedule.clone(), at: fire.tick };
    NewJob {
        envelope: Envelope {
            id: tick.job_id(),
            queue: QueueName::from("default"),
            kind: "beat".to_owned(),
            version: 1,
            payload: serde_json::to_vec(&tick).unwrap().into(),
            context: Context::background(),
            options: Beat::OPTIONS,
        },
        due_at: fire.tick,
        unique: None,
        serial_key: None,
        parent: None,
    }
}

#[tokio::test]
async fn a_leader_that_was_replaced_within_a_fire_is_refused() {
    for ahead in [TimeDelta::zero(), TimeDelta::hours(1)] {
        stop_a_leader_within_a_fire(World::at("2026-01-01T12:00:00Z"), ahead).await.unwrap();
    }
}

#[tokio::test]
async fn without_the_stores_checks_a_replaced_leader_fires() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    world.queue = Arc::new(Decorated { real: world.queue, decorator: Unfenced });
    let found = stop_a_leader_within_a_fire(world, TimeDelta::zero()).await.unwrap_err();
    assert!(found.contains("fired twice"), "{found}");

    let mut world = World::at("2026-01-01T12:00:00Z");
    world.queue = Arc::new(Decorated { real: world.queue, decorator: WithoutEpochs });
    let found = stop_a_leader_within_a_fire(world, TimeDelta::hours(1)).await.unwrap_err();
    assert!(found.contains("before its time"), "{found}");
}
