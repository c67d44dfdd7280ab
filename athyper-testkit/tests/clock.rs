//! The virtual clock: who wakes when, and what the clock says then.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::clock::{Clock, ClockExt, Timestamp};
use athyper_testkit::clock::VirtualClock;
use chrono::TimeDelta;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

type Log = Arc<Mutex<Vec<(&'static str, Duration)>>>;

/// A task that sleeps once and notes when it woke.
fn sleeper(clock: &Arc<VirtualClock>, log: &Log, name: &'static str, after: Duration) -> tokio::task::JoinHandle<()> {
    let (clock, log) = (Arc::clone(clock), Arc::clone(log));
    tokio::spawn(async move {
        clock.sleep(after).await;
        log.lock().unwrap().push((name, clock.since_boot()));
    })
}

#[tokio::test]
async fn sleepers_wake_in_due_order_at_their_own_time() {
    let clock = VirtualClock::new();
    let start = clock.since_boot();
    let log = Log::default();
    for (name, after) in [("late", 30), ("early", 10), ("first of two", 20), ("second of two", 20), ("never", 61)] {
        sleeper(&clock, &log, name, seconds(after));
    }
    clock.advance_minutes(1).await;
    let woke: Vec<_> = log.lock().unwrap().iter().map(|(name, at)| (*name, (*at - start).as_secs())).collect();
    assert_eq!(woke, [("early", 10), ("first of two", 20), ("second of two", 20), ("late", 30)]);
    assert_eq!(clock.since_boot() - start, seconds(60));
    assert_eq!((clock.sleepers(), clock.next_wake()), (1, Some(start + seconds(61))));
}

#[tokio::test]
async fn a_loop_that_sleeps_again_gets_every_turn() {
    let clock = VirtualClock::new();
    let ticks = Arc::new(Mutex::new(Vec::<Timestamp>::new()));
    tokio::spawn({
        let (clock, ticks) = (Arc::clone(&clock), Arc::clone(&ticks));
        async move {
            loop {
                clock.sleep(seconds(7)).await;
                ticks.lock().unwrap().push(clock.now());
            }
        }
    });
    clock.set("2026-05-01T12:00:00Z");
    clock.advance_hours(1).await;
    let ticks = ticks.lock().unwrap();
    assert_eq!(ticks.len(), 3_600 / 7);
    assert_eq!(ticks[1].to_rfc3339(), "2026-05-01T12:00:14+00:00");
}

#[tokio::test]
async fn what_a_woken_task_hands_on_is_done_before_time_goes_on() {
    let clock = VirtualClock::new();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn({
        let clock = Arc::clone(&clock);
        async move {
            clock.sleep(seconds(1)).await;
            sender.send(()).unwrap();
        }
    });
    let heard = tokio::spawn({
        let clock = Arc::clone(&clock);
        async move {
            let start = clock.since_boot();
            receiver.recv().await;
            clock.sleep(seconds(1)).await;
            clock.since_boot() - start
        }
    });
    clock.advance_seconds(10).await;
    assert_eq!(heard.await.unwrap(), seconds(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sleepers_on_other_threads_are_waited_for() {
    let clock = VirtualClock::new();
    let start = clock.since_boot();
    for _ in 0..20 {
        let log = Log::default();
        let tasks: Vec<_> = (1..=5).map(|after| sleeper(&clock, &log, "any", seconds(after))).collect();
        while clock.sleepers() < tasks.len() {
            tokio::task::yield_now().await;
        }
        let before = clock.since_boot();
        clock.advance_seconds(5).await;
        for task in tasks {
            task.await.unwrap();
        }
        let woke: Vec<_> = log.lock().unwrap().iter().map(|(_, at)| (*at - before).as_secs()).collect();
        assert_eq!(woke, [1, 2, 3, 4, 5]);
    }
    assert_eq!(clock.since_boot() - start, seconds(100));
}

#[tokio::test]
async fn a_sleeper_that_is_dropped_or_does_not_look_holds_nothing_up() {
    let clock = VirtualClock::new();
    let mut idle = Box::pin(clock.sleep(seconds(1)));
    assert!(poll_once(&mut idle).await.is_none());
    let mut dropped = Box::pin(clock.sleep(seconds(1)));
    assert!(poll_once(&mut dropped).await.is_none());
    drop(dropped);
    assert_eq!(clock.sleepers(), 1);
    clock.advance_seconds(2).await;
    assert!(poll_once(&mut idle).await.is_some());
}

/// Polls once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_deadline_of_the_past_does_not_wait() {
    let clock = VirtualClock::new();
    clock.sleep_until(clock.since_boot()).await;
    clock.sleep_until(Duration::ZERO).await;
    assert_eq!(clock.sleepers(), 0);
}

#[tokio::test]
async fn setting_the_wall_clock_lets_no_time_pass() {
    let clock = VirtualClock::starting_at("2026-01-01T00:00:00.123456789Z");
    assert_eq!(clock.now().timestamp_subsec_nanos(), 123_456_000, "stores keep microseconds");
    let log = Log::default();
    let task = sleeper(&clock, &log, "any", seconds(5));
    clock.advance(Duration::ZERO).await;
    let before = clock.since_boot();
    clock.set("2031-01-01T00:00:00Z");
    clock.advance(Duration::ZERO).await;
    assert_eq!((clock.since_boot(), log.lock().unwrap().len()), (before, 0));
    clock.set("2019-01-01T00:00:00Z");
    clock.advance_seconds(5).await;
    task.await.unwrap();
    assert_eq!(clock.now().to_rfc3339(), "2019-01-01T00:00:05+00:00");
}

#[tokio::test]
async fn processes_of_one_machine_share_its_time_and_not_their_errors() {
    let one = VirtualClock::new();
    let other = one.another();
    other.skew(TimeDelta::minutes(-3));
    let log = Log::default();
    let task = sleeper(&other, &log, "other", seconds(4));
    one.advance_seconds(4).await;
    task.await.unwrap();
    assert_eq!(one.since_boot(), other.since_boot());
    assert_eq!(one.boot_id(), other.boot_id());
    assert_eq!(one.now() - other.now(), TimeDelta::minutes(3));

    let after = one.restarted();
    assert_ne!(after.boot_id(), one.boot_id());
    assert!(after.since_boot() < one.since_boot());
    assert_eq!(after.now(), one.now());
    assert_ne!(after.restarted().boot_id(), one.boot_id());
}

#[test]
#[should_panic(expected = "`yesterday` is not an instant such as 2026-03-28T22:59:00Z")]
fn text_that_is_no_instant_is_refused() {
    VirtualClock::new().set("yesterday");
}
