//! A relay that ends, or stands still, at the very point between the arrival of a batch and its removal.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use athyper::Result;
use athyper::clock::Clock;
use athyper::jobs::{Delivered, Delivery};
use athyper::outbox::{Destination, JOBS, JobDestination, OutboxMessage};
use athyper::sql::Isolation;
use athyper_testkit::clock::VirtualClock;
use athyper_testkit::services::{PostgresServer, RedisServer};
use tokio::sync::{Notify, oneshot};

use crate::support::{Base, CutOff, Forgetful, Note, PAIRS, Target, World, until, within_a_minute};

/// Until a relay that died is taken over from.
async fn let_the_lease_run_out(base: Base, clock: &VirtualClock) {
    match base {
        Base::Sqlite => clock.advance(Duration::from_secs(6)).await,
        // By the server's clock.
        Base::Postgres => {
            let _ = tokio::time::timeout(Duration::from_millis(5_200), std::future::pending::<()>()).await;
        }
    }
}

/// A batch arrives, its relay ends, its jobs run and go, and another relay takes over. Answers what ran.
async fn die_in_between(base: Base, target: Target, knows_again: bool) -> Vec<u32> {
    let clock = VirtualClock::new();
    clock.set("2026-11-28T10:00:00Z");
    let world = World::with_clock(base, target, clock.clone()).await;
    let destination = || -> Arc<dyn Destination> {
        if knows_again {
            Arc::new(JobDestination::new(world.queue.clone()))
        } else {
            Arc::new(Forgetful(world.queue.clone()))
        }
    };
    world.commit([1, 2, 3]).await;
    let dies = world.relay_of(Arc::new(CutOff(world.outbox.clone())), destination());
    dies.move_all().await.unwrap_err();
    drop(dies);
    let mut ran = world.run_all().await;
    assert_eq!(ran, [1, 2, 3], "the batch has arrived");
    assert_eq!(world.counts().await.waiting, 3, "and is still in the outbox");
    world.commit([4]).await;
    let takes_over = world.relay_of(world.outbox.clone(), destination());
    assert_eq!(takes_over.move_all().await.unwrap(), 0, "while the lease lasts, nobody else moves");
    let_the_lease_run_out(base, &clock).await;
    assert_eq!(takes_over.move_all().await.unwrap(), 4);
    assert_eq!(world.counts().await.waiting, 0);
    ran.extend(world.run_all().await);
    ran
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_dies_between_arrival_and_removal_runs_no_job_twice() {
    let all = PAIRS.map(|(base, target)| tokio::spawn(die_in_between(base, target, true)));
    for one in all {
        assert_eq!(one.await.unwrap(), [1, 2, 3, 4]);
    }
}

/// The same with a flow, of which nothing is left when it is sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_that_is_sent_again_runs_once() {
    for target in [Target::Memory, Target::Redis, Target::Sqlite] {
        let clock = VirtualClock::new();
        clock.set("2026-11-28T10:00:00Z");
        let world = World::with_clock(Base::Sqlite, target, clock.clone()).await;
        let enqueued = world.db.transaction(Isolation::Default, async |tx| {
            world.jobs.enqueue(Note(2)).child(world.jobs.enqueue(Note(1))).in_tx(tx).await
        });
        enqueued.await.unwrap();
        let dies =
            world.relay_of(Arc::new(CutOff(world.outbox.clone())), Arc::new(JobDestination::new(world.queue.clone())));
        dies.move_all().await.unwrap_err();
        assert_eq!(world.run_all().await, [1, 2], "{target:?}");
        let_the_lease_run_out(Base::Sqlite, &clock).await;
        assert_eq!(world.relay().move_all().await.unwrap(), 1);
        assert!(world.run_all().await.is_empty(), "{target:?}");
    }
}

/// The known-bad control: without the number of the delivery the same crash runs jobs twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_knows_no_delivery_again_runs_jobs_twice() {
    let all = PAIRS.map(|(base, target)| tokio::spawn(die_in_between(base, target, false)));
    for one in all {
        assert_eq!(one.await.unwrap(), [1, 2, 3, 1, 2, 3, 4]);
    }
}

/// Stands still before its delivery is sent, until it is told to go on.
#[derive(Debug)]
struct Stopped {
    inner: JobDestination,
    reached: Notify,
    goes_on: Notify,
}

