//! An HTTP server, as a hook: the product's, or the one for health and metrics.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::foundation::error::{Error, Result};
use crate::foundation::metrics::MetricsRegistry;
use crate::runtime::container::Container;
use crate::runtime::http::{Drained, HttpServer, ServerOptions};
use crate::runtime::kernel::lifecycle::LifecycleHook;
use crate::runtime::kernel::running::Addresses;
use crate::runtime::middleware::HttpService;

/// Serves a router: binds while starting, answers once everything has started, drains while stopping.
pub(in crate::runtime::kernel) struct ServerPart {
    name: &'static str,
    stop_order: u32,
    service: HttpService,
    options: ServerOptions,
    metrics: MetricsRegistry,
    addresses: Arc<Addresses>,
    remember: fn(&Addresses, SocketAddr),
    stop: CancellationToken,
    bound: Mutex<Option<HttpServer>>,
    task: Mutex<Option<JoinHandle<Drained>>>,
}

impl std::fmt::Debug for ServerPart {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ServerPart").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ServerPart {
    /// The product's server.
    pub(in crate::runtime::kernel) fn product(
        service: HttpService,
        options: ServerOptions,
        metrics: MetricsRegistry,
        addresses: Arc<Addresses>,
    ) -> Self {
        Self::new(super::HTTP, 10, service, options, metrics, addresses, |addresses, bound| {
            let _ = addresses.http.set(bound);
        })
    }

    /// The server for health and metrics; it stops last, so that an orderly stop can be watched.
    pub(in crate::runtime::kernel) fn management(
        service: HttpService,
        options: ServerOptions,
        metrics: MetricsRegistry,
        addresses: Arc<Addresses>,
    ) -> Self {
        Self::new(super::MANAGEMENT, 200, service, options, metrics, addresses, |addresses, bound| {
            let _ = addresses.management.set(bound);
        })
    }

    fn new(
        name: &'static str,
        stop_order: u32,
        service: HttpService,
        options: ServerOptions,
        metrics: MetricsRegistry,
        addresses: Arc<Addresses>,
        remember: fn(&Addresses, SocketAddr),
    ) -> Self {
        Self {
            name,
            stop_order,
            service,
            options,
            metrics,
            addresses,
            remember,
            stop: CancellationToken::new(),
            bound: Mutex::new(None),
            task: Mutex::new(None),
        }
    }
}

#[async_trait]
impl LifecycleHook for ServerPart {
    fn name(&self) -> &str {
        self.name
    }

    fn stop_order(&self) -> u32 {
        self.stop_order
    }

    fn stop_deadline(&self) -> Option<Duration> {
        // The server itself closes what overruns its drain; the second more is for that.
        Some(self.options.drain_timeout + self.options.drain_linger + Duration::from_secs(1))
    }

    async fn starting(&self, _: &Container) -> Result<()> {
        let mut server = HttpServer::bind(self.options.clone()).await?;
        if self.name == super::HTTP {
            server = server.with_metrics(&self.metrics)?;
        }
        if let Some(address) = server.local_addresses().first() {
            (self.remember)(&self.addresses, *address);
        }
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    async fn started(&self, _: &Container) -> Result<()> {
        if let Some(server) = self.bound.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let addresses: Vec<_> = server.local_addresses().iter().map(ToString::to_string).collect();
            tracing::info!(part = self.name, addresses = addresses.join(", "), "serving HTTP");
            let task = tokio::spawn(server.serve(self.service.clone(), self.stop.clone()));
            *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
        Ok(())
    }

    async fn stopping(&self) -> Result<()> {
        self.stop.cancel();
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = task else { return Ok(()) };
        let drained =
            task.await.map_err(|error| Error::internal("the task of the HTTP server died").with_source(error))?;
        if drained.is_complete() {
            Ok(())
        } else {
            Err(Error::new(crate::foundation::error::ErrorKind::Timeout, format!("requests were cut off: {drained:?}")))
        }
    }
}
