//! The server: axum routers, or any tower service, on hyper's HTTP/1.1 and HTTP/2 with limits, deadlines and a drain that ends.
//!
//! Deadlines of sockets run on the machine's real time, not on the [`Clock`](crate::foundation::clock::Clock) port: a virtual
//! clock has no say in when bytes arrive.
#![allow(clippy::disallowed_methods, reason = "deadlines of sockets run on the machine's real time")]

mod connection;
mod io;
mod listener;
mod metrics;
mod options;
mod service;
mod state;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use self::metrics::ServerMetrics;
pub use self::options::{Http2Options, ServerOptions};
pub use self::service::BodyPaused;
use self::state::ServerState;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::metrics::MetricsRegistry;

/// A server that listens: clients can connect, and wait until it [serves](Self::serve).
#[derive(Debug)]
pub struct HttpServer {
    options: ServerOptions,
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    metrics: Option<ServerMetrics>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// How many connections were still busy when the time to drain was over, and were cut.
    pub forced_connections: usize,
    /// How many requests ran on them.
    pub forced_requests: usize,
}

impl Drained {
    /// Whether every request was answered in time.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.forced_connections == 0 && self.forced_requests == 0
    }
}

impl HttpServer {
    /// Listens.
    ///
    /// # Errors
    /// `Unavailable` when an address is taken or is not one of this machine's.
    pub async fn bind(options: ServerOptions) -> Result<Self> {
        let mut listeners = Vec::with_capacity(options.addresses.len());
        let mut addresses = Vec::with_capacity(options.addresses.len());
        for address in &options.addresses {
            let listener = TcpListener::bind(address).await.map_err(|error| {
                let what = match error.kind() {
                    std::io::ErrorKind::AddrInUse => "the address is taken by another process",
                    std::io::ErrorKind::PermissionDenied => "this process may not use that port",
                    std::io::ErrorKind::AddrNotAvailable => "this machine does not have that address",
                    _ => "the system refused",
                };
                Error::new(ErrorKind::Unavailable, format!("cannot listen on {address}: {what}"))
                    .with_code("http-bind")
                    .with_source(error)
            })?;
            addresses.push(listener.local_addr()?);
            listeners.push(listener);
        }
        Ok(Self { options, listeners, addresses, metrics: None })
    }

    /// Counts connections in `registry`.
    ///
    /// # Errors
    /// `Configuration` when the registry has other metrics under the same names.
    pub fn with_metrics(mut self, registry: &MetricsRegistry) -> Result<Self> {
        self.metrics = Some(ServerMetrics::new(registry)?);
        Ok(self)
    }

    /// Where it listens, with the ports that the system chose.
    #[must_use]
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `shutdown` is cancelled, then drains: no more connections are accepted, the requests that run are answered
    /// (`Connection: close`), idle connections are closed, and what overran the drain's time is cut.
    ///
    /// The client's address is in the request's extensions as axum's `ConnectInfo<SocketAddr>`.
    ///
    /// # Cancel safety
    /// Dropping the future stops accepting and cuts every connection.
    pub async fn serve<S>(self, service: S, shutdown: CancellationToken) -> Drained
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        let server = Arc::new(ServerState {
            options: self.options,
            metrics: self.metrics,
            drain: shutdown,
            force: CancellationToken::new(),
            in_flight: AtomicUsize::new(0),
            forced_connections: AtomicUsize::new(0),
        });
        let _force_when_dropped = server.force.clone().drop_guard();
        let room = Arc::new(Semaphore::new(server.options.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
        let connections = TaskTracker::new();
        let accepting = self
            .listeners
            .into_iter()
            .map(|listener| listener::accept(listener, service.clone(), &server, &room, &connections));
        futures_util::future::join_all(accepting).await;
        connections.close();
        let in_time = tokio::time::timeout(server.options.drain_timeout, connections.wait()).await.is_ok();
        let forced_requests = if in_time { 0 } else { server.in_flight.load(Ordering::Relaxed) };
        server.force.cancel();
        connections.wait().await;
        Drained { forced_connections: server.forced_connections.load(Ordering::Relaxed), forced_requests }
    }
}
