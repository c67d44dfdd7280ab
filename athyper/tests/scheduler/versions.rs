//! Two versions of a product on one store, while the new one replaces the old one.

use std::time::Duration;

use athyper::health::HealthStatus;
use athyper::schedule::{MissedTicks, Overlap, Schedule};

use crate::leading::LEASE;
use crate::support::{Node, World, at, schedule};

fn minutely(name: &str) -> Schedule {
    schedule(name, "* * * * *", MissedTicks::All, Overlap::Allow)
}

/// One schedule that stays, one that changes and one that goes.
fn old_version() -> Vec<Schedule> {
    vec![minutely("stays"), minutely("changes"), minutely("goes")]
}

/// The same with one that is new.
fn new_version() -> Vec<Schedule> {
    let changed = schedule("changes", "*/2 * * * *", MissedTicks::All, Overlap::Allow);
    vec![minutely("stays"), changed, minutely("comes")]
}

/// An old process that stood by leads again after a new one did.
async fn old_after_new() -> (World, Node, Node) {
    let world = World::at("2026-01-01T12:00:00Z");
    let old = world.node(old_version());
    old.fire().await;
    old.scheduler.step_down().await;
    world.pass_seconds(1).await;
    let new = world.node(new_version());
    new.fire().await;
    new.scheduler.step_down().await;
    old.fire().await;
    assert!(old.scheduler.is_leader());
    (world, old, new)
}

async fn definitions(world: &World) -> Vec<(String, String)> {
    let records = world.queue.schedules().records().await.unwrap();
    records.into_iter().map(|record| (record.name, record.definition)).collect()
}

#[tokio::test]
async fn an_older_leader_leaves_the_schedules_of_the_newer_version_alone() {
    let (world, old, new) = old_after_new().await;
    let declared = definitions(&world).await;
    assert_eq!(declared.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["changes", "comes", "stays"]);
    for _ in 0..4 {
        world.pass_seconds(60).await;
        let fired = old.fire().await;
        assert_eq!(fired.iter().map(|tick| tick.schedule.as_str()).collect::<Vec<_>>(), ["stays"], "{fired:?}");
    }
    assert_eq!(definitions(&world).await, declared);

    // No tick of the new version is lost when it leads again, and none is fired twice.
    world.pass(LEASE + Duration::from_secs(1)).await;
    new.fire().await;
    assert_eq!(world.ticks("stays").await.len(), 4);
    assert_eq!(world.ticks("comes").await.len(), 4);
    assert_eq!(world.ticks("changes").await, [at("2026-01-01T12:02:00Z"), at("2026-01-01T12:04:00Z")]);
    assert!(world.ticks("goes").await.is_empty());
}

#[tokio::test]
async fn an_older_leader_says_that_it_is_outdated() {
    let (world, old, new) = old_after_new().await;
    let health = old.health().await;
    assert_eq!(health.status, HealthStatus::Degraded, "{health:?}");
    old.scheduler.step_down().await;
    assert_eq!(old.health().await.status, HealthStatus::Healthy, "standing by is healthy");
    new.fire().await;
    assert!(new.scheduler.is_leader());
    assert_eq!(new.health().await.status, HealthStatus::Healthy);
    drop(world);
}

#[tokio::test]
async fn an_older_version_that_is_started_again_is_the_newer_one() {
    let (world, old, _) = old_after_new().await;
    old.scheduler.step_down().await;
    let rolled_back = world.node(old_version());
    rolled_back.fire().await;
    let names: Vec<String> = definitions(&world).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["changes", "goes", "stays"]);
    world.pass_seconds(60).await;
    assert_eq!(rolled_back.fire().await.len(), 3);
    assert_eq!(rolled_back.health().await.status, HealthStatus::Healthy);
}
