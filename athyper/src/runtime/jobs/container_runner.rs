//! Runs handlers with what a container provides.

use bytes::Bytes;
use futures_core::future::BoxFuture;

use super::{HandlerOutcome, HandlerRunner, JobContext, JobDescriptor};
use crate::foundation::error::Result;
use crate::runtime::container::Container;

/// Runs handlers with what a container provides, each attempt in a scope of its own.
#[derive(Debug, Clone)]
pub struct ContainerRunner {
    container: Container,
}

impl ContainerRunner {
    /// Resolves handlers' parameters in `container`.
    #[must_use]
    pub fn new(container: Container) -> Self {
        Self { container }
    }
}

impl HandlerRunner for ContainerRunner {
    fn run<'a>(
        &'a self,
        job: &'a JobDescriptor,
        payload: &'a Bytes,
        context: JobContext,
    ) -> BoxFuture<'a, Result<HandlerOutcome>> {
        Box::pin(async move {
            let scope = self.container.request(context.context().clone());
            let resolver = scope.resolver().wanted_by(job.label, job.place);
            let outcome = (job.run)(payload, context, &resolver).await;
            for failure in scope.close().await {
                tracing::warn!(job = job.label, ?failure, "a component of the attempt could not be closed");
            }
            outcome
        })
    }
}
