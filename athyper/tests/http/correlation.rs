//! Request ids and traces, on a bare router.

use athyper::context::{Context, current_context};
use athyper::http::middleware::CorrelationLayer;
use axum::Router;
use axum::routing::get;

use crate::support::{ask, get as request};

fn router() -> Router {
    let handler = async |context: Context| {
        let current = current_context().unwrap();
        assert_eq!(context.request_id(), current.request_id());
        let state = context.trace().state().unwrap_or("-").to_owned();
        format!("{} {} {state}", context.request_id(), context.trace().traceparent())
    };
    Router::new().route("/", get(handler)).layer(CorrelationLayer::new())
}

async fn with(headers: &[(&str, &str)]) -> (String, String, String, crate::support::Reply) {
    let mut request = request("/");
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let reply = ask(router(), request).await;
    let words: Vec<_> = reply.body.split(' ').map(str::to_owned).collect();
    (words[0].clone(), words[1].clone(), words[2].clone(), reply)
}

#[tokio::test]
async fn a_sane_request_id_is_taken_over() {
    let (id, _, _, reply) = with(&[("x-request-id", "order-42_a.b")]).await;
    assert_eq!(id, "order-42_a.b");
    assert_eq!(reply.header("x-request-id"), Some("order-42_a.b"));
}

#[tokio::test]
async fn any_other_request_id_is_replaced() {
    let long = "a".repeat(129);
    for headers in [
        vec![],
        vec![("x-request-id", "")],
        vec![("x-request-id", "a b")],
        vec![("x-request-id", "a\u{2028}b")],
        vec![("x-request-id", long.as_str())],
        vec![("x-request-id", "one"), ("x-request-id", "two")],
        vec![("x-request-id", "%0d%0aset-cookie:x")],
    ] {
        let (id, _, _, reply) = with(&headers).await;
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{headers:?}: {id}");
        assert_eq!(reply.header("x-request-id"), Some(&*id));
    }
}

#[tokio::test]
async fn every_made_id_is_another() {
    let mut ids = std::collections::HashSet::new();
    for _ in 0..1_000 {
        assert!(ids.insert(with(&[]).await.0));
    }
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn a_trace_is_continued_with_a_step_of_our_own() {
    let (_, parent, state, reply) =
        with(&[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")]).await;
    assert_eq!(reply.header("traceparent"), Some(&*parent));
    assert_eq!(reply.header("tracestate"), Some("a=1,b=2"));
    assert_eq!(state, "a=1,b=2");
    assert!(parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && parent.ends_with("-01"), "{parent}");
    assert!(!parent.contains("b7ad6b7169203331"), "{parent}");
}

#[tokio::test]
async fn a_malformed_trace_is_begun_anew_and_its_state_forgotten() {
    let zero_trace = PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32));
    let zero_span = PARENT.replace("b7ad6b7169203331", &"0".repeat(16));
    let upper = PARENT.to_uppercase();
    let more = format!("{PARENT}-what");
    for wrong in
        ["", "00", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", &zero_trace, &zero_span, &upper, &more]
    {
        let (_, parent, state, reply) = with(&[("traceparent", wrong), ("tracestate", "a=1")]).await;
        assert!(!parent.contains("0af7651916cd43dd8448eb211c80319c"), "{wrong}");
        assert_eq!((state.as_str(), reply.header("tracestate")), ("-", None), "{wrong}");
    }
    let (_, parent, ..) = with(&[("traceparent", PARENT), ("traceparent", PARENT)]).await;
    assert!(!parent.contains("0af7651916cd43dd8448eb211c80319c"));
}

#[tokio::test]
async fn a_later_version_of_the_trace_is_understood() {
    let (_, parent, ..) = with(&[("traceparent", &PARENT.replacen("00", "cc", 1).replace("-01", "-ff-more"))]).await;
    assert!(parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && parent.ends_with("-03"), "{parent}");
}
