//! The layer that asks the authenticator.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};

use crate::foundation::authentication::Authenticator;
use crate::foundation::error::{Error, ErrorKind};
use crate::runtime::http::unauthenticated;
use crate::runtime::middleware::exchange::Exchange;
use crate::runtime::middleware::filter::{Filter, Flow, single_filter_layers};

#[derive(Debug)]
struct AuthenticationFilter {
    authenticator: Arc<dyn Authenticator>,
    is_required: bool,
}

/// The answer to a proof that is none (RFC 6750, section 3.1).
fn refused(error: Error) -> Response {
    let is_proof_wrong = error.status() == StatusCode::UNAUTHORIZED.as_u16();
    let mut response = error.into_response();
    if is_proof_wrong {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

enum Given {
    Nothing,
    Token(String),
    Nonsense,
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1).
fn token(request: &Request) -> Given {
    let mut values = request.headers().get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Given::Nothing,
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Given::Nonsense,
    };
    let Ok(text) = value.to_str() else { return Given::Nonsense };
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim_matches(' ');
            let is_token68 = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
            if !token.is_empty() && token.bytes().all(is_token68) {
                Given::Token(token.to_owned())
            } else {
                Given::Nonsense
            }
        }
        _ => Given::Nonsense,
    }
}

impl Filter for AuthenticationFilter {
    fn before(&self, request: &mut Request, exchange: &mut Exchange) -> Flow {
        match token(request) {
            Given::Nothing if self.is_required => Flow::Answer(unauthenticated()),
            Given::Nothing => {
                exchange.record.miss_identity();
                Flow::Continue
            }
            Given::Nonsense => {
                Flow::Answer(refused(Error::new(ErrorKind::Unauthenticated, "send one `Authorization: Bearer` header")))
            }
            Given::Token(token) => {
                let authenticator = Arc::clone(&self.authenticator);
                let record = Arc::clone(&exchange.record);
                Flow::Check(Box::pin(async move {
                    let principal = authenticator.authenticate(&token).await.map_err(refused)?;
                    record.prove(principal);
                    Ok(())
                }))
            }
        }
    }

    fn enters_context(&self) -> bool {
        true
    }
}

/// Asks an [`Authenticator`](crate::authentication::Authenticator) who stands behind the bearer token of a request.
///
/// A token that proves nothing is answered 401 everywhere. Without a token, what happens depends on where the layer stands:
///
/// - On a bare router, [`new`](Self::new) answers 401, so it belongs on the routes that need an identity;
///   [`optional`](Self::optional) lets the request on without a principal.
/// - In the stack of a kernel it is optional, and each route by itself holds back requests without an identity, unless the route
///   was added as anonymous: `get(handler).anonymous()`.
///
/// ```
/// use std::sync::Arc;
///
/// use athyper::authentication::StaticTokenAuthenticator;
/// use athyper::http::middleware::AuthenticationLayer;
/// use axum::{Router, routing::get};
///
/// let authenticator = Arc::new(StaticTokenAuthenticator::new());
/// let closed = Router::new().route("/account", get(async || "yours")).layer(AuthenticationLayer::new(authenticator));
/// let router: Router = Router::new().route("/", get(async || "welcome")).merge(closed);
/// ```
#[derive(Debug, Clone)]
pub struct AuthenticationLayer(Arc<dyn Filter>);

impl AuthenticationLayer {
    /// Answers 401 to a request without a token.
    #[must_use]
    pub fn new(authenticator: Arc<dyn Authenticator>) -> Self {
        Self(Arc::new(AuthenticationFilter { authenticator, is_required: true }))
    }

    /// Lets a request without a token on.
    #[must_use]
    pub fn optional(authenticator: Arc<dyn Authenticator>) -> Self {
        Self(Arc::new(AuthenticationFilter { authenticator, is_required: false }))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

single_filter_layers!(AuthenticationLayer);
