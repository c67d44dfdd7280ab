//! What the server counts below the level of requests.

use crate::foundation::error::Result;
use crate::foundation::metrics::{Counter, Family, Gauge, MetricsRegistry};
use crate::runtime::http::refused_head::RefusedHeads;

/// What the server counts below the level of requests: connections, and heads that never became a request.
#[derive(Debug, Clone)]
pub(super) struct ServerMetrics {
    open: Gauge,
    accepted: Counter,
    pub(super) accept_failures: Counter,
    broken: Family<Counter, 1>,
    pub(super) refused: RefusedHeads,
}

impl ServerMetrics {
    pub(super) fn new(registry: &MetricsRegistry) -> Result<Self> {
        Ok(Self {
            open: registry.gauge("http_connections", "Open connections.", [])?.with([]),
            accepted: registry.counter("http_connections_accepted_total", "Connections accepted.", [])?.with([]),
            accept_failures: registry
                .counter("http_accept_failures_total", "Times that accepting a connection failed.", [])?
                .with([]),
            broken: registry.counter(
                "http_connections_broken_total",
                "Connections that ended in the middle of something, or whose request head was refused unread.",
                ["reason"],
            )?,
            refused: RefusedHeads::new(registry)?,
        })
    }

    /// Counts a connection, as open until what this returns is dropped.
    pub(super) fn connection(&self) -> OpenConnection {
        self.accepted.increment();
        self.open.add(1.0);
        OpenConnection(self.open.clone())
    }

    pub(super) fn broken(&self, error: &hyper::Error) {
        let reason = if error.is_parse_too_large() {
            "head_too_large"
        } else if error.is_parse() {
            "malformed"
        } else if error.is_timeout() || is_timed_out(error) {
            "timeout"
        } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            "client_gone"
        } else {
            "other"
        };
        self.broken.with([reason]).increment();
    }
}

/// Counts as open until it is dropped.
#[derive(Debug)]
pub(super) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.add(-1.0);
    }
}

fn is_timed_out(error: &hyper::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(current) = source {
        if current.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut) {
            return true;
        }
        source = current.source();
    }
    false
}
