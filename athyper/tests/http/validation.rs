//! Bodies are looked at before handlers see them, on a bare router.

use athyper::http::Json;
use athyper::http::middleware::{ValidationLayer, ValidationOptions};
use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;

use crate::support::{Reply, ask, post_json};

fn router() -> Router {
    let options = ValidationOptions::default().with_json_depth(8).with_json_bytes(1_000);
    Router::new()
        .route("/", post(async |Json(value): Json<serde_json::Value>| Json(value)))
        .route("/raw", post(async |body: Bytes| body))
        .layer(ValidationLayer::new(options))
}

async fn raw(content_type: Option<&str>, encoding: Option<&str>, body: impl Into<Body>) -> Reply {
    let mut request = http::Request::post("/raw");
    if let Some(kind) = content_type {
        request = request.header("content-type", kind);
    }
    if let Some(encoding) = encoding {
        request = request.header("content-encoding", encoding);
    }
    ask(router(), request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_plain_document_arrives_as_it_was_sent() {
    let document = r#"{"a":[1,2,{"b":"\u00e4"}]}"#;
    let reply = ask(router(), post_json("/", document)).await;
    assert_eq!((reply.status(), reply.json()), (200, serde_json::from_str(document).unwrap()));
    assert_eq!(raw(Some("application/json"), None, document).await.body, document);
}

#[tokio::test]
async fn a_document_in_pieces_is_put_together() {
    let pieces = ["{\"a\":", "[1", ",2]}"].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    assert_eq!(raw(Some("application/json"), None, body).await.body, "{\"a\":[1,2]}");
}

#[tokio::test]
async fn nesting_is_limited() {
    let reply = ask(router(), post_json("/", "[".repeat(900))).await;
    assert_eq!((reply.status(), reply.problem().as_str()), (400, "json-too-deep"));
    let reply = ask(router(), post_json("/", format!("{}1{}", "[".repeat(8), "]".repeat(8)))).await;
    assert_eq!(reply.status(), 200);
}

#[tokio::test]
async fn keys_that_pollute_prototypes_are_refused() {
    for document in [r#"{"__proto__":{}}"#, r#"{"a":{"constructor":{"prototype":{}}}}"#] {
        let reply = ask(router(), post_json("/", document)).await;
        assert_eq!((reply.status(), reply.problem().as_str()), (400, "json-key"), "{document}");
    }
}

#[tokio::test]
async fn a_document_that_is_too_large_is_refused_with_and_without_a_length() {
    let large = format!("\"{}\"", "a".repeat(1_000));
    assert_eq!(ask(router(), post_json("/", large.clone())).await.problem(), "body-too-large");
    let pieces = large.as_bytes().chunks(100).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)));
    let body = Body::from_stream(futures_util::stream::iter(pieces.collect::<Vec<_>>()));
    let reply = ask(router(), post_json("/", body)).await;
    assert_eq!((reply.status(), reply.problem().as_str()), (413, "body-too-large"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let pieces = [Ok(Bytes::from("[1,")), Err(std::io::Error::other("gone"))];
    let reply = ask(router(), post_json("/", Body::from_stream(futures_util::stream::iter(pieces)))).await;
    assert_eq!((reply.status(), reply.problem().as_str()), (400, "body-incomplete"));
}

#[tokio::test]
async fn content_types_and_encodings_are_checked() {
    assert_eq!(raw(Some("text/plain"), None, "{\"__proto__\":1}").await.status(), 200);
    assert_eq!(raw(None, None, "x").await.status(), 200);
    assert_eq!(raw(None, Some("identity"), "x").await.status(), 200);
    for encoding in ["gzip", "br", "zstd", "gzip, gzip", "identity, gzip"] {
        assert_eq!(raw(Some("application/json"), Some(encoding), "{}").await.problem(), "content-encoding");
    }
    for kind in ["", "json", "application/", "/json", "application json", "a/b/c\u{e4}"] {
        let mut request = http::Request::post("/raw").body(Body::from("{}")).unwrap();
        request.headers_mut().insert("content-type", http::HeaderValue::from_bytes(kind.as_bytes()).unwrap());
        assert_eq!(ask(router(), request).await.problem(), "content-type", "{kind}");
    }
    let twice =
        http::Request::post("/raw").header("content-type", "application/json").header("content-type", "text/plain");
    assert_eq!(ask(router(), twice.body(Body::from("{}")).unwrap()).await.problem(), "content-type");
}
