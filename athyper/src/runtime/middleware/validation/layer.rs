//! The layer that looks at bodies.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http_body::Body as _;
use http_body_util::{BodyExt, Limited};

use super::json::{DEEPEST, Refused, inspect};
use crate::runtime::http::{ProblemDetails, body_failure, is_json};
use crate::runtime::middleware::exchange::Exchange;
use crate::runtime::middleware::filter::{Filter, Flow, single_filter_layers};
use crate::runtime::middleware::size_limits::body_too_large;

/// What is put up with in JSON bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidationOptions {
    /// How deep arrays and objects may be nested, 127 at most.
    pub json_depth: u32,
    /// The largest JSON body, in bytes: it is held in memory to be looked at.
    pub json_bytes: usize,
}

impl Default for ValidationOptions {
    fn default() -> Self {
        Self { json_depth: 64, json_bytes: 2 * 1024 * 1024 }
    }
}

impl ValidationOptions {
    /// With another limit of nesting.
    #[must_use]
    pub const fn with_json_depth(mut self, json_depth: u32) -> Self {
        self.json_depth = json_depth;
        self
    }

    /// With another limit of JSON bodies.
    #[must_use]
    pub const fn with_json_bytes(mut self, json_bytes: usize) -> Self {
        self.json_bytes = json_bytes;
        self
    }
}

#[derive(Debug)]
struct ValidationFilter {
    options: ValidationOptions,
}

/// Whether it is a type and a subtype of RFC 9110 section 8.3.1, whatever the parameters.
fn is_well_formed(content_type: &HeaderValue) -> bool {
    fn is_token(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    }
    let Ok(text) = content_type.to_str() else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

fn unsupported(code: &'static str, detail: &'static str) -> Flow {
    let problem = ProblemDetails::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code).with_detail(detail);
    Flow::Answer(problem.into_response())
}

impl Filter for ValidationFilter {
    fn before(&self, request: &mut Request, _exchange: &mut Exchange) -> Flow {
        if request.body().is_end_stream() {
            return Flow::Continue;
        }
        let headers = request.headers();
        let is_coded = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
        if headers.get_all(CONTENT_ENCODING).iter().any(is_coded) {
            // A few bytes can unpack to gigabytes; nobody here unpacks them.
            return unsupported("content-encoding", "send the body without a content encoding");
        }
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        match (types.next(), types.next()) {
            (None, _) => Flow::Continue,
            (Some(_), Some(_)) => unsupported("content-type", "there is more than one content type"),
            (Some(only), None) if !is_well_formed(only) => unsupported("content-type", "the content type is malformed"),
            (Some(only), None) if !is_json(only) => Flow::Continue,
            (Some(_), None) if request.body().size_hint().lower() > self.options.json_bytes as u64 => {
                Flow::Answer(body_too_large(self.options.json_bytes))
            }
            (Some(_), None) => Flow::Wait(look(std::mem::take(request), self.options)),
        }
    }
}

fn look(request: Request, options: ValidationOptions) -> BoxFuture<'static, Result<Request, Response>> {
    Box::pin(async move {
        let (head, body) = request.into_parts();
        let document = read(body, options.json_bytes).await?;
        match inspect(&document, options.json_depth) {
            Ok(()) => Ok(Request::from_parts(head, Body::from(document))),
            Err(Refused::TooDeep) => {
                let depth = options.json_depth.min(DEEPEST);
                Err(refuse("json-too-deep", format!("the document is nested deeper than {depth} levels")))
            }
            Err(Refused::Polluting) => Err(refuse(
                "json-key",
                "the document has a key that changes prototypes: `__proto__`, or `prototype` in `constructor`"
                    .to_owned(),
            )),
        }
    })
}

fn refuse(code: &'static str, detail: String) -> Response {
    ProblemDetails::new(StatusCode::BAD_REQUEST, code).with_detail(detail).into_response()
}

async fn read(mut body: Body, limit: usize) -> Result<Bytes, Response> {
    // Most documents come in one piece, which needs no copy.
    let first = loop {
        match body.frame().await {
            None => return Ok(Bytes::new()),
            Some(Err(error)) => return Err(body_failure(&error)),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    break data;
                }
            }
        }
    };
    if first.len() > limit {
        return Err(body_too_large(limit));
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let rest = Limited::new(body, limit - first.len()).collect().await;
    let rest = rest.map_err(|error| match error.downcast::<axum::Error>() {
        Ok(error) => body_failure(&error),
        Err(_) => body_too_large(limit),
    })?;
    let rest = rest.to_bytes();
    Ok(if rest.is_empty() { first } else { [first, rest].concat().into() })
}

/// Looks at bodies before a handler does: content type and encoding, and of JSON the size, the nesting and the keys.
///
/// JSON bodies are held in memory, up to the limit; other bodies pass as they are. That a route that reads JSON gets JSON is up to
/// its extractor, which answers 415.
///
/// ```
/// use athyper::http::middleware::{ValidationLayer, ValidationOptions};
/// use axum::Router;
///
/// let layer = ValidationLayer::new(ValidationOptions::default().with_json_depth(16));
/// let router: Router = Router::new().layer(layer);
/// ```
#[derive(Debug, Clone)]
pub struct ValidationLayer(Arc<dyn Filter>);

impl ValidationLayer {
    /// With these options.
    #[must_use]
    pub fn new(options: ValidationOptions) -> Self {
        Self(Arc::new(ValidationFilter { options }))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

single_filter_layers!(ValidationLayer);
