//! Limits that handlers declare.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use athyper::jobs::{Limit, QueueLimits};

use crate::support::{Handlers, Work, World};
use crate::workers::{Gate, LONG};

fn at_most(count: u32) -> QueueLimits {
    QueueLimits { queue: Limit { concurrency: NonZeroU32::new(count), rate: None }, ..QueueLimits::NONE }
}

fn within(rate: &str) -> QueueLimits {
    QueueLimits { queue: Limit { concurrency: None, rate: Some(rate.parse().unwrap()) }, ..QueueLimits::NONE }
}

/// A handler, and how often it ran.
fn counting() -> (Handlers, Arc<AtomicU32>) {
    let ran = Arc::<AtomicU32>::default();
    let counter = ran.clone();
    let handlers = Handlers::default().on(move |_: Work, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    });
    (handlers, ran)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_processes_together_keep_to_what_is_declared() {
    let gate = Gate::new();
    let handlers = gate.handlers().concurrency(5).limits(at_most(3));
    let world = World::new(handlers.clone());
    world.jobs.enqueue_all((0..20).map(Work)).await.unwrap();
    let other = world.another_process(handlers).1.start().await.unwrap();
    let (world, running) = world.start().await;
    gate.wait_until_running(3).await;
    gate.permits.add_permits(20);
    world.pass_until_true(|| async { world.queue.counts(&"default".into()).await.unwrap().completed == 20 }).await;
    assert_eq!(gate.most(), 3);
    assert!(running.shutdown(LONG).await.settled && other.shutdown(LONG).await.settled);
}

#[tokio::test]
async fn a_declared_rate_spreads_jobs_over_time() {
    let (handlers, ran) = counting();
    let world = World::new(handlers.limits(within("2/10s")));
    world.jobs.enqueue_all((0..5).map(Work)).await.unwrap();
    for wanted in [2, 4, 5] {
        world.pool().run_available().await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), wanted);
        world.clock.advance_seconds(10).await;
    }
}

#[tokio::test]
async fn nothing_is_taken_before_the_limits_are_written() {
    let gate = Gate::new();
    let world = World::new(gate.handlers().limits(at_most(1)));
    world.faults.failing_limits.store(3, Ordering::SeqCst);
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    let (world, running) = world.start().await;
    world.pass_until_true(|| async { world.faults.failing_limits.load(Ordering::SeqCst) < 3 }).await;
    assert_eq!(world.faults.takes.load(Ordering::SeqCst), 0, "jobs are taken without the limits");
    gate.permits.add_permits(1);
    world.pass_until(&handle, athyper::jobs::JobState::Completed).await;
    assert_eq!(world.queue.limits(&"default".into()).await.unwrap(), at_most(1));
    assert!(running.shutdown(LONG).await.settled);
}

#[tokio::test]
async fn limits_that_nobody_declares_are_left_alone() {
    let world = World::new(crate::workers::adding());
    world.queue.set_limits(&"default".into(), &within("7/1h")).await.unwrap();
    world.pool().run_available().await.unwrap();
    assert_eq!(world.queue.limits(&"default".into()).await.unwrap(), within("7/1h"));
}

#[tokio::test]
async fn workers_that_start_do_not_begin_periods_anew() {
    let (handlers, ran) = counting();
    let handlers = handlers.limits(within("1/10s"));
    let world = World::new(handlers.clone());
    world.jobs.enqueue_all((0..3).map(Work)).await.unwrap();
    world.pool().run_available().await.unwrap();
    world.clock.advance(Duration::from_secs(1)).await;
    world.another_process(handlers).1.run_available().await.unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}
