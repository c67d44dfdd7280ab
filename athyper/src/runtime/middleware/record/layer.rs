//! The layers that open a record, and those that tell it more.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;

use super::body::{Closing, OpenRecord};
use super::metrics::RequestMetrics;
use crate::foundation::clock::Clock;
use crate::foundation::error::Result;
use crate::foundation::metrics::MetricsRegistry;
use crate::runtime::http::{ErrorReport, RequestRecord, enter_route};
use crate::runtime::middleware::client_address::TrustedProxies;
use crate::runtime::middleware::exchange::Exchange;
use crate::runtime::middleware::filter::{Filter, Flow, single_filter_layers};

/// What happens when a record is closed.
#[derive(Debug)]
pub(super) struct Recorder {
    clock: Arc<dyn Clock>,
    metrics: Option<RequestMetrics>,
}

impl Recorder {
    pub(super) fn close(&self, record: &RequestRecord, closing: Closing) {
        let took = self.clock.since_boot().saturating_sub(record.started());
        if let Some(metrics) = self.metrics.as_ref().filter(|_| closing.counts) {
            let route = record.route();
            metrics.close(record.method(), route.as_ref().map(MatchedPath::as_str), closing.status, took);
        }
        if closing.logs {
            super::log::write(record, closing, took);
        }
    }
}

#[derive(Debug)]
struct RecordFilter {
    recorder: Arc<Recorder>,
    proxies: TrustedProxies,
    counts: bool,
    logs: bool,
}

impl Filter for RecordFilter {
    fn before(&self, request: &mut Request, exchange: &mut Exchange) -> Flow {
        // Inside of a router, it is this layer that sees which route matched.
        let _ = enter_route(request, true);
        let record = &exchange.record;
        // What a layer further out has claimed is done there: one count and one line a request.
        let counts = self.counts && record.claim_count();
        let logs = self.logs && record.claim_line();
        if counts || logs {
            record.start_by(&*self.recorder.clock);
            self.proxies.find_client(request, record);
            if let Some(metrics) = self.recorder.metrics.as_ref().filter(|_| counts) {
                metrics.open();
            }
            exchange.open = Some(OpenRecord::new(Arc::clone(&self.recorder), Arc::clone(record), counts, logs));
        }
        Flow::Continue
    }

    fn after(&self, exchange: &mut Exchange, response: &mut Response) {
        let Some(open) = exchange.open.take() else { return };
        if let Some(ErrorReport(report)) = response.extensions_mut().remove::<ErrorReport>() {
            exchange.record.set_error(report);
        }
        let status = response.status();
        let body = std::mem::take(response.body_mut());
        *response.body_mut() = open.follow(status, body);
    }
}

/// Opens the record of a request: when the response body has ended, or the client has left, the request is counted and leaves one
/// line in the log. Whatever the layers further in answer is covered, a 429, a 401, a time-out or a panic included.
///
/// On a bare router, put it outermost:
///
/// ```
/// use std::sync::Arc;
///
/// use athyper::clock::SystemClock;
/// use athyper::http::middleware::RequestRecordLayer;
/// use athyper::metrics::MetricsRegistry;
/// use axum::Router;
///
/// let clock = Arc::new(SystemClock::new());
/// let metrics = MetricsRegistry::new(clock.clone());
/// let router: Router = Router::new().layer(RequestRecordLayer::new(clock, &metrics)?);
/// # Ok::<(), athyper::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RequestRecordLayer(Arc<RecordFilter>);

impl RequestRecordLayer {
    /// Counts in `registry` and logs.
    ///
    /// # Errors
    /// `Configuration` when the registry has other metrics under the same names.
    pub fn new(clock: Arc<dyn Clock>, registry: &MetricsRegistry) -> Result<Self> {
        Self::behind(clock, registry, TrustedProxies::none())
    }

    /// The same behind proxies whose `X-Forwarded-For` is to be believed.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn behind(clock: Arc<dyn Clock>, registry: &MetricsRegistry, proxies: TrustedProxies) -> Result<Self> {
        let metrics = Some(RequestMetrics::new(registry)?);
        Ok(Self(filter(Recorder { clock, metrics }, true, proxies)))
    }

    /// Its filter, counting and logging only as told.
    pub(in crate::runtime::middleware) fn filter(&self, counts: bool, logs: bool) -> Arc<dyn Filter> {
        let recorder = Arc::clone(&self.0.recorder);
        Arc::new(RecordFilter { recorder, proxies: self.0.proxies.clone(), counts, logs })
    }
}

/// Counts requests by method, route template and status. Inside of a [`RequestRecordLayer`] it only adds the route template, so
/// that each request is counted once.
///
/// ```
/// # use std::sync::Arc;
/// # use athyper::clock::SystemClock;
/// use athyper::http::middleware::MetricsLayer;
/// use athyper::metrics::MetricsRegistry;
/// use axum::Router;
///
/// # let clock = Arc::new(SystemClock::new());
/// let metrics = MetricsRegistry::new(clock.clone());
/// let router: Router = Router::new().layer(MetricsLayer::new(clock, &metrics)?);
/// # Ok::<(), athyper::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MetricsLayer(Arc<RecordFilter>);

impl MetricsLayer {
    /// Counts in `registry`.
    ///
    /// # Errors
    /// `Configuration` when the registry has other metrics under the same names.
    pub fn new(clock: Arc<dyn Clock>, registry: &MetricsRegistry) -> Result<Self> {
        let metrics = Some(RequestMetrics::new(registry)?);
        Ok(Self(filter(Recorder { clock, metrics }, false, TrustedProxies::none())))
    }
}

/// Leaves one line in the log for each request. Inside of a [`RequestRecordLayer`] it only adds the route template, so that each
/// request leaves one line.
///
/// The line holds method, path, route, status, duration, size, client, request id, trace id, principal, tenant and, for the
/// operator, the error behind a 5xx. It holds no query, no header and no body, for those carry secrets.
///
/// ```
/// # use std::sync::Arc;
/// use athyper::clock::SystemClock;
/// use athyper::http::middleware::LoggingLayer;
/// use axum::Router;
///
/// let router: Router = Router::new().layer(LoggingLayer::new(Arc::new(SystemClock::new())));
/// ```
#[derive(Debug, Clone)]
pub struct LoggingLayer(Arc<RecordFilter>);

impl LoggingLayer {
    /// Logs through `tracing`, with the target `athyper::http`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(filter(Recorder { clock, metrics: None }, true, TrustedProxies::none()))
    }
}

fn filter(recorder: Recorder, logs: bool, proxies: TrustedProxies) -> Arc<RecordFilter> {
    let counts = recorder.metrics.is_some();
    Arc::new(RecordFilter { recorder: Arc::new(recorder), proxies, counts, logs })
}

single_filter_layers!(RequestRecordLayer, MetricsLayer, LoggingLayer);
