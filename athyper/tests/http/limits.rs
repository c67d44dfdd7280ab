//! Rates, sizes and times, on bare routers.

use std::sync::Arc;
use std::time::Duration;

use athyper::http::Json;
use athyper::http::middleware::{
    Network, RateLimitLayer, RateLimiter, RequestTimeoutLayer, SizeLimitLayer, SizeLimits, TrustedProxies,
};
use athyper::rate_limit::Quota;
use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use tokio::sync::Notify;

use crate::support::{ask, clock, from_peer, get as request, within};

const QUOTA: Quota = Quota { capacity: 3, period: Duration::from_secs(30) };

#[tokio::test]
async fn a_client_that_calls_too_often_waits() {
    let clock = clock();
    let layer = RateLimitLayer::new(RateLimiter::new(clock.clone(), QUOTA));
    let router = Router::new().route("/", get(async || "ok")).layer(layer);
    let call = async |peer: &str| ask(router.clone(), from_peer(request("/"), peer)).await;
    for remaining in ["2", "1", "0"] {
        let reply = call("192.0.2.1:1000").await;
        assert_eq!((reply.status(), reply.header("ratelimit-remaining")), (200, Some(remaining)));
        assert_eq!((reply.header("ratelimit-limit"), reply.header("ratelimit-policy")), (Some("3"), Some("3;w=30")));
    }
    let reply = call("192.0.2.1:2000").await;
    assert_eq!((reply.problem().as_str(), reply.header("retry-after")), ("rate-limited", Some("10")));
    assert_eq!((reply.header("ratelimit-remaining"), reply.header("ratelimit-reset")), (Some("0"), Some("30")));
    assert_eq!(call("192.0.2.2:1000").await.status(), 200, "another client");

    clock.advance(Duration::from_millis(9_999)).await;
    assert_eq!(call("192.0.2.1:1000").await.header("retry-after"), Some("1"));
    clock.advance(Duration::from_millis(1)).await;
    assert_eq!(call("192.0.2.1:1000").await.status(), 200);
    assert_eq!(call("192.0.2.1:1000").await.status(), 429);
    clock.advance(Duration::from_secs(3_600)).await;
    for expected in [200, 200, 200, 429] {
        assert_eq!(call("192.0.2.1:1000").await.status(), expected);
    }
}

#[tokio::test]
async fn an_ipv6_client_is_its_network() {
    let limiter = RateLimiter::new(clock(), QUOTA);
    for address in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::", "2001:db8:1:2::3"] {
        assert!(limiter.take(address.parse().unwrap()).allowed);
    }
    assert!(!limiter.take("2001:db8:1:2::4".parse().unwrap()).allowed);
    assert!(limiter.take("2001:db8:1:3::1".parse().unwrap()).allowed);
    for _ in 0..3 {
        assert!(limiter.take("192.0.2.1".parse().unwrap()).allowed);
    }
    assert!(!limiter.take("::ffff:192.0.2.1".parse().unwrap()).allowed, "the same client in another notation");
}

#[tokio::test]
async fn memory_is_bounded_and_regular_clients_are_not_forgotten() {
    let clock = clock();
    let limiter = RateLimiter::with_most_clients(clock.clone(), QUOTA, 1_000);
    let regular = "198.51.100.7".parse().unwrap();
    for _ in 0..3 {
        assert!(limiter.take(regular).allowed);
    }
    for number in 0..100_000_u32 {
        let _ = limiter.take(std::net::Ipv4Addr::from_bits(number).into());
    }
    assert!(limiter.clients() <= 1_100, "{}", limiter.clients());
    assert!(!limiter.take(regular).allowed, "its bucket must still be empty");
    clock.advance(Duration::from_secs(61)).await;
    for number in 0..1_000_u32 {
        let _ = limiter.take(std::net::Ipv4Addr::from_bits(number).into());
    }
    clock.advance(Duration::from_secs(61)).await;
    assert!(limiter.take(regular).allowed);
    for number in 0..200_u32 {
        assert!(limiter.take(std::net::Ipv4Addr::from_bits(number).into()).allowed, "{number}");
    }
    assert!(limiter.clients() <= 201, "full buckets are forgotten: {}", limiter.clients());
}

