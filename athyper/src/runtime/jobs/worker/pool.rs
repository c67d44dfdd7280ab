//! The pool as the kernel sees it: start it, or drive it; and stop it in time.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::super::Jobs;
use super::driven::{self, AttemptReport};
use super::health::{Progress, WorkerHealth};
use super::locks::Locks;
use super::observer::Observer;
use super::puller::Puller;
use super::{HandlerRunner, Shared, WorkerSettings, limits, recovery};
use crate::foundation::clock::ClockExt;
use crate::foundation::error::Result;
use crate::foundation::jobs::{Claimed, JobId, QueueName};
use crate::foundation::metrics::MetricsRegistry;

/// Runs the jobs of every queue that has a handler: in the background once [started](Self::start), or step by step with
/// [`run_available`](Self::run_available).
#[derive(Debug)]
pub struct WorkerPool {
    shared: Arc<Shared>,
    locks: OnceCell<Arc<Locks>>,
    parked_released: AtomicBool,
}

impl WorkerPool {
    /// A pool that runs the jobs of the client's queue with the handlers of its registry.
    ///
    /// # Errors
    /// `Configuration` when one of the pool's metrics is taken by another kind of metric.
    pub fn new(
        jobs: &Jobs,
        runner: Arc<dyn HandlerRunner>,
        settings: WorkerSettings,
        metrics: &MetricsRegistry,
    ) -> Result<Self> {
        let shared = Shared {
            link: jobs.link.clone(),
            registry: jobs.registry.clone(),
            runner,
            settings,
            progress: Progress::default(),
            observer: Observer::new(metrics)?,
        };
        Ok(Self { shared: Arc::new(shared), locks: OnceCell::new(), parked_released: AtomicBool::new(false) })
    }

    /// Runs everything that is due now, and what becomes due by that, one attempt after another in a fixed order, and
    /// answers with what was run. Nothing goes on in the background.
    ///
    /// # Errors
    /// Those of the queue; `Internal` when there is no end to it.
    pub async fn run_available(&self) -> Result<Vec<AttemptReport>> {
        for (queue, _) in self.shared.queues() {
            limits::declare(&self.shared, &queue).await?;
        }
        self.release_parked().await?;
        driven::run_available(&self.shared, &*self.locks().await?).await
    }

    /// Starts to work in the background, in the tokio runtime this is called in.
    ///
    /// # Errors
    /// `Unavailable` when the thread that renews locks cannot start.
    pub async fn start(self) -> Result<RunningWorkers> {
        // Not being able to is no reason not to start: the drivers keep trying, and health says so.
        if let Err(error) = self.release_parked().await {
            tracing::error!(error = %error.report(), "parked jobs could not be released");
        }
        let locks = self.locks().await?;
        let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
        let pullers = self
            .shared
            .queues()
            .into_iter()
            .map(|queue| {
                let puller = supervise(self.shared.clone(), locks.clone(), queue, stop.clone(), cut.clone());
                AbortOnDropHandle::new(tokio::spawn(puller))
            })
            .collect();
        let recovery = AbortOnDropHandle::new(tokio::spawn(recovery::run(self.shared.clone())));
        Ok(RunningWorkers { shared: self.shared, pullers, _recovery: recovery, stop, cut })
    }

    /// The pool's health check.
    #[must_use]
    pub fn health(&self) -> WorkerHealth {
        WorkerHealth::new(&self.shared)
    }

    async fn locks(&self) -> Result<Arc<Locks>> {
        let start = async || Locks::start(self.shared.link.clone(), self.shared.settings.lock_for).map(Arc::new);
        self.locks.get_or_try_init(start).await.cloned()
    }

    /// Jobs that were parked because nobody knew their kind may have found their worker.
    async fn release_parked(&self) -> Result<()> {
        if self.parked_released.load(Ordering::Acquire) {
            return Ok(());
        }
        for (queue, _) in self.shared.queues() {
            let released = self.shared.link.queue.release_parked(&queue, &self.shared.registry.kinds(&queue)).await?;
            if released > 0 {
                tracing::info!(%queue, released, "parked jobs are tried again: a worker that knows their kind has started");
            }
        }
        self.parked_released.store(true, Ordering::Release);
        Ok(())
    }
}

