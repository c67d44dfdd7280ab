//! The worker pool: takes jobs, runs their handlers, tells the queue what became of them.

mod ahead;
mod attempt;
mod driven;
mod health;
mod isolation;
mod limits;
mod locks;
mod observer;
mod park;
mod pause;
mod pool;
mod puller;
mod recovery;
mod settings;

pub use attempt::HandlerRunner;
pub use driven::AttemptReport;
pub use health::WorkerHealth;
pub use pool::{Drained, Overrun, RunningWorkers, WorkerPool};
pub use settings::WorkerSettings;

use std::fmt;
use std::sync::Arc;

use self::health::Progress;
use self::observer::Observer;
use super::JobRegistry;
use super::link::Link;
use crate::foundation::jobs::QueueName;

/// What the parts of a pool share.
struct Shared {
    link: Arc<Link>,
    registry: Arc<JobRegistry>,
    runner: Arc<dyn HandlerRunner>,
    settings: WorkerSettings,
    progress: Progress,
    observer: Observer,
}

impl Shared {
    /// The queues that this pool works on, with how many jobs of each run at once.
    fn queues(&self) -> Vec<(QueueName, usize)> {
        self.registry
            .queues()
            .map(|(queue, concurrency)| {
                (queue.clone(), concurrency.unwrap_or(self.settings.concurrency).get() as usize)
            })
            .collect()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}
