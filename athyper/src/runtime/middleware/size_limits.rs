//! How large a request may be.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_body::Body as _;
use http_body_util::Limited;

use super::exchange::Exchange;
use super::filter::{Filter, Flow, single_filter_layers};
use crate::runtime::http::ProblemDetails;

/// How large a request may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SizeLimits {
    /// The longest path and query, in bytes; longer is answered 414.
    pub uri_bytes: usize,
    /// The longest names and values of all header fields together, in bytes; longer is answered 431.
    pub header_bytes: usize,
    /// The largest body, in bytes; larger is answered 413, before it is read if its length is given.
    pub body_bytes: usize,
}

impl Default for SizeLimits {
    fn default() -> Self {
        Self { uri_bytes: 8 * 1024, header_bytes: 32 * 1024, body_bytes: 2 * 1024 * 1024 }
    }
}

impl SizeLimits {
    /// With another limit of bodies.
    #[must_use]
    pub const fn with_body_bytes(mut self, body_bytes: usize) -> Self {
        self.body_bytes = body_bytes;
        self
    }
}

#[derive(Debug)]
struct SizeFilter {
    limits: SizeLimits,
}

/// The problem of a body that is too large.
pub(crate) fn body_too_large(limit: usize) -> Response {
    ProblemDetails::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large")
        .with_detail(format!("the body is larger than {limit} bytes"))
        .into_response()
}

impl Filter for SizeFilter {
    fn before(&self, request: &mut Request, _exchange: &mut Exchange) -> Flow {
        let limits = &self.limits;
        if request.uri().path_and_query().is_some_and(|text| text.as_str().len() > limits.uri_bytes) {
            let problem = ProblemDetails::new(StatusCode::URI_TOO_LONG, "uri-too-long")
                .with_detail(format!("path and query are longer than {} bytes", limits.uri_bytes));
            return Flow::Answer(problem.into_response());
        }
        let header_bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if header_bytes > limits.header_bytes {
            let problem = ProblemDetails::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large")
                .with_detail(format!("the header fields are longer than {} bytes", limits.header_bytes));
            return Flow::Answer(problem.into_response());
        }
        if request.body().is_end_stream() {
            return Flow::Continue;
        }
        let size = request.body().size_hint();
        if size.lower() > limits.body_bytes as u64 {
            return Flow::Answer(body_too_large(limits.body_bytes));
        }
        if size.upper().is_none_or(|upper| upper > limits.body_bytes as u64) {
            let body = std::mem::take(request.body_mut());
            *request.body_mut() = Body::new(Limited::new(body, limits.body_bytes));
        }
        // axum's extractors have a limit of their own, which would win if it is the smaller one.
        DefaultBodyLimit::max(limits.body_bytes).apply(request);
        Flow::Continue
    }
}

/// Refuses requests that are too large: 414 for the URI, 431 for the header fields, 413 for the body.
///
/// ```
/// use athyper::http::middleware::{SizeLimitLayer, SizeLimits};
/// use axum::Router;
///
/// let layer = SizeLimitLayer::new(SizeLimits::default().with_body_bytes(64 * 1024));
/// let router: Router = Router::new().layer(layer);
/// ```
#[derive(Debug, Clone)]
pub struct SizeLimitLayer(Arc<dyn Filter>);

impl SizeLimitLayer {
    /// With these limits.
    #[must_use]
    pub fn new(limits: SizeLimits) -> Self {
        Self(Arc::new(SizeFilter { limits }))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

single_filter_layers!(SizeLimitLayer);
