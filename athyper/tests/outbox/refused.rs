//! Messages that their destination never takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use athyper::jobs::{Delivered, Delivery};
use athyper::outbox::{
    Destination, JOBS, JobDestination, OutboxAnswer, OutboxFilter, OutboxMessage, OutboxState, OutboxStep,
};
use athyper::sql::Isolation;
use athyper::{Error, ErrorKind, Result};

use athyper_testkit::clock::VirtualClock;
use tokio::sync::Notify;

use crate::support::{Base, Target, World, message, within_a_minute};

async fn write(world: &World, messages: Vec<OutboxMessage>) {
    let written = world.db.transaction(Isolation::Default, async |tx| world.outbox.write(tx, messages).await);
    written.await.unwrap();
}

/// A message that Redis never takes: its queue cannot have that name.
fn poisoned(id: &str) -> OutboxMessage {
    message(id, 0, |job| job.envelope.queue = "no:name".into())
}

#[tokio::test]
async fn a_message_that_is_refused_holds_nobody_up() {
    for base in [Base::Sqlite, Base::Postgres] {
        let world = World::new(base, Target::Redis).await;
        let mut messages: Vec<OutboxMessage> = (0..40).map(|note| message(&format!("m{note}"), note, |_| {})).collect();
        messages[0] = poisoned("m0");
        messages[17] = poisoned("m17");
        messages[39].payload = r#"{"version":1,"jobs":"none"}"#.into();
        write(&world, messages).await;
        let relay = world.relay();
        assert_eq!(relay.move_all().await.unwrap(), 37);
        let expected: Vec<u32> = (0..40).filter(|note| ![0, 17, 39].contains(note)).collect();
        assert_eq!(world.run_all().await, expected, "in order");

        let failed = OutboxFilter { state: Some(OutboxState::Failed), ..OutboxFilter::default() };
        let refused = world.outbox.list(&failed).await.unwrap();
        let ids: Vec<&str> = refused.iter().map(|record| record.message.id.as_str()).collect();
        assert_eq!(ids, ["m0", "m17", "m39"]);
        assert!(refused[0].error.as_deref().unwrap().contains("`no:name`"), "{:?}", refused[0].error);
        assert!(refused[2].error.as_deref().unwrap().contains("holds no jobs"), "{:?}", refused[2].error);
        assert_eq!((world.counts().await.waiting, world.counts().await.failed), (0, 3));

        world.outbox.retry("m17").await.unwrap();
        assert_eq!(world.outbox.retry("m17").await.unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(world.outbox.retry("nobody").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(world.outbox.remove("m17").await.unwrap_err().kind(), ErrorKind::Conflict);
        write(&world, vec![message("later", 99, |_| {})]).await;
        assert_eq!(relay.move_all().await.unwrap(), 1);
        assert_eq!(world.run_all().await, [99]);
        assert_eq!(world.counts().await.failed, 3);
        world.outbox.remove("m17").await.unwrap();
        assert_eq!(world.counts().await.failed, 2);
    }
}

/// Fails some calls with an error that is nobody's fault in particular.
#[derive(Debug)]
struct Moody {
    inner: JobDestination,
    kind: ErrorKind,
    /// The message that it never takes.
    never: &'static str,
    calls: AtomicU32,
}

#[async_trait]
impl Destination for Moody {
    fn name(&self) -> &str {
        JOBS
    }

    async fn deliver(&self, delivery: &Delivery, messages: &[OutboxMessage]) -> Result<Delivered> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if messages.iter().any(|message| message.id == self.never) {
            return Err(Error::new(self.kind, "not like this"));
        }
        self.inner.deliver(delivery, messages).await
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_sets_nothing_aside() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::UnknownOutcome, ErrorKind::Configuration] {
        let world = World::new(Base::Sqlite, Target::Memory).await;
        write(&world, vec![message("a", 1, |_| {}), message("b", 2, |_| {})]).await;
        let inner = JobDestination::new(world.queue.clone());
        let destination = Arc::new(Moody { inner, kind, never: "b", calls: AtomicU32::new(0) });
        let relay = world.relay_of(world.outbox.clone(), destination.clone());
        for _ in 0..10 {
            assert_eq!(relay.move_all().await.unwrap_err().kind(), kind);
        }
        assert_eq!(destination.calls.load(Ordering::SeqCst), 10);
        assert_eq!((world.counts().await.waiting, world.counts().await.failed), (2, 0), "{kind:?}");
        drop(relay);
    }
}

#[tokio::test]
async fn a_defect_that_stays_with_a_message_sets_it_aside_after_some_tries() {
    let world = World::new(Base::Sqlite, Target::Memory).await;
    write(&world, (0..9).map(|note| message(&format!("m{note}"), note, |_| {})).collect()).await;
    let inner = JobDestination::new(world.queue.clone());
    let destination = Moody { inner, kind: ErrorKind::Internal, never: "m4", calls: AtomicU32::new(0) };
    let relay = world.relay_of(world.outbox.clone(), Arc::new(destination));
    let mut failures = 0;
    while relay.move_all().await.is_err() {
        failures += 1;
    }
    assert_eq!(failures, 4, "tried five times");
    assert_eq!(world.run_all().await, [0, 1, 2, 3, 5, 6, 7, 8]);
    assert_eq!(world.counts().await.failed, 1);
}

#[tokio::test]
async fn what_was_refused_long_ago_goes() {
    let clock = VirtualClock::new();
    let world = World::with_clock(Base::Sqlite, Target::Redis, clock.clone()).await;
    let relay = world.relay();
    write(&world, vec![poisoned("old")]).await;
    relay.move_all().await.unwrap();
    clock.advance(Duration::from_secs(31 * 24 * 3600)).await;
    write(&world, vec![poisoned("new")]).await;
    relay.move_all().await.unwrap();
    let left = world.outbox.list(&OutboxFilter::default()).await.unwrap();
    assert_eq!(left.iter().map(|record| record.message.id.as_str()).collect::<Vec<_>>(), ["new"]);
}

/// Refuses two messages together, and stands still before it takes one of them.
#[derive(Debug)]
struct Hesitant {
    inner: JobDestination,
    reached: Notify,
    goes_on: Notify,
}

#[async_trait]
impl Destination for Hesitant {
    fn name(&self) -> &str {
        JOBS
    }

    async fn deliver(&self, delivery: &Delivery, messages: &[OutboxMessage]) -> Result<Delivered> {
        match messages.len() {
            0 => {}
            1 => {
                self.reached.notify_one();
                self.goes_on.notified().await;
            }
            _ => return Err(Error::invalid("not both of them")),
        }
        self.inner.deliver(delivery, messages).await
    }
}

/// A batch that was given up, because one of its messages was refused, arrives no more: not even from a relay that was on its way with
/// it all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_was_given_up_arrives_no_more() {
    let clock = VirtualClock::new();
    clock.set("2026-11-28T10:00:00Z");
    for target in [Target::Memory, Target::Redis, Target::Sqlite] {
        let world = World::with_clock(Base::Sqlite, target, clock.clone()).await;
        write(&world, vec![message("a", 1, |_| {}), message("b", 2, |_| {})]).await;
        let step = OutboxStep {
            destination: JOBS.to_owned(),
            holder: "a relay that stands still".to_owned(),
            lease: Duration::from_secs(5),
            max: 500,
            settled: None,
        };
        let OutboxAnswer::Batch(on_its_way) = world.outbox.step(&step).await.unwrap() else {
            panic!("there is a batch");
        };
        clock.advance(Duration::from_secs(6)).await;
        let inner = JobDestination::new(world.queue.clone());
        let hesitant = Arc::new(Hesitant { inner, reached: Notify::new(), goes_on: Notify::new() });
        let relay = world.relay_of(world.outbox.clone(), hesitant.clone());
        let moving = tokio::spawn(async move { relay.move_all().await });
        within_a_minute(hesitant.reached.notified()).await;
        let direct = JobDestination::new(world.queue.clone());
        let late = direct.deliver(&on_its_way.delivery, &on_its_way.messages).await.unwrap();
        assert_eq!(late, Delivered::Overtaken, "{target:?}: a later number is used up");
        assert!(world.run_all().await.is_empty());
        hesitant.goes_on.notify_one();
        within_a_minute(hesitant.reached.notified()).await;
        hesitant.goes_on.notify_one();
        assert_eq!(within_a_minute(moving).await.unwrap().unwrap(), 2);
        assert_eq!(world.run_all().await, [1, 2], "{target:?}");
    }
}