#[async_trait]
impl Destination for Stopped {
    fn name(&self) -> &str {
        JOBS
    }

    async fn deliver(&self, delivery: &Delivery, messages: &[OutboxMessage]) -> Result<Delivered> {
        self.reached.notify_one();
        self.goes_on.notified().await;
        self.inner.deliver(delivery, messages).await
    }
}

/// A relay that stood still while others moved on does no harm when it goes on, however long ago that was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_stood_still_moves_nothing_again() {
    for (target, later) in [(Target::Redis, 1), (Target::Redis, 130), (Target::Memory, 130), (Target::Sqlite, 130)] {
        let clock = VirtualClock::new();
        clock.set("2026-11-28T10:00:00Z");
        let world = Arc::new(World::with_clock(Base::Sqlite, target, clock.clone()).await);
        world.commit([0]).await;
        let stopped = Arc::new(Stopped {
            inner: JobDestination::new(world.queue.clone()),
            reached: Notify::new(),
            goes_on: Notify::new(),
        });
        let zombie = {
            let relay = world.relay_of(world.outbox.clone(), stopped.clone());
            tokio::spawn(async move { relay.move_all().await })
        };
        within_a_minute(stopped.reached.notified()).await;
        let_the_lease_run_out(Base::Sqlite, &clock).await;
        let relay = world.relay();
        assert_eq!(relay.move_all().await.unwrap(), 1, "the same batch, under the same number");
        for note in 1..=later {
            world.commit([note]).await;
            assert_eq!(relay.move_all().await.unwrap(), 1);
        }
        let ran = world.run_all().await;
        assert_eq!(ran, (0..=later).collect::<Vec<_>>());
        stopped.goes_on.notify_one();
        within_a_minute(zombie).await.unwrap().unwrap();
        assert!(world.run_all().await.is_empty(), "{target:?}, {later} batches later");
        world.commit([777]).await;
        assert_eq!(relay.move_all().await.unwrap(), 1);
        assert_eq!(world.run_all().await, [777]);
    }
}

/// What a server does not answer may have been done: it is sent again under the same number, and done once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_away_gets_everything_once_it_is_back() {
    let server =
        tokio::task::spawn_blocking(|| Arc::new(RedisServer::start_with(&[("appendfsync", "always")]))).await.unwrap();
    for base in [Base::Sqlite, Base::Postgres] {
        let folder = tempfile::tempdir().unwrap();
        let database = match base {
            Base::Sqlite => format!("sqlite://{}", folder.path().join("app.db").display()),
            Base::Postgres => tokio::task::spawn_blocking(|| PostgresServer::shared().fresh_database()).await.unwrap(),
        };
        let clock: Arc<dyn Clock> = Arc::new(athyper::clock::SystemClock::new());
        let world = World::open(database, format!("{}?prefix={base:?}", server.url()), clock, folder).await;
        let relay = Arc::new(world.relay());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = {
            let relay = relay.clone();
            tokio::spawn(async move { relay.run(async { stopped.await.unwrap_or_default() }).await })
        };
        world.commit([1]).await;
        until("the first has arrived", async || world.counts().await.waiting == 0).await;
        server.kill();
        for note in 2..50 {
            world.commit([note]).await;
        }
        until("health tells", async || {
            let health = relay.health().check().await;
            health.detail.is_some_and(|detail| detail.contains("cannot be moved"))
        })
        .await;
        assert_eq!(world.counts().await.waiting, 48, "nothing is lost meanwhile");
        server.restart();
        until("everything has arrived", async || world.counts().await.waiting == 0).await;
        assert_eq!(world.run_all().await, (1..50).collect::<Vec<_>>());
        until("health is well", async || relay.health().check().await.detail.is_none()).await;
        stop.send(()).unwrap();
        within_a_minute(running).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_stops_lets_another_one_go_on_at_once() {
    let clock = VirtualClock::new();
    let world = World::with_clock(Base::Sqlite, Target::Memory, clock).await;
    let relay = world.relay();
    world.commit([1]).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move { relay.run(async { stopped.await.unwrap_or_default() }).await });
    until("it is moved", async || world.counts().await.waiting == 0).await;
    stop.send(()).unwrap();
    within_a_minute(running).await.unwrap();
    world.commit([2]).await;
    assert_eq!(world.relay().move_all().await.unwrap(), 1, "without any time passing");
}
