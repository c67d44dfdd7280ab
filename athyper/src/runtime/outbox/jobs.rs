//! The job queue as a destination.

use std::sync::Arc;

use async_trait::async_trait;

use crate::foundation::error::Result;
use crate::foundation::jobs::{Delivered, Delivery, JobQueue};
use crate::foundation::outbox::{Destination, JOBS, JobBatch, OutboxMessage};

/// The job queue as a destination: each message holds jobs that are added together.
#[derive(Debug, Clone)]
pub struct JobDestination {
    queue: Arc<dyn JobQueue>,
}

impl JobDestination {
    /// Adds jobs to a queue.
    #[must_use]
    pub fn new(queue: Arc<dyn JobQueue>) -> Self {
        Self { queue }
    }
}

#[async_trait]
impl Destination for JobDestination {
    fn name(&self) -> &str {
        JOBS
    }

    async fn deliver(&self, delivery: &Delivery, messages: &[OutboxMessage]) -> Result<Delivered> {
        let batches = messages.iter().map(JobBatch::read).collect::<Result<Vec<_>>>()?;
        let jobs = batches.into_iter().flat_map(|batch| batch.jobs).collect();
        self.queue.deliver(delivery, jobs).await
    }
}
