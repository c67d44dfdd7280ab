//! Every request is counted and logged once, whoever answers and however it ends.

use std::sync::Arc;

use athyper::http::middleware::{LoggingLayer, MetricsLayer, PanicLayer, RequestRecordLayer};
use athyper::{Error, ErrorKind};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::log::Capture;
use crate::support::{ask, clock, get as request, registry};

fn count(text: &str, series: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0, |value| value.trim().parse().unwrap())
}

#[tokio::test]
async fn a_request_is_counted_once_by_its_route_template() {
    let (clock, registry) = (clock(), registry());
    let router = Router::new()
        .route("/users/{id}", get(async || "ok"))
        .layer(MetricsLayer::new(clock.clone(), &registry).unwrap())
        .layer(LoggingLayer::new(clock.clone()))
        .layer(RequestRecordLayer::new(clock, &registry).unwrap());
    let capture = Capture::begin();
    for number in 0..3 {
        ask(router.clone(), request(&format!("/users/{number}?token=secret"))).await;
    }
    ask(router, request("/nothing")).await;
    let text = registry.to_prometheus();
    let requests = |route: &str, status: u16| {
        count(&text, &format!("http_requests_total{{method=\"GET\",route=\"{route}\",status=\"{status}\"}}"))
    };
    assert_eq!((requests("/users/{id}", 200), requests("none", 404)), (3, 1), "{text}");
    assert_eq!(count(&text, "http_request_duration_seconds_count{method=\"GET\",route=\"/users/{id}\"}"), 3);
    assert_eq!(count(&text, "http_requests_in_flight"), 0);
    let lines = capture.requests();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!((lines[0]["path"].as_str(), lines[0]["route"].as_str()), ("/users/0", "/users/{id}"));
    assert!(!format!("{lines:?}").contains("secret"));
}

#[tokio::test]
async fn the_record_ends_with_the_body() {
    let (clock, registry) = (clock(), registry());
    let pieces = || {
        let pieces = ["a", "b"].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
        Body::from_stream(futures_util::stream::iter(pieces))
    };
    let router =
        Router::new().route("/", get(async move || pieces())).layer(RequestRecordLayer::new(clock, &registry).unwrap());
    let capture = Capture::begin();
    let mut response = router.clone().oneshot(request("/")).await.unwrap();
    let in_flight = || count(&registry.to_prometheus(), "http_requests_in_flight");
    response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!((in_flight(), capture.requests().len()), (1, 0));
    while response.body_mut().frame().await.is_some() {}
    drop(response);
    assert_eq!(in_flight(), 0);
    let line = &capture.requests()[0];
    assert_eq!((line["ending"].as_str(), line["bytes"].as_str(), line["status"].as_str()), ("complete", "2", "200"));

    let mut cut = router.oneshot(request("/")).await.unwrap();
    cut.body_mut().frame().await.unwrap().unwrap();
    drop(cut);
    let lines = capture.requests();
    assert_eq!((lines.len(), lines[1]["ending"].as_str(), lines[1]["status"].as_str()), (2, "aborted", "200"));
}

#[tokio::test]
async fn a_client_that_leaves_is_499() {
    let (clock, registry) = (clock(), registry());
    let router = Router::new()
        .route("/", get(async || std::future::pending::<&str>().await))
        .layer(RequestRecordLayer::new(clock, &registry).unwrap());
    let capture = Capture::begin();
    let mut answering = Box::pin(router.oneshot(request("/")));
    assert!(futures_util::poll!(&mut answering).is_pending());
    drop(answering);
    let lines = capture.requests();
    assert_eq!((lines.len(), lines[0]["status"].as_str(), lines[0]["ending"].as_str()), (1, "499", "aborted"));
    assert!(registry.to_prometheus().contains("status=\"499\"} 1"));
}

#[tokio::test]
async fn responses_without_a_body_are_complete() {
    let (clock, registry) = (clock(), registry());
    let router = Router::new()
        .route("/none", get(async || http::StatusCode::NO_CONTENT))
        .route("/text", get(async || "text"))
        .layer(RequestRecordLayer::new(clock, &registry).unwrap());
    let capture = Capture::begin();
    for request in [request("/none"), http::Request::head("/text").body(Body::empty()).unwrap()] {
        drop(router.clone().oneshot(request).await.unwrap());
    }
    let endings: Vec<_> = capture.requests().iter().map(|line| line["ending"].clone()).collect();
    assert_eq!(endings, ["complete", "complete"]);
}

#[tokio::test]
async fn what_went_wrong_inside_is_logged_and_not_sent() {
    let (clock, registry) = (clock(), registry());
    let fails = async || -> Result<&str, Error> {
        let cause = std::io::Error::other("no route to db-7.internal");
        Err(Error::new(ErrorKind::Unavailable, "the database is away").with_source(cause))
    };
    let panics = async || -> &str { panic!("index 7 of {}", "secret-table") };
    let router = Router::new()
        .route("/fails", get(fails))
        .route("/panics", get(panics))
        .layer(PanicLayer::new())
        .layer(RequestRecordLayer::new(clock, &registry).unwrap());
    let capture = Capture::begin();
    let reply = ask(router.clone(), request("/fails")).await;
    assert_eq!((reply.status(), reply.problem().as_str()), (503, "unavailable"));
    assert!(!reply.body.contains("database") && !reply.body.contains("internal"), "{}", reply.body);
    let reply = ask(router.clone(), request("/panics")).await;
    assert_eq!((reply.status(), reply.problem().as_str()), (500, "panic"));
    assert!(!reply.body.contains("secret-table"), "{}", reply.body);
    let lines = capture.requests();
    assert_eq!(lines[0]["error"], "the database is away: no route to db-7.internal");
    assert_eq!(
        (lines[1]["error"].as_str(), lines[1]["level"].as_str()),
        ("the handler panicked: index 7 of secret-table", "ERROR")
    );
    assert_eq!(ask(router, request("/fails")).await.status(), 503, "it lives on");
}

#[tokio::test]
async fn without_a_panic_layer_a_panic_is_the_callers() {
    let router = Router::new()
        .route("/", get(async || -> &str { panic!("on purpose") }))
        .layer(RequestRecordLayer::new(clock(), &registry()).unwrap());
    let capture = Capture::begin();
    let joined = std::panic::AssertUnwindSafe(ask(router, request("/")));
    assert!(futures_util::FutureExt::catch_unwind(joined).await.is_err());
    assert_eq!(capture.requests().len(), 1, "it is logged all the same");
}

#[tokio::test]
async fn many_clients_cannot_make_many_series() {
    let (clock, registry) = (clock(), registry());
    let router =
        Router::new().route("/{*path}", get(async || "ok")).layer(RequestRecordLayer::new(clock, &registry).unwrap());
    let router = Arc::new(router);
    for number in 0..2_000 {
        let request = http::Request::builder().method(&*format!("M{number}")).uri(format!("/{number}"));
        ask((*router).clone(), request.body(Body::empty()).unwrap()).await;
    }
    let series = registry.to_prometheus().lines().filter(|line| line.starts_with("http_requests_total{")).count();
    assert_eq!(series, 1);
}