/// A pool at work in the background. Dropping it stops it without waiting: jobs that run are taken back as stalled.
#[derive(Debug)]
pub struct RunningWorkers {
    shared: Arc<Shared>,
    pullers: Vec<AbortOnDropHandle<Vec<Overrun>>>,
    _recovery: AbortOnDropHandle<()>,
    stop: CancellationToken,
    cut: CancellationToken,
}

/// A job that did not end within the deadline of a shutdown and was handed back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrun {
    /// The queue.
    pub queue: QueueName,
    /// The kind.
    pub kind: String,
    /// The job.
    pub id: JobId,
    /// Which attempt it was, from 1. It does not count.
    pub attempt: u32,
}

impl Overrun {
    pub(super) fn of(claimed: &Claimed) -> Self {
        Self {
            queue: claimed.envelope.queue.clone(),
            kind: claimed.envelope.kind.clone(),
            id: claimed.envelope.id.clone(),
            attempt: claimed.attempts_made.saturating_add(1),
        }
    }
}

/// How a shutdown went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drained {
    /// The jobs that did not end in time.
    pub overran: Vec<Overrun>,
    /// Whether the queue was told of every job before the end; if not, what was left is taken back as stalled.
    pub settled: bool,
}

/// How long the store may take to hear of the last outcomes.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl RunningWorkers {
    /// Stops taking jobs at once and waits until those that run have ended, at most for `deadline`; what overran is asked
    /// to stop, named in the log and in the answer, and handed back to the queue, the attempt not counted.
    pub async fn shutdown(mut self, deadline: Duration) -> Drained {
        let clock = self.shared.link.clock.clone();
        self.stop.cancel();
        let pullers = std::mem::take(&mut self.pullers);
        let mut drained = std::pin::pin!(join_all(pullers));
        let mut ended = clock.timeout(deadline, &mut drained).await;
        if ended.is_none() {
            self.cut.cancel();
            ended = clock.timeout(self.shared.settings.cancel_grace + LAST_WORDS, &mut drained).await;
        }
        match ended {
            Some(pullers) => {
                let settled = pullers.iter().all(|puller| puller.is_ok());
                Drained { overran: pullers.into_iter().flatten().flatten().collect(), settled }
            }
            None => {
                tracing::error!(
                    "the queue could not be told of the last jobs: they are taken back once their locks run out"
                );
                Drained { overran: Vec::new(), settled: false }
            }
        }
    }

    /// Stops taking jobs; those that run go on.
    pub fn stop_taking(&self) {
        self.stop.cancel();
    }

    /// The pool's health check.
    #[must_use]
    pub fn health(&self) -> WorkerHealth {
        WorkerHealth::new(&self.shared)
    }
}

impl Drop for RunningWorkers {
    fn drop(&mut self) {
        self.stop.cancel();
        self.shared.progress.ends();
    }
}

/// Runs a queue's driver, and a new one should it ever panic: its jobs are then taken back as stalled, and the queue goes on.
async fn supervise(
    shared: Arc<Shared>,
    locks: Arc<Locks>,
    queue: (QueueName, usize),
    stop: CancellationToken,
    cut: CancellationToken,
) -> Vec<Overrun> {
    limits::declare_in_the_end(&shared, &queue.0, &stop).await;
    loop {
        let puller = Puller::new(shared.clone(), locks.clone(), queue.clone(), stop.clone(), cut.clone());
        match AssertUnwindSafe(puller.run()).catch_unwind().await {
            Ok(overran) => return overran,
            Err(_) => tracing::error!(queue = %queue.0, "the driver of a queue panicked and is started anew"),
        }
        shared.link.clock.sleep(RESTART_AFTER).await;
    }
}

/// How long a driver that panicked rests.
const RESTART_AFTER: Duration = Duration::from_secs(1);
