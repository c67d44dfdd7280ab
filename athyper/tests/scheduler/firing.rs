//! What one scheduler fires: missed ticks, overlaps, changes of the set of schedules, clocks that jump.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use athyper::Result;
use athyper::health::HealthStatus;
use athyper::jobs::{JobQueue, Outcome, QueueName};
use athyper::schedule::{Fire, Fired, MissedTicks, Overlap, Schedule};
use chrono::TimeDelta;

use crate::support::{Beat, Decorated, ScheduleStoreDecorator, World, at, schedule};

fn minutely(missed: MissedTicks) -> Vec<Schedule> {
    vec![schedule("minutely", "* * * * *", missed, Overlap::Allow)]
}

#[tokio::test]
async fn a_tick_is_fired_once_when_it_is_due() {
    let world = World::at("2026-01-01T12:00:00Z");
    let node = world.node(minutely(MissedTicks::Once));
    assert!(node.fire().await.is_empty(), "a tick at the moment of the first declaration is not due");
    world.pass_seconds(59).await;
    assert!(node.fire().await.is_empty());
    world.pass_seconds(1).await;
    let fired = node.fire().await;
    assert_eq!(fired.len(), 1);
    assert_eq!((fired[0].schedule.as_str(), fired[0].at), ("minutely", at("2026-01-01T12:01:00Z")));
    assert_eq!(fired[0].job.as_ref().map(|id| id.as_str()), Some("tick.minutely.20260101T120100Z"));
    assert!(node.fire().await.is_empty());
    assert_eq!(world.ticks("minutely").await, [at("2026-01-01T12:01:00Z")]);
    assert_eq!(node.metric(r#"schedule_ticks_total{schedule="minutely",outcome="fired"}"#).as_deref(), Some("1"));
    assert_eq!(node.metric("scheduler_leader").as_deref(), Some("1"));
}

#[tokio::test]
async fn ten_missed_minutes_are_fired_as_the_policy_says() {
    for (missed, expected) in [(MissedTicks::Skip, 0), (MissedTicks::Once, 1), (MissedTicks::All, 10)] {
        let world = World::at("2026-01-01T12:00:00Z");
        world.node(minutely(missed)).fire().await;
        // Everything is down for ten minutes, and longer than a lease.
        world.pass_seconds(10 * 60 + 45).await;
        let node = world.node(minutely(missed));
        node.fire().await;
        assert!(node.fire().await.is_empty(), "nothing is left for a second look");
        let ticks = world.ticks("minutely").await;
        assert_eq!(ticks.len(), expected, "{missed:?}");
        assert!(ticks.last().is_none_or(|last| *last == at("2026-01-01T12:10:00Z")), "the latest is among them");
        let passed_over = node.metric(r#"schedule_ticks_total{schedule="minutely",outcome="missed"}"#);
        assert_eq!(passed_over, Some((10 - expected).to_string()), "{missed:?}");
        // Afterwards all goes on as usual.
        world.pass_seconds(15).await;
        assert_eq!(node.fire().await.len(), 1, "{missed:?}");
    }
}

#[tokio::test]
async fn all_missed_ticks_are_no_more_than_a_thousand() {
    let world = World::at("2026-01-01T00:00:00Z");
    world.node(minutely(MissedTicks::All)).fire().await;
    world.clock.advance_days(365).await;
    world.node(minutely(MissedTicks::All)).fire().await;
    let ticks = world.ticks("minutely").await;
    // The last of the year is on time and no missed one.
    assert_eq!(ticks.len(), 1_001);
    assert_eq!(ticks[1_000], at("2027-01-01T00:00:00Z"));
    assert_eq!(ticks[0], ticks[1_000] - TimeDelta::minutes(1_000));
}

#[tokio::test]
async fn a_removed_schedule_disappears_and_a_changed_one_starts_anew() {
    let world = World::at("2026-01-01T12:00:00Z");
    let both = vec![
        schedule("kept", "* * * * *", MissedTicks::All, Overlap::Allow),
        schedule("removed", "* * * * *", MissedTicks::All, Overlap::Allow),
    ];
    let old = world.node(both);
    old.fire().await;
    world.pass_seconds(60).await;
    assert_eq!(old.fire().await.len(), 2);
    old.scheduler.step_down().await;
    world.pass_seconds(240).await;
    let new = world.node(vec![schedule("kept", "*/2 * * * *", MissedTicks::All, Overlap::Allow)]);
    assert!(new.fire().await.is_empty(), "ticks of the new expression count from the change");
    let names: Vec<_> =
        world.queue.schedules().records().await.unwrap().into_iter().map(|record| record.name).collect();
    assert_eq!(names, ["kept"]);
    assert_eq!(world.ticks("removed").await.len(), 1, "its job stays");
    world.pass_seconds(60).await;
    assert_eq!(new.fire().await.len(), 1);
}

#[tokio::test]
async fn the_clock_jumps_and_no_tick_is_fired_twice_or_lost() {
    for missed in [MissedTicks::Once, MissedTicks::All] {
        let world = World::at("2026-01-01T12:00:00Z");
        let node = world.node(minutely(missed));
        node.fire().await;
        for _ in 0..5 {
            world.pass_seconds(60).await;
            node.fire().await;
        }
        // An hour back: the ticks of that hour were fired already.
        node.clock.skew(TimeDelta::hours(-1));
        for _ in 0..59 {
            world.pass_seconds(60).await;
            assert!(node.fire().await.is_empty(), "fired again");
        }
        let health = node.health().await;
        assert_eq!(health.status, HealthStatus::Degraded, "a schedule that is silent shows");
        assert!(health.detail.unwrap().contains("the wall clock went back"));
        world.pass_seconds(120).await;
        node.fire().await;
        assert_eq!(node.health().await.status, HealthStatus::Healthy);
        // And forth again: the hour counts as missed.
        node.clock.skew(TimeDelta::zero());
        world.pass_seconds(1).await;
        node.fire().await;
        let ticks = world.ticks("minutely").await;
        assert!(ticks.is_sorted_by(|one, other| one < other), "a tick stands twice: {ticks:?}");
        assert_eq!(ticks.last(), Some(&at("2026-01-01T13:06:00Z")));
        if missed == MissedTicks::All {
            assert_eq!(ticks.len(), 66, "every minute once");
        }
    }
}

#[tokio::test]
async fn every_night_is_fired_once_also_when_clocks_change() {
    let world = World::at("2026-01-01T00:00:00Z");
    let nightly = Schedule::cron("nightly", "30 2 * * *")
        .tz("Europe/Berlin")
        .overlap(Overlap::Allow)
        .enqueue(|tick| Beat { schedule: tick.schedule.clone(), at: tick.at });
    let node = world.node(vec![nightly]);
    node.fire().await;
    for _ in 0..365 * 12 {
        world.clock.advance_hours(2).await;
        node.fire().await;
    }
    let ticks = world.ticks("nightly").await;
    assert_eq!(ticks.len(), 365);
    assert!(ticks.contains(&at("2026-03-29T01:00:00Z")) && ticks.contains(&at("2026-10-25T00:30:00Z")));
    let days: Vec<_> = ticks.windows(2).map(|pair| (pair[1] - pair[0]).num_minutes()).collect();
    assert!(days.iter().all(|minutes| (23 * 60..=25 * 60).contains(minutes)), "{days:?}");
}

/// A job of 10 s, every second, with a worker that runs up to three at once.
async fn run_long_jobs(overlap: Overlap) -> (usize, Vec<i64>) {
    let world = World::at("2026-01-01T12:00:00Z");
    let node = world.node(vec![schedule("long", "* * * * * *", MissedTicks::All, overlap)]);
    node.fire().await;
    let (mut running, mut most, mut order) = (Vec::new(), 0, Vec::new());
    for second in 0..60_u64 {
        world.pass_seconds(1).await;
        node.fire().await;
        for (started, job) in std::mem::take(&mut running) {
            if second >= started + 10 { world.complete(job).await } else { running.push((started, job)) }
        }
        for job in world.take(3 - running.len()).await {
            order.push(serde_json::from_slice::<Beat>(&job.envelope.payload).unwrap().at.timestamp());
            running.push((second, job));
        }
        most = most.max(running.len());
    }
    (most, order)
}

#[tokio::test]
async fn long_jobs_overlap_only_when_they_may() {
    let (most, order) = run_long_jobs(Overlap::Skip).await;
    assert_eq!((most, order.len()), (1, 6), "skip: one at a time, the ticks between are passed over");
    assert!(order.windows(2).all(|pair| pair[1] - pair[0] >= 10));
    let (most, order) = run_long_jobs(Overlap::Queue).await;
    assert_eq!(most, 1, "queue: one at a time");
    assert!(order.windows(2).all(|pair| pair[1] == pair[0] + 1), "queue: each tick in its turn: {order:?}");
    let (most, _) = run_long_jobs(Overlap::Allow).await;
    assert_eq!(most, 3, "allow: as many as there are workers");
}

#[tokio::test]
async fn a_failed_job_ends_an_overlap() {
    let world = World::at("2026-01-01T12:00:00Z");
    let node = world.node(vec![schedule("one", "* * * * *", MissedTicks::Once, Overlap::Skip)]);
    node.fire().await;
    world.pass_seconds(60).await;
    node.fire().await;
    let job = world.take(1).await.remove(0);
    world.pass_seconds(60).await;
    assert_eq!(node.fire().await[0].job, None, "the first is not finished");
    assert_eq!(node.metric(r#"schedule_ticks_total{schedule="one",outcome="overlapped"}"#).as_deref(), Some("1"));
    let failed = athyper::jobs::Finish { lock: job.lock, outcome: Outcome::Fail { error: "no".to_owned() } };
    world.queue.finish(vec![failed], None).await.unwrap();
    world.pass_seconds(60).await;
    assert!(node.fire().await[0].job.is_some());
}

#[tokio::test]
async fn a_closure_that_panics_costs_its_tick_and_nothing_else() {
    let world = World::at("2026-01-01T12:00:00Z");
    let bad = Schedule::cron("bad", "* * * * *").enqueue(|tick| -> Beat {
        assert!(tick.at != at("2026-01-01T12:01:00Z"), "a bad minute");
        Beat { schedule: tick.schedule.clone(), at: tick.at }
    });
    let node = world.node(vec![bad, schedule("good", "* * * * *", MissedTicks::Once, Overlap::Allow)]);
    node.fire().await;
    for _ in 0..2 {
        world.pass_seconds(60).await;
        node.fire().await;
    }
    assert_eq!(world.ticks("good").await.len(), 2);
    assert_eq!(world.ticks("bad").await, [at("2026-01-01T12:02:00Z")]);
    assert_eq!(node.metric(r#"schedule_ticks_total{schedule="bad",outcome="failed"}"#).as_deref(), Some("1"));
}

#[tokio::test]
async fn a_job_keeps_its_options_and_says_which_tick_it_stands_for() {
    let world = World::at("2026-01-01T12:00:00Z");
    let node = world.node(vec![schedule("a", "* * * * *", MissedTicks::Once, Overlap::Queue)]);
    node.fire().await;
    world.pass_seconds(61).await;
    let fired = node.fire().await.remove(0);
    let id = fired.job.unwrap();
    let record = world.queue.get(&QueueName::from("default"), &id).await.unwrap().unwrap();
    assert_eq!((record.envelope.kind.as_str(), record.envelope.version), ("beat", 1));
    let beat: Beat = serde_json::from_slice(&record.envelope.payload).unwrap();
    assert_eq!((beat.schedule.as_str(), beat.at), ("a", at("2026-01-01T12:01:00Z")));
    assert!(!id.as_str().contains(':') && id.as_str().parse::<u64>().is_err(), "`{id}` is no id for BullMQ");
}

/// Counts the calls of `fire`.
#[derive(Debug, Clone, Default)]
struct CountsFires(Arc<AtomicU32>);

#[async_trait]
impl ScheduleStoreDecorator for CountsFires {
    async fn fire(&self, real: &dyn JobQueue, fire: Fire) -> Result<Fired> {
        self.0.fetch_add(1, Ordering::SeqCst);
        real.schedules().fire(fire).await
    }
}

#[tokio::test]
async fn the_store_is_asked_once_a_tick_and_not_at_every_look() {
    let mut world = World::at("2026-01-01T12:00:00Z");
    let counts = CountsFires::default();
    world.queue = Arc::new(Decorated { real: world.queue, decorator: counts.clone() });
    let node = world.node(minutely(MissedTicks::Once));
    for _ in 0..180 {
        node.fire().await;
        world.pass_seconds(1).await;
    }
    node.fire().await;
    assert_eq!(counts.0.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_long_time_costs_no_more_than_the_ticks_that_are_fired() {
    // A second's schedule, asleep for forty years: counted through, it would take minutes.
    let world = World::at("1986-01-01T00:00:00Z");
    let every_second = || vec![schedule("second", "* * * * * *", MissedTicks::Once, Overlap::Allow)];
    world.node(every_second()).fire().await;
    world.pass(Duration::from_secs(40 * 365 * 86_400)).await;
    assert_eq!(world.node(every_second()).fire().await.len(), 1);
}
