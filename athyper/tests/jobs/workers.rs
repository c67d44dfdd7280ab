//! The worker pool in the background: room, faults of the store, lost locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use athyper::Error;
use athyper::clock::{ClockExt, SystemClock};
use athyper::health::{HealthCheck, HealthStatus};
use athyper::jobs::{JobContext, JobState, RecoveryPolicy, WorkerSettings};
use athyper_testkit::clock::VirtualClock;
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::support::{Handlers, Sum, Work, World, job};

/// Handlers of [`Work`] that wait for a permit, and how many run.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) permits: Arc<Semaphore>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
            running: Arc::default(),
            most: Arc::default(),
            changed: Arc::default(),
        }
    }

    /// How many ran at once at most.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    pub(crate) fn handlers(&self) -> Handlers {
        let gate = self.clone();
        Handlers::default().on(move |_: Work, _| {
            let gate = gate.clone();
            async move {
                let now = gate.running.fetch_add(1, Ordering::SeqCst) + 1;
                gate.most.fetch_max(now, Ordering::SeqCst);
                gate.changed.notify_waiters();
                gate.permits.acquire().await.unwrap().forget();
                gate.running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        })
    }

    pub(crate) async fn wait_until_running(&self, count: usize) {
        let waited = async {
            loop {
                let changed = self.changed.notified();
                if self.running.load(Ordering::SeqCst) == count {
                    return;
                }
                let _ = tokio::time::timeout(Duration::from_millis(50), changed).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waited).await.expect("jobs start");
    }
}

pub(crate) fn adding() -> Handlers {
    Handlers::default().on(async |sum: Sum, _| Ok(sum.left + sum.right))
}

