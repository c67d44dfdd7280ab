//! A request may not take for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_core::future::BoxFuture;

use super::exchange::Exchange;
use super::filter::{Filter, Flow, Guard, single_filter_layers};
use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, ErrorKind};

#[derive(Debug)]
struct TimeoutFilter {
    clock: Arc<dyn Clock>,
    limit: Duration,
}

impl Filter for TimeoutFilter {
    fn before(&self, _request: &mut Request, exchange: &mut Exchange) -> Flow {
        exchange.record.start_by(&*self.clock);
        Flow::Continue
    }

    fn guard(&self) -> Option<Guard> {
        Some(Guard::Timeout(self.limit))
    }

    fn timed_out(&self) -> Response {
        Error::new(ErrorKind::Timeout, format!("no answer within {:?}", self.limit))
            .with_code("request-timeout")
            .into_response()
    }

    fn sleep_until(&self, deadline: Duration) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(&self.clock);
        Box::pin(async move { clock.sleep_until(deadline).await })
    }
}

/// Answers 504 when there is no response in time, counted from the first middleware. The handler's future is dropped; the
/// response body, once begun, may take as long as the client keeps reading.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use athyper::clock::SystemClock;
/// use athyper::http::middleware::RequestTimeoutLayer;
/// use axum::Router;
///
/// let layer = RequestTimeoutLayer::new(Arc::new(SystemClock::new()), Duration::from_secs(30));
/// let router: Router = Router::new().layer(layer);
/// ```
#[derive(Debug, Clone)]
pub struct RequestTimeoutLayer(Arc<dyn Filter>);

impl RequestTimeoutLayer {
    /// Gives up after `limit`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self(Arc::new(TimeoutFilter { clock, limit }))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

single_filter_layers!(RequestTimeoutLayer);
