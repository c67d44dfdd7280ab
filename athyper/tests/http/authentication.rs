//! Bearer tokens, on a bare router.

use std::sync::Arc;

use async_trait::async_trait;
use athyper::authentication::{Authenticator, StaticTokenAuthenticator};
use athyper::context::{Context, Principal, current_context};
use athyper::http::middleware::AuthenticationLayer;
use athyper::{Error, Result};
use axum::Router;
use axum::routing::get;

use crate::support::{Reply, ask, get as request};

fn authenticator() -> Arc<dyn Authenticator> {
    Arc::new(
        StaticTokenAuthenticator::new()
            .with_token("token-of-alice", Principal::new("alice").with_tenant("acme").with_role("admin"))
            .with_token("token-of-bob", Principal::new("bob")),
    )
}

fn router(layer: AuthenticationLayer) -> Router {
    let who = async |context: Context, principal: Option<Principal>| {
        assert_eq!(context.principal(), principal.as_ref());
        assert_eq!(current_context().unwrap().principal(), principal.as_ref());
        let tenant = context.tenant().unwrap_or("-").to_owned();
        format!("{} {tenant}", principal.map_or_else(|| "nobody".to_owned(), |principal| principal.id))
    };
    Router::new().route("/who", get(who)).route("/mine", get(async |principal: Principal| principal.id)).layer(layer)
}

async fn with(layer: AuthenticationLayer, path: &str, authorization: &[&str]) -> Reply {
    let mut request = request(path);
    for value in authorization {
        request.headers_mut().append("authorization", http::HeaderValue::from_str(value).unwrap());
    }
    ask(router(layer), request).await
}

#[tokio::test]
async fn a_known_token_proves_who_it_is() {
    let layer = AuthenticationLayer::new(authenticator());
    for authorization in ["Bearer token-of-alice", "bearer token-of-alice", "BEARER   token-of-alice"] {
        assert_eq!(with(layer.clone(), "/who", &[authorization]).await.body, "alice acme", "{authorization}");
    }
    assert_eq!(with(layer.clone(), "/who", &["Bearer token-of-bob"]).await.body, "bob -");
    assert_eq!(with(layer, "/mine", &["Bearer token-of-bob"]).await.body, "bob");
}

#[tokio::test]
async fn without_a_token_it_depends_on_the_layer() {
    let reply = with(AuthenticationLayer::new(authenticator()), "/who", &[]).await;
    assert_eq!((reply.problem().as_str(), reply.header("www-authenticate")), ("unauthenticated", Some("Bearer")));
    let optional = AuthenticationLayer::optional(authenticator());
    assert_eq!(with(optional.clone(), "/who", &[]).await.body, "nobody -");
    let reply = with(optional, "/mine", &[]).await;
    assert_eq!((reply.status(), reply.header("www-authenticate")), (401, Some("Bearer")));
}

#[tokio::test]
async fn what_proves_nothing_is_refused_everywhere() {
    for authorization in [
        vec!["Bearer wrong"],
        vec!["Bearer token-of-alicetoken-of-alice"],
        vec!["Bearer token-of-alic"],
        vec!["Bearer "],
        vec!["Bearer"],
        vec!["Bearer a b"],
        vec!["Basic dXNlcjpwYXNz"],
        vec!["token-of-alice"],
        vec![""],
        vec!["Bearer token-of-alice", "Bearer token-of-bob"],
    ] {
        let reply = with(AuthenticationLayer::optional(authenticator()), "/who", &authorization).await;
        assert_eq!(reply.status(), 401, "{authorization:?}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{authorization:?}");
    }
}

#[derive(Debug)]
struct Unreachable;

#[async_trait]
impl Authenticator for Unreachable {
    async fn authenticate(&self, _token: &str) -> Result<Principal> {
        tokio::task::yield_now().await;
        Err(Error::unavailable("connection to idp.internal:8443 refused"))
    }
}

#[tokio::test]
async fn an_authenticator_that_cannot_tell_is_not_the_clients_fault() {
    let reply = with(AuthenticationLayer::new(Arc::new(Unreachable)), "/who", &["Bearer x"]).await;
    assert_eq!((reply.status(), reply.header("www-authenticate")), (503, None));
    assert!(!reply.body.contains("idp.internal"), "{}", reply.body);
}

#[test]
fn tokens_are_not_printed() {
    let text = format!("{:?}", authenticator());
    assert!(text.contains("alice") && !text.contains("token-of"), "{text}");
}
