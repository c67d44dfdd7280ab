//! Errors that are no problem documents yet become some.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body as _;
use http_body_util::BodyExt;

use super::exchange::Exchange;
use super::filter::{Filter, single_filter_layers};
use crate::runtime::http::{PROBLEM_JSON, ProblemDetails};

/// The longest text of another library's that becomes the detail of a problem.
const LONGEST_DETAIL: u64 = 1024;

#[derive(Debug)]
struct ErrorDocumentFilter;

impl Filter for ErrorDocumentFilter {
    fn after(&self, exchange: &mut Exchange, response: &mut Response) {
        let status = response.status();
        if !(status.is_client_error() || status.is_server_error()) {
            return;
        }
        let kind = response.headers().get(CONTENT_TYPE);
        let is_plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
        let is_short = response.body().size_hint().exact().is_some_and(|length| length <= LONGEST_DETAIL);
        if !is_plain || !is_short || response.extensions().get::<ProblemDetails>().is_some() {
            return;
        }
        let text = read(std::mem::replace(response.body_mut(), Body::empty()));
        let mut problem = ProblemDetails::new(status, code(status));
        match text {
            // The text of axum's own rejections says what is wrong with the request; that of a 5xx is for operators.
            Some(text) if status.is_client_error() => problem = problem.with_detail(text),
            Some(text) => exchange.record.set_error(Arc::from(text)),
            None => {}
        }
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        *response.body_mut() = problem.to_body();
        response.extensions_mut().insert(problem);
    }
}

/// A body that is there already.
fn read(mut body: Body) -> Option<String> {
    let frame = body.frame().now_or_never()??.ok()?;
    let text = String::from_utf8(frame.into_data().ok()?.into()).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

/// `Not Found` becomes `not-found`.
fn code(status: StatusCode) -> String {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return "body-too-large".to_owned();
    }
    status.canonical_reason().unwrap_or("error").to_ascii_lowercase().replace(' ', "-")
}

/// Turns errors without a body, such as the 404 and 405 of a router, and errors that are a line of text, such as the rejections of
/// axum's own extractors, into problem documents. Other bodies are left alone.
///
/// ```
/// use athyper::http::middleware::ErrorDocumentLayer;
/// use axum::Router;
///
/// let router: Router = Router::new().layer(ErrorDocumentLayer::new());
/// ```
#[derive(Debug, Clone)]
pub struct ErrorDocumentLayer(Arc<dyn Filter>);

impl ErrorDocumentLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(ErrorDocumentFilter))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

impl Default for ErrorDocumentLayer {
    fn default() -> Self {
        Self::new()
    }
}

single_filter_layers!(ErrorDocumentLayer);