/// Takes what it is sent, and lets the answer to one of the deliveries without messages get lost.
#[derive(Debug)]
struct Mumbling {
    inner: JobDestination,
    lost: u32,
    empty: AtomicU32,
}

#[async_trait]
impl Destination for Mumbling {
    fn name(&self) -> &str {
        JOBS
    }

    async fn deliver(&self, delivery: &Delivery, messages: &[OutboxMessage]) -> Result<Delivered> {
        let delivered = self.inner.deliver(delivery, messages).await;
        if messages.is_empty() && self.empty.fetch_add(1, Ordering::SeqCst) == self.lost {
            return Err(Error::new(ErrorKind::UnknownOutcome, "the answer was lost"));
        }
        delivered
    }
}

/// Giving a batch up is not taken for its arrival, wherever it breaks off.
#[tokio::test]
async fn a_batch_that_is_given_up_twice_loses_no_message() {
    for target in [Target::Redis, Target::Memory] {
        for lost in 0..4 {
            let world = World::new(Base::Sqlite, target).await;
            let mut refused = poisoned("a");
            refused.payload = r#"{"version":1,"jobs":"none"}"#.into();
            write(&world, vec![refused, message("b", 2, |_| {})]).await;
            let destination =
                Mumbling { inner: JobDestination::new(world.queue.clone()), lost, empty: AtomicU32::new(0) };
            let relay = world.relay_of(world.outbox.clone(), Arc::new(destination));
            let mut failures = 0;
            while relay.move_all().await.is_err() {
                failures += 1;
                assert!(failures < 5, "it goes on once the answers arrive");
            }
            assert_eq!(failures, 1, "answer {lost} was lost");
            assert_eq!(world.run_all().await, [2], "{target:?}, answer {lost} was lost");
            assert_eq!((world.counts().await.waiting, world.counts().await.failed), (0, 1));
        }
    }
}
