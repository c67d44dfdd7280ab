//! The worker pool, as a hook.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::WORKERS;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::runtime::container::Container;
use crate::runtime::jobs::{RunningWorkers, WorkerPool};
use crate::runtime::kernel::lifecycle::LifecycleHook;

/// Runs the worker pool in the background, and drains it.
#[derive(Debug)]
pub(in crate::runtime::kernel) struct WorkersPart {
    drain: Duration,
    pool: Mutex<Option<WorkerPool>>,
    running: Mutex<Option<RunningWorkers>>,
}

/// What handing jobs back may take once the time to drain is over.
const HAND_BACK: Duration = Duration::from_secs(10);

impl WorkersPart {
    pub(in crate::runtime::kernel) fn new(pool: WorkerPool, drain: Duration) -> Self {
        Self { drain, pool: Mutex::new(Some(pool)), running: Mutex::new(None) }
    }
}

#[async_trait]
impl LifecycleHook for WorkersPart {
    fn name(&self) -> &str {
        WORKERS
    }

    fn stop_order(&self) -> u32 {
        30
    }

    fn stop_deadline(&self) -> Option<Duration> {
        Some(self.drain.saturating_add(HAND_BACK))
    }

    async fn started(&self, _: &Container) -> Result<()> {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(pool) = pool {
            let running = pool.start().await?;
            *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        }
        Ok(())
    }

    async fn stopping(&self) -> Result<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(running) = running else { return Ok(()) };
        let drained = running.shutdown(self.drain).await;
        if drained.overran.is_empty() && drained.settled {
            return Ok(());
        }
        let names: Vec<_> =
            drained.overran.iter().map(|job| format!("{} {} of queue {}", job.kind, job.id, job.queue)).collect();
        Err(Error::new(
            ErrorKind::Timeout,
            format!("jobs did not end within {:?} and were handed back: {}", self.drain, names.join(", ")),
        ))
    }
}
