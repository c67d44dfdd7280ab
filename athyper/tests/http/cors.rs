//! Which web origins may call, on a bare router.

use athyper::http::middleware::{CorsLayer, CorsOptions};
use axum::Router;
use axum::routing::any;

use crate::support::{Reply, ask};

async fn call(credentials: bool, method: &str, origin: Option<&str>, preflight: bool) -> Reply {
    let mut options = CorsOptions::new(["https://shop.example.org", "http://localhost:8080"]);
    options.credentials = credentials;
    let router = Router::new().route("/", any(async || "ok")).layer(CorsLayer::new(options).unwrap());
    let mut request = http::Request::builder().method(method).uri("/");
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    if preflight {
        request = request.header("access-control-request-method", "POST");
    }
    ask(router, request.body(axum::body::Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_listed_origin_may_call() {
    for origin in ["https://shop.example.org", "http://localhost:8080"] {
        let reply = call(true, "GET", Some(origin), false).await;
        assert_eq!((reply.status(), reply.header("access-control-allow-origin")), (200, Some(origin)));
        assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
        let reply = call(false, "OPTIONS", Some(origin), true).await;
        assert_eq!((reply.status(), reply.header("access-control-allow-origin")), (204, Some(origin)));
        assert!(reply.header("access-control-allow-methods").unwrap().contains("POST"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        assert_eq!(reply.body, "");
    }
}

#[tokio::test]
async fn no_other_origin_may() {
    for origin in [
        "null",
        "https://shop.example.org.evil.example",
        "https://evil-shop.example.org",
        "https://evil.example/?https://shop.example.org",
        "http://shop.example.org",
        "https://shop.example.org:444",
        "https://SHOP.example.org",
        "https://shop.example.org/",
        " https://shop.example.org",
        "*",
        "",
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            let reply = call(true, method, Some(origin), false).await;
            assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
            assert_eq!(reply.header("access-control-allow-credentials"), None, "{origin}");
            assert_eq!((reply.status(), reply.header("vary")), (200, Some("origin")), "{method} {origin}");
        }
        let reply = call(true, "OPTIONS", Some(origin), true).await;
        assert_eq!(
            (reply.problem().as_str(), reply.header("access-control-allow-methods")),
            ("origin-not-allowed", None)
        );
    }
}

#[tokio::test]
async fn what_is_no_preflight_reaches_the_handler() {
    for (origin, preflight) in [(None, false), (None, true), (Some("https://shop.example.org"), false)] {
        assert_eq!(call(false, "OPTIONS", origin, preflight).await.body, "ok");
    }
}

#[test]
fn an_origin_that_no_browser_sends_is_refused() {
    for wrong in [
        "*",
        "shop.example.org",
        "https://*.example.org",
        "https://shop.example.org/",
        "https://a@b",
        "null",
        "https://Shop.example",
    ] {
        assert!(CorsLayer::new(CorsOptions::new([wrong])).is_err(), "{wrong}");
    }
}