#[tokio::test]
async fn a_claimed_address_counts_only_behind_a_trusted_proxy() {
    let proxies = TrustedProxies::new(["10.0.0.0/8".parse::<Network>().unwrap()]);
    let layer = RateLimitLayer::behind(RateLimiter::new(clock(), QUOTA), proxies, &["/livez"]);
    let router = Router::new().route("/", get(async || "ok")).route("/livez", get(async || "ok")).layer(layer);
    let call = async |path: &str, peer: &str, forwarded: &str| {
        let mut request = from_peer(request(path), peer);
        request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
        ask(router.clone(), request).await.status()
    };
    // A client that invents a new address each time stays the same client.
    for (number, expected) in [200, 200, 200, 429, 429].into_iter().enumerate() {
        assert_eq!(call("/", "203.0.113.5:9", &format!("192.0.2.{number}")).await, expected);
        assert_eq!(call("/", "10.0.0.1:9", &format!("192.0.2.{number}, 203.0.113.6")).await, expected);
    }
    assert_eq!(call("/livez", "203.0.113.5:9", "x").await, 200, "exempt");
    for number in 0..5 {
        assert_eq!(call("/", "10.0.0.1:9", &format!("203.0.113.{}", 100 + number)).await, 200);
    }
}

fn sized() -> Router {
    let mut limits = SizeLimits::default().with_body_bytes(100);
    limits.uri_bytes = 50;
    limits.header_bytes = 200;
    Router::new()
        .route("/{*rest}", get(async || "ok").post(async |body: Bytes| body))
        .route("/json", post(async |Json(value): Json<serde_json::Value>| Json(value)))
        .layer(SizeLimitLayer::new(limits))
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    assert_eq!(ask(sized(), request(&format!("/{}", "a".repeat(49)))).await.status(), 200);
    assert_eq!(ask(sized(), request(&format!("/{}", "a".repeat(50)))).await.problem(), "uri-too-long");
    assert_eq!(ask(sized(), request(&format!("/a?{}", "a".repeat(50)))).await.status(), 414);
    let mut many = request("/a");
    many.headers_mut().insert("x-large", "a".repeat(200).parse().unwrap());
    assert_eq!(ask(sized(), many).await.problem(), "headers-too-large");

    let post = |body: Body| http::Request::post("/a").body(body).unwrap();
    assert_eq!(ask(sized(), post(Body::from("a".repeat(100)))).await.status(), 200);
    assert_eq!(ask(sized(), post(Body::from("a".repeat(101)))).await.problem(), "body-too-large");
    let stream = || {
        let pieces = (0..11).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"0123456789")));
        Body::from_stream(futures_util::stream::iter(pieces))
    };
    assert_eq!(ask(sized(), post(stream())).await.status(), 413);
    let json = http::Request::post("/json").header("content-type", "application/json").body(stream()).unwrap();
    assert_eq!(ask(sized(), json).await.problem(), "body-too-large");
}

#[tokio::test]
async fn a_limit_above_axums_own_is_the_one_that_counts() {
    let limits = SizeLimits::default().with_body_bytes(8 * 1024 * 1024);
    let router =
        Router::new().route("/", post(async |body: Bytes| body.len().to_string())).layer(SizeLimitLayer::new(limits));
    let body = vec![b'a'; 5 * 1024 * 1024];
    assert_eq!(ask(router, http::Request::post("/").body(Body::from(body)).unwrap()).await.body, "5242880");
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let clock = clock();
    let (entered, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, dropped) = (Arc::clone(&entered), Arc::clone(&dropped));
        async move || {
            let _guard = OnDrop(dropped);
            entered.notify_one();
            std::future::pending::<&str>().await
        }
    };
    let layer = RequestTimeoutLayer::new(clock.clone(), Duration::from_secs(30));
    let router = Router::new().route("/", get(handler)).layer(layer);
    let asking = tokio::spawn(async move { ask(router, request("/")).await });
    within(entered.notified()).await;
    clock.advance(Duration::from_millis(29_999)).await;
    assert!(!asking.is_finished());
    clock.advance(Duration::from_millis(1)).await;
    let reply = within(asking).await.unwrap();
    assert_eq!((reply.status(), reply.problem().as_str()), (504, "request-timeout"));
    within(dropped.notified()).await;
}
