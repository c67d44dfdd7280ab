//! The request id and the trace: taken over if they are sane, made if not, and told in the response.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};

use super::exchange::Exchange;
use super::filter::{Filter, Flow, single_filter_layers};
use crate::foundation::context::{Context, SpanId, TraceContext, TraceId, hex};
use crate::runtime::http::ProblemDetails;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Random numbers that nobody outside can predict: SipHash with a random key over a counter. It takes no system call.
#[derive(Debug)]
struct Randomness {
    key: RandomState,
    counter: AtomicU64,
}

impl Randomness {
    fn bytes(&self) -> [u8; 8] {
        self.key.hash_one(self.counter.fetch_add(1, Ordering::Relaxed)).to_ne_bytes()
    }

    fn sixteen_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.bytes());
        bytes[8..].copy_from_slice(&self.bytes());
        bytes
    }
}

#[derive(Debug)]
struct CorrelationFilter {
    randomness: Randomness,
}

/// Whether a client's request id is one that may stand in logs, headers and documents: `^[A-Za-z0-9._-]{1,128}$`.
fn is_sane(id: &[u8]) -> bool {
    (1..=128).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

impl CorrelationFilter {
    fn request_id(&self, request: &Request) -> Arc<str> {
        let mut given = request.headers().get_all(REQUEST_ID).iter();
        if let (Some(id), None) = (given.next(), given.next())
            && is_sane(id.as_bytes())
            && let Ok(id) = id.to_str()
        {
            return Arc::from(id);
        }
        Arc::from(hex(&self.randomness.sixteen_bytes(), &mut [0; 32]))
    }

    /// Continues the caller's trace (W3C Trace Context, section 4.3), or begins one.
    fn trace(&self, request: &Request) -> TraceContext {
        let span = SpanId::from_random(self.randomness.bytes());
        let mut given = request.headers().get_all(TRACEPARENT).iter();
        let parent = match (given.next(), given.next()) {
            (Some(parent), None) => parent.to_str().ok().and_then(|text| text.trim().parse::<TraceContext>().ok()),
            // Two of them are as good as none.
            _ => None,
        };
        match parent {
            Some(parent) => {
                let states = request.headers().get_all(TRACESTATE).iter().map(|value| value.to_str().unwrap_or(""));
                parent.with_states(states).child_with(span)
            }
            None => TraceContext::start_with(TraceId::from_random(self.randomness.sixteen_bytes()), span),
        }
    }
}

impl Filter for CorrelationFilter {
    fn before(&self, request: &mut Request, exchange: &mut Exchange) -> Flow {
        exchange.record.set_context(Context::new(self.request_id(request), self.trace(request)));
        Flow::Continue
    }

    fn after(&self, exchange: &mut Exchange, response: &mut Response) {
        let context = exchange.record.context();
        // Only ASCII without control characters gets this far.
        if let Ok(id) = HeaderValue::from_str(context.request_id()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if let Ok(parent) = HeaderValue::try_from(context.trace().traceparent()) {
            response.headers_mut().insert(TRACEPARENT, parent);
        }
        if let Some(state) = context.trace().state()
            && let Ok(state) = HeaderValue::from_str(state)
        {
            response.headers_mut().insert(TRACESTATE, state);
        }
        if let Some(problem) = response.extensions_mut().remove::<ProblemDetails>() {
            *response.body_mut() = problem.with_request_id(context.request_id()).to_body();
            response.headers_mut().remove(CONTENT_LENGTH);
        }
    }

    fn added_fields(&self) -> usize {
        3
    }

    fn enters_context(&self) -> bool {
        true
    }
}

/// Ties requests, log lines, jobs and responses together.
///
/// `X-Request-ID` is taken over when it is `^[A-Za-z0-9._-]{1,128}$`, and made otherwise. `traceparent` and `tracestate` of W3C
/// Trace Context are read and continued with a step of this process's own. All are told in the response, and the request id in
/// problem documents. What lies further in runs as part of the request's [`Context`](crate::context::Context).
///
/// ```
/// use athyper::http::middleware::CorrelationLayer;
/// use axum::Router;
///
/// let router: Router = Router::new().layer(CorrelationLayer::new());
/// ```
#[derive(Debug, Clone)]
pub struct CorrelationLayer(Arc<dyn Filter>);

impl CorrelationLayer {
    /// With a source of ids of its own.
    #[must_use]
    pub fn new() -> Self {
        let randomness = Randomness { key: RandomState::new(), counter: AtomicU64::new(0) };
        Self(Arc::new(CorrelationFilter { randomness }))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

impl Default for CorrelationLayer {
    fn default() -> Self {
        Self::new()
    }
}

single_filter_layers!(CorrelationLayer);

#[cfg(test)]
mod tests {
    use super::is_sane;

    #[test]
    fn only_plain_ids_are_taken_over() {
        let longest = "a".repeat(128);
        for id in ["a", "0198-f.A_z", longest.as_str()] {
            assert!(is_sane(id.as_bytes()), "{id}");
        }
        let longer = "a".repeat(129);
        for id in ["", "a b", "a\r\nb", "a\u{e4}", "a/b", "<a>", "a\0", longer.as_str()] {
            assert!(!is_sane(id.as_bytes()), "{id:?}");
        }
    }
}
