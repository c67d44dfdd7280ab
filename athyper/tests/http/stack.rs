//! The stack as data, and what every response of it has.

use std::sync::Arc;
use std::time::Duration;

use athyper::authentication::StaticTokenAuthenticator;
use athyper::context::Principal;
use athyper::http::Json;
use athyper::http::middleware::{
    CorsOptions, HttpService, MiddlewareStack, SecurityHeadersLayer, SizeLimits, StackOptions,
};
use athyper::rate_limit::Quota;
use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};

use crate::log::Capture;
use crate::support::{Reply, ask, clock, from_peer, get as request, post_json, registry};

fn full() -> StackOptions {
    let mut options = StackOptions::new(clock(), registry());
    options.cors = Some(CorsOptions::new(["https://shop.example.org"]));
    options.rate_limit = Some(Quota { capacity: 5, period: Duration::from_secs(1) });
    options.sizes = SizeLimits::default().with_body_bytes(1_000);
    let known =
        StaticTokenAuthenticator::new().with_token("token-of-alice", Principal::new("alice").with_tenant("acme"));
    options.authenticator = Some(Arc::new(known));
    options
}

fn router() -> Router {
    Router::new()
        .route("/", get(async || "ok"))
        .route("/json", post(async |Json(value): Json<serde_json::Value>| Json(value)))
        .route("/panic", get(async || -> &str { panic!("on purpose") }))
        .route("/teapot", get(async || (http::StatusCode::IM_A_TEAPOT, "short and stout")))
        .route("/broken", get(async || (http::StatusCode::BAD_GATEWAY, "upstream 10.0.0.7 is away")))
        .route(
            "/own",
            get(async || [("content-security-policy", "sandbox"), ("server", "own/1.0"), ("x-powered-by", "x")]),
        )
}

fn stack() -> HttpService {
    MiddlewareStack::standard(full()).unwrap().apply(router())
}

#[test]
fn the_order_is_the_documented_one() {
    let stack = MiddlewareStack::standard(full()).unwrap();
    let names: Vec<_> = stack.names().collect();
    assert_eq!(
        names,
        [
            "record",
            "correlation",
            "security-headers",
            "problems",
            "panic",
            "cors",
            "rate-limit",
            "timeout",
            "size-limits",
            "validation",
            "authentication",
            "metrics",
            "logging",
        ]
    );
}

#[test]
fn what_is_not_asked_for_is_not_in_it() {
    let mut options = StackOptions::new(clock(), registry());
    options.rate_limit = None;
    let stack = MiddlewareStack::standard(options).unwrap();
    for name in ["cors", "rate-limit", "authentication", "container"] {
        assert!(!stack.names().any(|own| own == name), "{name}");
    }
}

#[test]
fn a_name_that_is_not_there_is_an_error_that_lists_those_that_are() {
    let error = MiddlewareStack::standard(full()).unwrap().without("rate_limit").unwrap_err();
    assert!(error.message().contains("`rate_limit`") && error.message().contains("rate-limit"), "{error}");
}

#[derive(Clone)]
struct Mark(&'static str);

impl<S> tower::Layer<S> for Mark {
    type Service = Marked<S>;

    fn layer(&self, inner: S) -> Marked<S> {
        Marked { inner, mark: self.0 }
    }
}

#[derive(Clone)]
struct Marked<S> {
    inner: S,
    mark: &'static str,
}

impl<S: tower::Service<axum::extract::Request>> tower::Service<axum::extract::Request> for Marked<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: axum::extract::Request) -> S::Future {
        request.headers_mut().append("x-mark", self.mark.parse().unwrap());
        self.inner.call(request)
    }
}

