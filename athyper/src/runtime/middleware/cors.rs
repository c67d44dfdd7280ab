//! Which web origins may call, by an exact list.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderValue, ORIGIN, VARY,
};
use http::{HeaderName, Method, StatusCode};

use super::exchange::Exchange;
use super::filter::{Filter, Flow, single_filter_layers};
use crate::foundation::error::{Error, Result};
use crate::runtime::http::ProblemDetails;

/// The methods, headers and origins that web pages of other origins may use.
///
/// Origins are compared as a whole: there is no wildcard, no suffix and no reflection, and `null` is never one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CorsOptions {
    /// The origins, such as `https://shop.example.org`.
    pub origins: Vec<String>,
    /// The methods.
    pub methods: Vec<Method>,
    /// The request headers.
    pub headers: Vec<HeaderName>,
    /// The response headers that a page may read.
    pub exposed: Vec<HeaderName>,
    /// Whether a page may send cookies.
    pub credentials: bool,
    /// How long a browser may keep the answer to a preflight.
    pub max_age: Duration,
}

impl CorsOptions {
    /// Lets pages of these origins call with the usual methods, JSON bodies and a bearer token, and without cookies.
    #[must_use]
    pub fn new(origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = |list: &[&'static str]| list.iter().map(|name| HeaderName::from_static(name)).collect();
        Self {
            origins: origins.into_iter().map(Into::into).collect(),
            methods: vec![Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE],
            headers: names(&["authorization", "content-type", "x-request-id", "traceparent", "tracestate"]),
            exposed: names(&[
                "x-request-id",
                "ratelimit-limit",
                "ratelimit-remaining",
                "ratelimit-reset",
                "retry-after",
            ]),
            credentials: false,
            max_age: Duration::from_secs(600),
        }
    }
}

#[derive(Debug)]
struct CorsFilter {
    origins: Vec<HeaderValue>,
    methods: HeaderValue,
    headers: HeaderValue,
    exposed: HeaderValue,
    credentials: bool,
    max_age: HeaderValue,
}

impl Filter for CorsFilter {
    fn before(&self, request: &mut Request, exchange: &mut Exchange) -> Flow {
        let mut given = request.headers().get_all(ORIGIN).iter();
        let origin = match (given.next(), given.next()) {
            (Some(origin), None) => Some(origin),
            _ => None,
        };
        exchange.allowed_origin = origin.filter(|origin| self.origins.contains(origin)).cloned();
        let is_preflight = request.method() == Method::OPTIONS
            && origin.is_some()
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return Flow::Continue;
        }
        if exchange.allowed_origin.is_none() {
            let problem = ProblemDetails::new(StatusCode::FORBIDDEN, "origin-not-allowed");
            return Flow::Answer(problem.with_detail("pages of that origin may not call this").into_response());
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
        headers.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        Flow::Answer(response)
    }

    fn after(&self, exchange: &mut Exchange, response: &mut Response) {
        let headers = response.headers_mut();
        // A cache must not give the answer for one origin to another, nor the one without an origin.
        headers.append(VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = exchange.allowed_origin.take() {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
            if self.credentials {
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
        }
    }

    fn added_fields(&self) -> usize {
        4
    }
}

/// Lets web pages of listed origins call (the CORS protocol of the Fetch standard); answers preflights itself.
///
/// ```
/// use athyper::http::middleware::{CorsLayer, CorsOptions};
/// use axum::Router;
///
/// let layer = CorsLayer::new(CorsOptions::new(["https://shop.example.org"]))?;
/// let router: Router = Router::new().layer(layer);
/// # Ok::<(), athyper::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CorsLayer(Arc<dyn Filter>);

impl CorsLayer {
    /// Checks the options.
    ///
    /// # Errors
    /// `Configuration` when an origin is not scheme, host and perhaps port, as browsers send it.
    pub fn new(options: CorsOptions) -> Result<Self> {
        let origins = options.origins.iter().map(|origin| parse_origin(origin)).collect::<Result<_>>()?;
        let methods = list(options.methods.iter().map(Method::as_str))?;
        Ok(Self(Arc::new(CorsFilter {
            origins,
            methods,
            headers: list(options.headers.iter().map(HeaderName::as_str))?,
            exposed: list(options.exposed.iter().map(HeaderName::as_str))?,
            credentials: options.credentials,
            max_age: HeaderValue::from(options.max_age.as_secs()),
        })))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> Result<HeaderValue> {
    let text = names.collect::<Vec<_>>().join(", ");
    HeaderValue::from_str(&text).map_err(|error| Error::configuration("no list of names").with_source(error))
}

fn parse_origin(origin: &str) -> Result<HeaderValue> {
    let refuse = || {
        Error::configuration(format!("`{origin}` is not an origin such as `https://shop.example.org`"))
            .with_code("cors-origin")
    };
    let (scheme, authority) = origin.split_once("://").ok_or_else(refuse)?;
    let authority: http::uri::Authority = authority.parse().map_err(|_| refuse())?;
    let is_plain = matches!(scheme, "http" | "https")
        && !authority.as_str().contains('@')
        && authority.as_str() == authority.as_str().to_ascii_lowercase();
    if !is_plain || authority.as_str().contains('*') {
        return Err(refuse());
    }
    HeaderValue::from_str(origin).map_err(|_| refuse())
}

single_filter_layers!(CorsLayer);
