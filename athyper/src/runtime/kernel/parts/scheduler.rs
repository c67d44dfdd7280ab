//! The scheduler's loop, as a hook.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::SCHEDULER;
use crate::foundation::error::{Error, Result};
use crate::runtime::container::Container;
use crate::runtime::kernel::lifecycle::LifecycleHook;
use crate::runtime::scheduler::Scheduler;

/// Runs the scheduler's loop in the background.
#[derive(Debug)]
pub(in crate::runtime::kernel) struct SchedulerPart {
    scheduler: Arc<Scheduler>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl SchedulerPart {
    pub(in crate::runtime::kernel) fn new(scheduler: Arc<Scheduler>) -> Self {
        Self { scheduler, stop: CancellationToken::new(), task: Mutex::new(None) }
    }
}

#[async_trait]
impl LifecycleHook for SchedulerPart {
    fn name(&self) -> &str {
        SCHEDULER
    }

    fn stop_order(&self) -> u32 {
        20
    }

    async fn started(&self, _: &Container) -> Result<()> {
        let (scheduler, stop) = (Arc::clone(&self.scheduler), self.stop.clone());
        let task = tokio::spawn(async move { scheduler.run(stop.cancelled()).await });
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(())
    }

    async fn stopping(&self) -> Result<()> {
        self.stop.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        match task {
            Some(task) => task.await.map_err(|error| Error::internal("the scheduler's task died").with_source(error)),
            None => Ok(()),
        }
    }
}
