//! What handlers take, and how it is refused.

use std::sync::Arc;

use athyper::http::{Form, Json, Query, Valid};
use athyper::{Error, ErrorKind, FieldError};
use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::{Validate, ValidationError, ValidationErrors};

use crate::support::{Reply, ask, get as request, post_json};

#[derive(Debug, Deserialize, Serialize)]
struct Order {
    email: String,
    pieces: u32,
    #[serde(default)]
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Line {
    #[serde(rename = "a/b")]
    article: u32,
}

// What `#[derive(Validate)]` writes.
impl Validate for Order {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut errors = ValidationErrors::new();
        if !self.email.contains('@') {
            errors.add("email", ValidationError::new("email"));
        }
        if !(1..=10).contains(&self.pieces) {
            let mut error = ValidationError::new("range");
            error.add_param("min".into(), &1);
            error.add_param("max".into(), &10);
            errors.add("pieces", error);
        }
        errors.merge_self("lines", self.lines.validate());
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

impl Validate for Line {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut errors = ValidationErrors::new();
        if self.article == 0 {
            errors.add("article", ValidationError::new("range").with_message("there is no article 0".into()));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

fn router() -> Router {
    Router::new()
        .route("/json", post(async |Json(order): Json<Order>| Json(order)))
        .route("/valid", post(async |Valid(Json(order)): Valid<Json<Order>>| Json(order)))
        .route("/query", get(async |Valid(Query(order)): Valid<Query<Order>>| order.email))
        .route("/form", post(async |Valid(Form(order)): Valid<Form<Order>>| order.email))
}

async fn json(path: &str, document: &str) -> Reply {
    ask(router(), post_json(path, document.to_owned())).await
}

#[tokio::test]
async fn json_that_does_not_fit_is_refused_at_its_place() {
    for (document, pointer, code) in [
        (r#"{"email":"a","pieces":"many"}"#, "/pieces", "type"),
        (r#"{"email":"a","pieces":-1}"#, "/pieces", "type"),
        (r#"{"email":"a"}"#, "", "missing"),
        (r#"{"email":"a","pieces":1,"lines":[{"a/b":1},{"a/b":[]}]}"#, "/lines/1/a~1b", "type"),
        ("[]", "", "type"),
        ("1", "", "type"),
    ] {
        let reply = json("/json", document).await;
        assert_eq!((reply.status(), reply.problem().as_str()), (422, "json-unfit"), "{document}");
        assert_eq!(
            (&reply.json()["errors"][0]["pointer"], &reply.json()["errors"][0]["code"]),
            (&json!(pointer), &json!(code))
        );
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    for document in ["", "{", "{garbage", "\u{feff}{}", "{\"email\":\"\\ud800\",\"pieces\":1}", "NaN", "{} {}", "[1,]"]
    {
        let reply = json("/json", document).await;
        assert!(reply.status() == 400 || reply.status() == 422, "{document}: {reply:?}");
        reply.problem();
    }
    let untyped = http::Request::post("/json").body(Body::from("{}")).unwrap();
    assert_eq!(ask(router(), untyped).await.status(), 415);
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named() {
    let reply = json("/valid", r#"{"email":"nobody","pieces":11,"lines":[{"a/b":1},{"a/b":0}]}"#).await;
    assert_eq!((reply.status(), reply.problem().as_str()), (422, "validation-failed"));
    assert_eq!(
        reply.json()["errors"],
        json!([
            {"pointer": "/email", "code": "email", "detail": "this is not an e-mail address"},
            {"pointer": "/lines/1/article", "code": "range", "detail": "there is no article 0"},
            {"pointer": "/pieces", "code": "range", "detail": "the value must be between 1 and 10"},
        ])
    );
    assert_eq!(json("/valid", r#"{"email":"a@b","pieces":1}"#).await.status(), 200);
}

#[tokio::test]
async fn queries_and_forms_are_checked_alike() {
    assert_eq!(ask(router(), request("/query?email=a@b&pieces=1")).await.body, "a@b");
    assert_eq!(ask(router(), request("/query?email=a&pieces=1")).await.problem(), "validation-failed");
    assert_eq!(ask(router(), request("/query?email=a&pieces=x")).await.problem(), "query");
    assert_eq!(ask(router(), request("/query")).await.status(), 400);
    let form = |body: &str| {
        let kind = "application/x-www-form-urlencoded";
        http::Request::post("/form").header("content-type", kind).body(Body::from(body.to_owned())).unwrap()
    };
    assert_eq!(ask(router(), form("email=a%40b&pieces=2")).await.body, "a@b");
    assert_eq!(ask(router(), form("email=a&pieces=2")).await.problem(), "validation-failed");
    assert_eq!(ask(router(), form("pieces=2")).await.problem(), "form");
    assert_eq!(
        ask(router(), http::Request::post("/form").body(Body::from("email=a")).unwrap()).await.problem(),
        "form"
    );
}

#[derive(Debug)]
enum ShopError {
    SoldOut,
}

impl From<ShopError> for Error {
    fn from(error: ShopError) -> Self {
        match error {
            ShopError::SoldOut => Self::new(ErrorKind::Conflict, "none are left").with_code("sold-out"),
        }
    }
}

#[tokio::test]
async fn a_products_error_is_a_problem() {
    let buy = async || -> athyper::Result<&'static str> {
        Err(ShopError::SoldOut)?;
        Ok("bought")
    };
    let limited = async || -> athyper::Result<()> {
        Err(Error::new(ErrorKind::RateLimited, "slowly").with_retry_after(std::time::Duration::from_millis(1_001)))
    };
    let invalid = async || -> athyper::Result<()> {
        let field = FieldError { pointer: "/name".into(), code: "taken".into(), detail: "it is taken".into() };
        Err(Error::invalid("try another").with_fields(vec![field]))
    };
    let router = Router::new().route("/", get(buy)).route("/limited", get(limited)).route("/invalid", get(invalid));
    let reply = ask(router.clone(), request("/")).await;
    assert_eq!((reply.status(), reply.problem().as_str()), (409, "sold-out"));
    assert_eq!(reply.json()["detail"], "none are left");
    assert_eq!(ask(router.clone(), request("/limited")).await.header("retry-after"), Some("2"));
    assert_eq!(ask(router, request("/invalid")).await.json()["errors"][0]["code"], "taken");
}

#[tokio::test]
async fn an_internal_error_says_nothing() {
    for kind in [ErrorKind::Internal, ErrorKind::Configuration, ErrorKind::Unavailable, ErrorKind::UnknownOutcome] {
        let handler = async move || -> athyper::Result<()> {
            Err(Error::new(kind, "canary").with_source(std::io::Error::other("canary")).with_status(418))
        };
        let reply = ask(Router::new().route("/", get(handler)), request("/")).await;
        assert!(!reply.body.contains("canary"), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_component_without_a_container_is_an_error_that_says_so() {
    use athyper::http::Inject;
    let router = Router::new().route("/", get(async |Inject(text): Inject<str>| Arc::clone(&text).to_string()));
    assert_eq!(ask(router, request("/")).await.status(), 500);
}
