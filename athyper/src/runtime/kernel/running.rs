//! A kernel that runs: its addresses, its shutdown, its end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::lifecycle::{LifecycleHook, stop_sequence};
use super::stores::Stores;
use crate::foundation::clock::{Clock, ClockExt};
use crate::foundation::error::{Error, Result};
use crate::runtime::container::Container;
use crate::runtime::http::Readiness;

/// Addresses that were bound while the kernel started.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    pub(super) http: OnceLock<SocketAddr>,
    pub(super) management: OnceLock<SocketAddr>,
}

/// Stops a running kernel and tells its addresses; cheap to clone and to send anywhere.
#[derive(Debug, Clone)]
pub struct KernelHandle {
    pub(super) addresses: Arc<Addresses>,
    pub(super) shutdown: CancellationToken,
    pub(super) container: Container,
}

impl KernelHandle {
    /// Where the product's HTTP is served, with the port that was found; `None` in modes without.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.addresses.http.get().copied()
    }

    /// Where health and metrics are served apart; `None` unless `management.port` is set.
    #[must_use]
    pub fn management_address(&self) -> Option<SocketAddr> {
        self.addresses.management.get().copied()
    }

    /// Asks the kernel to stop; [`RunningKernel::join`] returns once it has. Asking again changes nothing.
    pub fn shutdown(&self) {
        self.shutdown.cancel();
    }

    /// The components of the running kernel.
    #[must_use]
    pub fn container(&self) -> &Container {
        &self.container
    }
}

/// How a kernel stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopReport {
    /// The hooks and components that were not done by their deadline.
    pub overran: Vec<String>,
    /// What hooks and components reported while they stopped.
    pub failures: Vec<String>,
}

impl StopReport {
    /// Whether everything stopped in time and without an error.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.overran.is_empty() && self.failures.is_empty()
    }
}

/// A kernel that runs until it is told to stop.
#[must_use = "a running kernel is joined, or stops when it is dropped"]
pub struct RunningKernel {
    pub(super) handle: KernelHandle,
    pub(super) supervisor: Option<JoinHandle<StopReport>>,
}

impl fmt::Debug for RunningKernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RunningKernel").field("handle", &self.handle).finish_non_exhaustive()
    }
}

impl RunningKernel {
    /// A handle to it.
    #[must_use]
    pub fn handle(&self) -> KernelHandle {
        self.handle.clone()
    }

    /// Waits until the kernel was told to stop and has stopped.
    ///
    /// # Errors
    /// `Internal` when the task that stops it died.
    ///
    /// # Cancel safety
    /// Dropping the future asks the kernel to stop.
    pub async fn join(mut self) -> Result<StopReport> {
        let Some(supervisor) = self.supervisor.as_mut() else {
            return Ok(StopReport::default());
        };
        let report = supervisor.await;
        self.supervisor = None;
        report.map_err(|error| Error::internal("the kernel's supervisor died").with_source(error))
    }

    /// Tells it to stop and waits for it.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub async fn stop(self) -> Result<StopReport> {
        self.handle.shutdown();
        self.join().await
    }
}

impl Drop for RunningKernel {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// What it takes to stop a kernel.
pub(super) struct Supervisor {
    pub(super) started: Vec<Arc<dyn LifecycleHook>>,
    pub(super) container: Container,
    pub(super) stores: Stores,
    pub(super) readiness: Readiness,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) delay: Duration,
    pub(super) deadline: Duration,
}

impl Supervisor {
    pub(super) async fn supervise(self, shutdown: CancellationToken) -> StopReport {
        shutdown.cancelled().await;
        tracing::info!("stopping");
        self.readiness.stopping();
        if !self.delay.is_zero() {
            // Load balancers need time to see that readiness has failed before connections are refused.
            self.clock.sleep(self.delay).await;
        }
        self.stop().await
    }

    /// Stops the hooks that have started, then closes components and stores.
    pub(super) async fn stop(self) -> StopReport {
        let mut report = StopReport::default();
        let sequence = stop_sequence(&self.started);
        for hook in &sequence {
            let deadline = hook.stop_deadline().unwrap_or(self.deadline);
            match self.clock.timeout(deadline, hook.stopping()).await {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    tracing::error!(hook = hook.name(), error = %error.report(), "a part did not stop cleanly");
                    report.failures.push(format!("{}: {}", hook.name(), error.report()));
                }
                None => {
                    tracing::error!(
                        hook = hook.name(),
                        deadline_ms = deadline.as_millis(),
                        "a part overran its deadline"
                    );
                    report.overran.push(hook.name().to_owned());
                }
            }
        }
        for hook in &sequence {
            hook.stopped().await;
        }
        for failure in self.container.close_within(&*self.clock, self.deadline).await {
            tracing::error!(error = %failure, "a component did not close cleanly");
            if failure.overran {
                report.overran.push(failure.label);
            } else {
                report.failures.push(failure.to_string());
            }
        }
        if self.clock.timeout(self.deadline, self.stores.close()).await.is_none() {
            report.overran.push("stores".to_owned());
        }
        if report.is_clean() {
            tracing::info!("stopped");
        }
        report
    }
}
