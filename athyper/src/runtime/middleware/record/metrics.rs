//! What is counted of requests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::{Method, StatusCode};

use crate::foundation::error::Result;
use crate::foundation::metrics::{Buckets, Counter, Family, Histogram, MetricsRegistry};
use crate::runtime::http::{NO_ROUTE, UNKNOWN_METHOD, request_counter};

/// The handles of one method and status of a route.
type Series = (&'static str, StatusCode, Counter, Histogram);

/// Counts requests by method, route template and status, and times them by method and route template.
#[derive(Debug)]
pub(super) struct RequestMetrics {
    requests: Family<Counter, 3>,
    durations: Family<Histogram, 2>,
    opened: Arc<AtomicU64>,
    closed: Arc<AtomicU64>,
    /// Handles by route template, method and status: resolved once each.
    series: RwLock<HashMap<Arc<str>, Vec<Series>>>,
}

/// The label of a method: one of the registered ones, so that a client cannot make series.
fn label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => UNKNOWN_METHOD,
    }
}

impl RequestMetrics {
    pub(super) fn new(registry: &MetricsRegistry) -> Result<Self> {
        let (opened, closed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let in_flight = registry.gauge("http_requests_in_flight", "Requests that are being handled.", [])?.with([]);
        let (began, ended) = (Arc::clone(&opened), Arc::clone(&closed));
        registry.on_read(move || {
            // `closed` first: read the other way round, it could be ahead.
            let ended = ended.load(Ordering::Relaxed);
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            in_flight.set(began.load(Ordering::Relaxed).saturating_sub(ended) as f64);
        });
        Ok(Self {
            requests: request_counter(registry)?,
            durations: registry.histogram(
                "http_request_duration_seconds",
                "Time from the first middleware to the end of the response body.",
                ["method", "route"],
                Buckets::seconds(),
            )?,
            opened,
            closed,
            series: RwLock::default(),
        })
    }

    pub(super) fn open(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn close(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        self.closed.fetch_add(1, Ordering::Relaxed);
        let (method, route) = (label(method), route.unwrap_or(NO_ROUTE));
        let record = |counter: &Counter, histogram: &Histogram| {
            counter.increment();
            histogram.observe(took.as_secs_f64());
        };
        {
            let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
            let known = series
                .get(route)
                .and_then(|all| all.iter().find(|(own, own_status, ..)| *own == method && *own_status == status));
            if let Some((.., counter, histogram)) = known {
                return record(counter, histogram);
            }
        }
        let counter = self.requests.with([method, route, status.as_str()]);
        let histogram = self.durations.with([method, route]);
        record(&counter, &histogram);
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        series.entry(Arc::from(route)).or_default().push((method, status, counter, histogram));
    }
}
