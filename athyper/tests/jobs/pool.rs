//! The worker pool at work.

use std::sync::Arc;
use std::time::Duration;

use athyper::clock::SystemClock;
use athyper::jobs::JobState;

use crate::support::{Handlers, Sum, World};

fn adding() -> Handlers {
    Handlers::default().on(async |sum: Sum, _| Ok(sum.left + sum.right))
}

#[tokio::test]
async fn a_job_runs_in_the_background_and_gives_its_typed_result() {
    let world = World::new(adding(), Arc::new(SystemClock::new()));
    let running = world.pool.start().await.unwrap();
    let handle = world.jobs.enqueue(Sum { left: 2, right: 3 }).await.unwrap();
    assert_eq!(handle.result().within(Duration::from_secs(10)).await.unwrap(), 5);
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Completed));
    assert!(running.shutdown(Duration::from_secs(10)).await.settled);
}

#[tokio::test]
async fn a_job_runs_when_the_pool_is_driven() {
    let world = World::new(adding(), Arc::new(SystemClock::new()));
    let handle = world.jobs.enqueue(Sum { left: 2, right: 3 }).await.unwrap();
    let ran = world.pool.run_available().await.unwrap();
    assert_eq!(ran.len(), 1);
    assert_eq!((&*ran[0].kind, ran[0].attempt), ("sum", 1));
    assert_eq!(handle.result().await.unwrap(), 5);
}