pub(crate) const LONG: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_job_runs_on_the_machines_own_clock() {
    let world = World::on_clock(adding(), Default::default(), VirtualClock::new(), Arc::new(SystemClock::new()));
    let (world, running) = world.start().await;
    let handle = world.jobs.enqueue(Sum { left: 2, right: 3 }).await.unwrap();
    assert_eq!(handle.result().within(Duration::from_secs(20)).await.unwrap(), 5);
    let drained = running.shutdown(Duration::from_secs(20)).await;
    assert!(drained.settled && drained.overran.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_jobs_run_at_once_as_the_queue_says_and_every_one_runs() {
    let gate = Gate::new();
    let world = World::new(gate.handlers().concurrency(7));
    let (world, running) = world.start().await;
    let handles = world.jobs.enqueue_all((0..40).map(Work)).await.unwrap();
    gate.wait_until_running(7).await;
    gate.permits.add_permits(40);
    for handle in &handles {
        handle.result().await.unwrap();
    }
    assert_eq!(gate.most(), 7);
    assert_eq!(world.faults.most_in_flight.load(Ordering::SeqCst), 1, "more than one request for jobs at a time");
    assert!(running.shutdown(LONG).await.settled);
}

#[tokio::test]
async fn what_ends_together_is_told_together() {
    let gate = Gate::new();
    let world = World::new(gate.handlers().concurrency(50));
    world.jobs.enqueue_all((0..50).map(Work)).await.unwrap();
    let (world, running) = world.start().await;
    gate.wait_until_running(50).await;
    assert_eq!(world.faults.takes.load(Ordering::SeqCst), 1, "a request for each job");
    gate.permits.add_permits(50);
    let queue = "default".into();
    world.pass_until_true(|| async { world.queue.counts(&queue).await.unwrap().completed == 50 }).await;
    let finishes = world.faults.finishes.load(Ordering::SeqCst);
    assert!(finishes <= 5, "{finishes} reports of 50 jobs that ended together");
    assert!(running.shutdown(LONG).await.settled);
}

#[tokio::test]
async fn a_job_that_backs_off_leaves_its_slot_to_others() {
    let handlers = Handlers::default()
        .on(
            async |work: Work, ctx: JobContext| {
                if work.0 == 0 && ctx.attempt() == 1 { Err(Error::unavailable("away")) } else { Ok(()) }
            },
        )
        .concurrency(1);
    let world = World::new(handlers);
    let failing = world.jobs.enqueue(Work(0)).await.unwrap();
    let other = world.jobs.enqueue(Work(1)).await.unwrap();
    let (world, running) = world.start().await;
    other.result().await.unwrap();
    assert_eq!(failing.state().await.unwrap(), Some(JobState::Delayed));
    let record = world.pass_until(&failing, JobState::Completed).await;
    assert_eq!(record.attempts_made, 2);
    assert!(running.shutdown(LONG).await.settled);
}

#[tokio::test]
async fn a_store_that_is_away_is_asked_again_and_health_says_so_meanwhile() {
    let world = World::new(adding());
    world.faults.failing_takes.store(u32::MAX, Ordering::SeqCst);
    let health = world.pool().health();
    let (world, running) = world.start().await;
    let handle = world.jobs.enqueue(Sum { left: 1, right: 1 }).await.unwrap();
    assert_eq!(health.check().await.status, HealthStatus::Healthy);
    world.pass_until_true(|| async { health.check().await.status == HealthStatus::Unhealthy }).await;
    assert!(health.check().await.detail.unwrap().starts_with("jobs are not moving"));

    world.faults.failing_takes.store(0, Ordering::SeqCst);
    world.pass_until(&handle, JobState::Completed).await;
    assert_eq!(health.check().await.status, HealthStatus::Healthy);
    assert!(world.metrics.to_prometheus().contains("job_queue_faults_total{queue=\"default\"}"));
    assert!(running.shutdown(LONG).await.settled);
    assert_eq!(health.check().await.status, HealthStatus::Unhealthy, "a pool that has ended is healthy");
}

#[tokio::test]
async fn a_store_that_hangs_is_told_from_one_that_has_no_jobs() {
    let idle = World::new(adding());
    let hanging = World::new(adding());
    hanging.faults.hanging_takes.store(true, Ordering::SeqCst);
    let (idle_health, hanging_health) = (idle.pool().health(), hanging.pool().health());
    let (idle, first) = idle.start().await;
    let (hanging, second) = hanging.start().await;
    for _ in 0..40 {
        idle.clock.advance(Duration::from_millis(500)).await;
        assert_eq!(idle_health.check().await.status, HealthStatus::Healthy);
        hanging.clock.advance(Duration::from_millis(500)).await;
    }
    assert_eq!(hanging_health.check().await.status, HealthStatus::Unhealthy);
    drop((first, second));
}

#[tokio::test]
async fn a_store_that_panics_is_an_error_like_any_other() {
    let world = World::new(adding());
    world.faults.panicking_takes.store(3, Ordering::SeqCst);
    let (world, running) = world.start().await;
    let handle = world.jobs.enqueue(Sum { left: 1, right: 1 }).await.unwrap();
    world.pass_until(&handle, JobState::Completed).await;
    assert!(running.shutdown(LONG).await.settled);
}

#[tokio::test]
async fn an_outcome_that_could_not_be_told_is_told_later_and_the_job_runs_once() {
    let started = Arc::<AtomicUsize>::default();
    let counter = started.clone();
    let world = World::new(Handlers::default().on(move |_: Work, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    }));
    world.faults.failing_finishes.store(12, Ordering::SeqCst);
    let (world, running) = world.start().await;
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    let record = world.pass_until(&handle, JobState::Completed).await;
    assert_eq!((record.stalls, started.load(Ordering::SeqCst)), (0, 1));
    assert!(world.faults.renewals.load(Ordering::SeqCst) > 0, "the lock was not kept while the store was away");
    assert!(running.shutdown(LONG).await.settled);
}

#[tokio::test]
async fn a_worker_that_lost_its_job_is_told_and_cannot_complete_it() {
    let (told, mut tellings) = mpsc::unbounded_channel();
    let handlers = Handlers::default().on(move |_: Work, ctx: JobContext| {
        let told = told.clone();
        async move {
            ctx.cancelled().await;
            told.send(ctx.is_cancelled()).unwrap();
            athyper::Result::<()>::Err(Error::unavailable("stopped"))
        }
    });
    let world = World::new(handlers);
    let (world, running) = world.start().await;
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    world.pass_until(&handle, JobState::Active).await;
    world.faults.lost_locks.store(true, Ordering::SeqCst);
    world.pass_until_true(|| async { !tellings.is_empty() }).await;
    assert!(tellings.recv().await.unwrap());
    let record = world.record(&handle).await;
    assert_eq!((record.attempts_made, record.error), (0, None), "the worker had a say in a job that it lost");
    running.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_worker_that_cannot_renew_stops_before_its_lock_runs_out_for_others() {
    let clock = VirtualClock::new();
    let (told, mut tellings) = mpsc::unbounded_channel();
    let used = clock.clone();
    let handlers = Handlers::default().on(move |_: Work, ctx: JobContext| {
        let (told, clock) = (told.clone(), used.clone());
        async move {
            let started = athyper::clock::Clock::since_boot(&*clock);
            ctx.cancelled().await;
            told.send(athyper::clock::Clock::since_boot(&*clock) - started).unwrap();
            Ok(())
        }
    });
    let world = World::on_clock(handlers, Default::default(), clock.clone(), clock);
    let (world, running) = world.start().await;
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    world.pass_until(&handle, JobState::Active).await;
    world.faults.failing_renewals.store(true, Ordering::SeqCst);
    world.pass_until_true(|| async { !tellings.is_empty() }).await;
    let after = tellings.recv().await.unwrap();
    assert!(after <= Duration::from_secs(32), "the handler was told after {after:?}, its lock ran out after 30 s");
    running.shutdown(LONG).await;
}

/// Runs jobs that block every thread of their runtime for longer than their locks last, while somebody else looks for
/// stalled jobs. Answers how many were taken back.
fn taken_back_while_blocked(renewed: bool) -> usize {
    const LOCK: Duration = Duration::from_millis(600);
    let blocked = Arc::<AtomicBool>::default();
    let started = blocked.clone();
    let handlers = Handlers::default().on(move |_: Work, _| {
        if !started.swap(true, Ordering::SeqCst) {
            #[allow(clippy::disallowed_methods, reason = "the test blocks the thread on purpose")]
            std::thread::sleep(LOCK * 4);
        }
        async { Ok(()) }
    });
    let settings = WorkerSettings { lock_for: LOCK, recover_every: LONG, ..Default::default() };
    let world = World::on_clock(handlers, settings, VirtualClock::new(), Arc::new(SystemClock::new()));
    world.faults.idle_renewals.store(!renewed, Ordering::SeqCst);
    let (queue, ended) = (world.queue.clone(), Arc::<AtomicBool>::default());
    let over = ended.clone();
    let other_process = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async move {
            let mut taken_back = 0;
            while !over.load(Ordering::SeqCst) {
                let recovered = queue.recover(&"default".into(), RecoveryPolicy { max_stalls: 99 }).await.unwrap();
                taken_back += recovered.len();
                SystemClock::new().sleep(Duration::from_millis(20)).await;
            }
            taken_back
        })
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async move {
        let (world, running) = world.start().await;
        let handle = world.jobs.enqueue(Work(1)).await.unwrap();
        handle.result().within(Duration::from_secs(60)).await.unwrap();
        ended.store(true, Ordering::SeqCst);
        running.shutdown(LONG).await;
    });
    assert!(blocked.load(Ordering::SeqCst));
    other_process.join().unwrap()
}