#[tokio::test]
async fn a_product_can_change_it() {
    let marks = async |headers: http::HeaderMap| {
        headers.get_all("x-mark").iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    let stack = MiddlewareStack::standard(full())
        .unwrap()
        .without("rate-limit")
        .unwrap()
        .replace("cors", Mark("instead"))
        .unwrap()
        .insert_before("correlation", "outer", Mark("outer"))
        .unwrap()
        .insert_after("validation", "inner", Mark("inner"))
        .unwrap();
    assert!(stack.clone().insert_after("panic", "inner", Mark("twice")).is_err());
    let names: Vec<_> = stack.names().collect();
    assert_eq!(names[..3], ["record", "outer", "correlation"]);
    let capture = Capture::begin();
    let service = stack.apply(Router::new().route("/marks/{id}", get(marks)));
    let request = http::Request::get("/marks/1").header("authorization", "Bearer token-of-alice");
    let reply = ask(service, request.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.body, "outer instead inner");
    assert!(reply.header("x-request-id").is_some() && reply.header("x-frame-options").is_some());
    let lines = capture.requests();
    assert_eq!((lines.len(), lines[0]["principal"].as_str()), (1, "alice"));
}

#[tokio::test]
async fn without_metrics_or_logging_nothing_is_counted_or_logged() {
    let options = full();
    let registry = options.metrics.clone();
    let stack = MiddlewareStack::standard(options).unwrap();
    let capture = Capture::begin();
    ask(stack.clone().without("logging").unwrap().apply(router()), request("/")).await;
    assert_eq!(capture.requests().len(), 0);
    assert!(registry.to_prometheus().contains("http_requests_total{"));
    let before = registry.to_prometheus();
    ask(stack.without("metrics").unwrap().apply(router()), request("/")).await;
    assert_eq!((capture.requests().len(), registry.to_prometheus()), (1, before));
}

/// The headers that every response has, but for the two that a handler may set itself.
const FIXED: [&str; 10] = [
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-dns-prefetch-control",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
];

fn assert_dressed(reply: &Reply) {
    for name in FIXED.into_iter().chain(["content-security-policy", "cache-control", "x-request-id", "traceparent"]) {
        assert!(reply.header(name).is_some(), "{name} in {reply:?}");
    }
    for name in
        ["server", "x-powered-by", "x-xss-protection", "expect-ct", "public-key-pins", "feature-policy", "pragma"]
    {
        assert_eq!(reply.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn every_response_is_dressed_counted_and_logged_once() {
    let capture = Capture::begin();
    let mut options = full();
    options.rate_limit = Some(Quota { capacity: 100, period: Duration::from_secs(1) });
    let registry = options.metrics.clone();
    let service = MiddlewareStack::standard(options).unwrap().apply(router());
    let with = |builder: http::request::Builder, body: Body| builder.body(body).unwrap();
    let cases = vec![
        (200, None, request("/")),
        (404, Some("not-found"), request("/nothing")),
        (405, Some("method-not-allowed"), post_json("/", "{}")),
        (
            401,
            Some("unauthenticated"),
            with(http::Request::get("/").header("authorization", "Bearer x"), Body::empty()),
        ),
        (413, Some("body-too-large"), post_json("/json", format!("\"{}\"", "a".repeat(1_000)))),
        (415, Some("content-type"), with(http::Request::post("/json"), Body::from("{}"))),
        (400, Some("json-malformed"), post_json("/json", "{garbage")),
        (400, Some("json-too-deep"), post_json("/json", "[".repeat(900))),
        (414, Some("uri-too-long"), request(&format!("/{}", "a".repeat(9_000)))),
        (500, Some("panic"), request("/panic")),
        (418, Some("i'm-a-teapot"), request("/teapot")),
        (502, Some("bad-gateway"), request("/broken")),
        (
            204,
            None,
            with(
                http::Request::options("/")
                    .header("origin", "https://shop.example.org")
                    .header("access-control-request-method", "GET"),
                Body::empty(),
            ),
        ),
        (
            403,
            Some("origin-not-allowed"),
            with(
                http::Request::options("/")
                    .header("origin", "https://evil.example")
                    .header("access-control-request-method", "GET"),
                Body::empty(),
            ),
        ),
    ];
    let total = cases.len();
    for (status, code, request) in cases {
        let uri = request.uri().clone();
        let reply = ask(service.clone(), request).await;
        assert_eq!(reply.status(), status, "{uri} {reply:?}");
        assert_dressed(&reply);
        let line = capture.requests().pop().unwrap();
        assert_eq!(line["status"], status.to_string());
        assert_eq!(line["request_id"], reply.header("x-request-id").unwrap());
        if let Some(code) = code {
            assert_eq!(reply.problem(), code);
            assert_eq!(reply.json()["request_id"], reply.header("x-request-id").unwrap());
        }
        assert!(!reply.body.contains("10.0.0.7"), "the text of a 5xx is for operators");
    }
    assert_eq!(capture.requests().len(), total);
    let counted: u64 = registry
        .to_prometheus()
        .lines()
        .filter(|line| line.starts_with("http_requests_total{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(counted, total as u64);
}

#[tokio::test]
async fn a_429_is_dressed_and_counted_too() {
    let capture = Capture::begin();
    let service = stack();
    let mut last = None;
    for _ in 0..6 {
        last = Some(ask(service.clone(), from_peer(request("/"), "192.0.2.1:1")).await);
    }
    let reply = last.unwrap();
    assert_eq!((reply.problem().as_str(), reply.header("ratelimit-remaining")), ("rate-limited", Some("0")));
    assert_dressed(&reply);
    assert_eq!(capture.requests().len(), 6);
    assert_eq!(capture.requests()[5]["status"], "429");
}

#[tokio::test]
async fn a_handlers_own_policy_stays_and_what_reveals_goes() {
    let reply = ask(stack(), request("/own")).await;
    assert_eq!(reply.header("content-security-policy"), Some("sandbox"));
    assert_dressed(&reply);
    let layer = SecurityHeadersLayer::new().with_content_security_policy("default-src 'none'").unwrap();
    let reply = ask(router().layer(layer), request("/")).await;
    assert_eq!(reply.header("content-security-policy"), Some("default-src 'none'"));
    assert!(SecurityHeadersLayer::new().with_content_security_policy("a\r\nb").is_err());
}

#[tokio::test]
async fn a_log_line_cannot_be_forged_and_holds_no_secret() {
    let capture = Capture::begin();
    let request = http::Request::get("/users/%0d%0astatus=200?access_token=canary-query")
        .header("authorization", "Bearer canary-token")
        .header("cookie", "session=canary-cookie")
        .header("x-request-id", "evil id")
        .header("user-agent", "canary-agent");
    let request = request.body(Body::empty()).unwrap();
    ask(stack(), request).await;
    let lines = capture.requests();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["path"], "/users/%0d%0astatus=200");
    assert!(!format!("{lines:?}").contains("canary"), "{lines:?}");
}
