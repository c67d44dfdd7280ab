//! Which jobs a worker holds before it begins them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use athyper::jobs::{JobState, RecoveryPolicy, RunningWorkers, Take, WorkerSettings};
use tokio::sync::Semaphore;

use crate::support::{Handlers, Work, World};

const LONG: u32 = 100;

/// Jobs end at once, but for [`LONG`], which waits to be let go.
struct Scene {
    world: World,
    workers: RunningWorkers,
    gate: Arc<Semaphore>,
    ran: Arc<AtomicU32>,
}

fn handlers(concurrency: u32) -> (Handlers, Arc<Semaphore>, Arc<AtomicU32>) {
    let (gate, ran) = (Arc::new(Semaphore::new(0)), Arc::<AtomicU32>::default());
    let (open, counter) = (gate.clone(), ran.clone());
    let handlers = Handlers::default()
        .on(move |work: Work, _| {
            let (open, counter) = (open.clone(), counter.clone());
            async move {
                counter.fetch_add(1, Ordering::SeqCst);
                if work.0 == LONG {
                    open.acquire().await.unwrap().forget();
                }
                Ok(())
            }
        })
        .concurrency(concurrency);
    (handlers, gate, ran)
}

impl Scene {
    /// Forty short jobs have run, one after another; then a long one runs, with nine behind it.
    async fn new(settings: WorkerSettings) -> Self {
        let (handlers, gate, ran) = handlers(1);
        let world = World::with_settings(handlers, settings);
        let works = (0..40).chain([LONG]).chain(0..9).map(Work);
        world.jobs.enqueue_all(works.collect::<Vec<_>>()).await.unwrap();
        let (world, workers) = world.start().await;
        let scene = Self { world, workers, gate, ran };
        scene.until(async || scene.ran() == 41).await;
        scene
    }

    fn ran(&self) -> u32 {
        self.ran.load(Ordering::SeqCst)
    }

    async fn active(&self) -> u64 {
        let queue = self.world.queue.queues().await.unwrap().remove(0);
        self.world.queue.counts(&queue).await.unwrap().active
    }

    /// Waits in real time until something holds; no virtual time passes.
    async fn until(&self, holds: impl AsyncFn() -> bool) {
        let waited = async {
            while !holds().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waited).await.expect("what the test waits for does not happen");
    }
}

#[tokio::test]
async fn short_jobs_are_taken_ahead_and_given_back_when_one_takes_long() {
    let scene = Scene::new(WorkerSettings::default()).await;
    scene.until(async || scene.active().await == 10).await;
    scene.world.clock.advance(Duration::from_millis(200)).await;
    scene.until(async || scene.active().await == 1).await;
    // Others can run them.
    let queue = scene.world.queue.queues().await.unwrap().remove(0);
    let request =
        Take { queue, worker: "another".into(), max: 99, lock_for: Duration::from_secs(9), wait: Duration::ZERO };
    let taken = scene.world.queue.take(&request).await.unwrap();
    assert_eq!((taken.len(), taken[0].attempts_made, taken[0].stalls), (9, 0, 0));
    scene.gate.add_permits(1);
}

#[tokio::test]
async fn what_was_taken_ahead_runs_in_the_end() {
    let scene = Scene::new(WorkerSettings::default()).await;
    scene.world.clock.advance(Duration::from_millis(200)).await;
    scene.gate.add_permits(1);
    scene.until(async || scene.ran() == 50).await;
    scene.until(async || scene.active().await == 0).await;
}

#[tokio::test]
async fn a_shutdown_hands_back_at_once_what_has_not_begun() {
    let scene = Scene::new(WorkerSettings::default()).await;
    scene.until(async || scene.active().await == 10).await;
    scene.workers.stop_taking();
    scene.until(async || scene.active().await == 1).await;
    assert_eq!(scene.ran(), 41);
    scene.gate.add_permits(1);
}

#[tokio::test]
async fn nothing_is_taken_ahead_if_it_must_not_be() {
    let settings = WorkerSettings { take_ahead: Duration::ZERO, ..WorkerSettings::default() };
    let scene = Scene::new(settings).await;
    scene.world.clock.advance(Duration::from_millis(1)).await;
    assert_eq!(scene.active().await, 1);
    scene.gate.add_permits(1);
    scene.until(async || scene.ran() == 50).await;
}

#[tokio::test]
async fn a_job_that_may_end_its_worker_begins_by_itself() {
    let (handlers, gate, ran) = handlers(8);
    let world = World::with_settings(handlers, WorkerSettings::default());
    let suspect = world.jobs.enqueue(Work(LONG)).await.unwrap();
    let request = Take {
        queue: suspect.queue().clone(),
        worker: "one that ends".into(),
        max: 1,
        lock_for: Duration::from_secs(1),
        wait: Duration::ZERO,
    };
    // It was with two workers that ended; a third one would fail it.
    for _ in 0..2 {
        assert_eq!(world.queue.take(&request).await.unwrap().len(), 1);
        world.clock.advance_seconds(2).await;
        let back = world.queue.recover(suspect.queue(), RecoveryPolicy { max_stalls: 2 }).await.unwrap();
        assert_eq!(back[0].state, JobState::Waiting);
    }
    world.jobs.enqueue_all((0..5).map(Work)).await.unwrap();
    let (world, workers) = world.start().await;
    let scene = Scene { world, workers, gate, ran };
    scene.until(async || scene.active().await == 1 && scene.ran() == 1).await;
    scene.world.clock.advance(Duration::from_millis(1_900)).await;
    assert_eq!((scene.ran(), scene.active().await), (1, 1), "another job began beside it");
    // It has had its time to itself.
    scene.world.clock.advance(Duration::from_millis(200)).await;
    scene.until(async || scene.ran() == 6).await;
    scene.gate.add_permits(1);
    scene.until(async || scene.active().await == 0).await;
}