#[test]
fn a_handler_that_blocks_every_thread_keeps_its_job() {
    assert_eq!(taken_back_while_blocked(true), 0);
}

#[test]
fn without_renewal_a_blocked_job_is_taken_back() {
    assert!(taken_back_while_blocked(false) > 0, "the test above shows nothing");
}

#[tokio::test]
async fn jobs_of_a_worker_that_died_run_again() {
    let gate = Gate::new();
    let world = World::new(gate.handlers());
    let (world, running) = world.start().await;
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    gate.wait_until_running(1).await;
    drop(running);
    let (_, other) = world.another_process(Handlers::default().on(async |_: Work, _| Ok(())));
    let running = other.start().await.unwrap();
    let record = world.pass_until(&handle, JobState::Completed).await;
    assert_eq!((record.attempts_started, record.attempts_made), (2, 1));
    assert!(running.shutdown(LONG).await.settled);
}

#[tokio::test]
async fn queues_do_not_hold_one_another_up() {
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Elsewhere;
    impl athyper::jobs::Job for Elsewhere {
        type Output = ();
        const KIND: &'static str = "elsewhere";
        const VERSION: u32 = 1;
        const ALIASES: &'static [&'static str] = &[];
        const OPTIONS: athyper::jobs::JobOptions = crate::support::in_queue("elsewhere", 3);
    }
    let gate = Gate::new();
    let world = World::new(gate.handlers().concurrency(1).on(async |_: Elsewhere, _| Ok(())));
    let (world, running) = world.start().await;
    world.jobs.enqueue(Work(1)).await.unwrap();
    gate.wait_until_running(1).await;
    world.jobs.enqueue(Elsewhere).await.unwrap().result().await.unwrap();
    gate.permits.add_permits(1);
    assert!(running.shutdown(LONG).await.settled);
}

#[tokio::test]
async fn a_queue_that_is_paused_and_resumed_goes_on() {
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Echo(String);
    job!(Echo => String, "echo");
    let world = World::new(Handlers::default().on(async |echo: Echo, _| Ok(echo.0)));
    let queue = "default".into();
    world.queue.pause(&queue).await.unwrap();
    let (world, running) = world.start().await;
    let handle = world.jobs.enqueue(Echo("a".to_owned())).await.unwrap();
    world.clock.advance_seconds(60).await;
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Waiting));
    world.queue.resume(&queue).await.unwrap();
    assert_eq!(handle.result().await.unwrap(), "a");
    assert!(running.shutdown(LONG).await.settled);
}
