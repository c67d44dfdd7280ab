//! The worker pool told to stop: what runs is waited for, what overruns is named and handed back.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::clock::SystemClock;
use athyper::jobs::{JobContext, JobState, Overrun};
use athyper_testkit::clock::VirtualClock;
use tokio::sync::Notify;

use crate::support::{Handlers, Timed, Work, World};
use crate::workers::{Gate, LONG, adding};

#[tokio::test]
async fn a_shutdown_waits_for_what_runs_and_takes_nothing_more() {
    let gate = Gate::new();
    let world = World::new(gate.handlers().concurrency(2));
    let handles = world.jobs.enqueue_all((0..4).map(Work)).await.unwrap();
    let (_world, running) = world.start().await;
    gate.wait_until_running(2).await;
    let shutdown = tokio::spawn(running.shutdown(LONG));
    tokio::task::yield_now().await;
    gate.permits.add_permits(4);
    let drained = shutdown.await.unwrap();
    assert!(drained.settled && drained.overran.is_empty(), "{drained:?}");
    let mut states = Vec::new();
    for handle in &handles {
        states.push(handle.state().await.unwrap().unwrap());
    }
    assert_eq!(states, [JobState::Completed, JobState::Completed, JobState::Waiting, JobState::Waiting]);
}

#[tokio::test]
async fn an_idle_pool_stops_at_once() {
    let world = World::new(adding());
    let (world, running) = world.start().await;
    world.clock.advance_seconds(1).await;
    let drained = running.shutdown(LONG).await;
    assert!(drained.settled && drained.overran.is_empty());
}

#[tokio::test]
async fn what_overruns_the_deadline_is_named_and_handed_back() {
    let handlers = Handlers::default()
        .on(async |_: Work, _| {
            std::future::pending::<()>().await;
            Ok(())
        })
        .on(async |_: Timed, ctx: JobContext| {
            ctx.cancelled().await;
            Ok(())
        });
    let world = World::new(handlers);
    let stubborn = world.jobs.enqueue(Work(1)).await.unwrap();
    let polite = world.jobs.enqueue(Timed).await.unwrap();
    let (world, running) = world.start().await;
    world.pass_until(&stubborn, JobState::Active).await;
    world.pass_until(&polite, JobState::Active).await;
    let shutdown = tokio::spawn(running.shutdown(Duration::from_secs(2)));
    world.pass_until_true(|| async { shutdown.is_finished() }).await;
    let drained = shutdown.await.unwrap();
    assert!(drained.settled);
    let named: BTreeSet<(String, u32)> =
        drained.overran.iter().map(|overrun: &Overrun| (overrun.kind.clone(), overrun.attempt)).collect();
    assert_eq!(named, BTreeSet::from([("timed".to_owned(), 1), ("work".to_owned(), 1)]));
    let record = world.record(&stubborn).await;
    assert_eq!((record.state, record.attempts_made, record.stalls), (JobState::Waiting, 0, 0));
    assert_eq!(polite.state().await.unwrap(), Some(JobState::Completed), "what was done in the end was thrown away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_handler_that_blocks_its_thread_does_not_hold_a_shutdown_up() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let (blocked, started) = (Arc::new(Mutex::new(blocked)), Arc::<Notify>::default());
    let begun = started.clone();
    let handlers = Handlers::default().on(move |_: Work, _| {
        begun.notify_one();
        let _ = blocked.lock().unwrap().recv();
        async { Ok(()) }
    });
    let world = World::on_clock(handlers, Default::default(), VirtualClock::new(), Arc::new(SystemClock::new()));
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    let (_world, running) = world.start().await;
    started.notified().await;
    let drained = running.shutdown(Duration::from_millis(50)).await;
    assert_eq!(drained.overran.len(), 1);
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Waiting));
    release.send(()).unwrap();
}

#[tokio::test]
async fn a_shutdown_ends_although_the_store_is_away() {
    let gate = Gate::new();
    let world = World::new(gate.handlers());
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    let (world, running) = world.start().await;
    gate.wait_until_running(1).await;
    world.faults.failing_finishes.store(u32::MAX, Ordering::SeqCst);
    gate.permits.add_permits(1);
    let shutdown = tokio::spawn(running.shutdown(Duration::from_secs(2)));
    world.pass_until_true(|| async { shutdown.is_finished() }).await;
    assert!(!shutdown.await.unwrap().settled);
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Active));
}
