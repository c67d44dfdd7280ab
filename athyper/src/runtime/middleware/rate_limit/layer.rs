//! The layer that asks the limiter.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{HeaderName, HeaderValue};

use super::limiter::RateLimiter;
use crate::foundation::error::{Error, ErrorKind};
use crate::runtime::middleware::client_address::TrustedProxies;
use crate::runtime::middleware::exchange::Exchange;
use crate::runtime::middleware::filter::{Filter, Flow, single_filter_layers};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

#[derive(Debug)]
struct RateLimitFilter {
    limiter: Arc<RateLimiter>,
    proxies: TrustedProxies,
    limit: HeaderValue,
    policy: HeaderValue,
    exempt: &'static [&'static str],
}

/// A number as a value, in half the allocations of `HeaderValue::from`.
fn number(value: impl itoa::Integer) -> HeaderValue {
    let text = HeaderValue::from_str(itoa::Buffer::new().format(value));
    text.unwrap_or(const { HeaderValue::from_static("0") })
}

impl Filter for RateLimitFilter {
    fn before(&self, request: &mut Request, exchange: &mut Exchange) -> Flow {
        if self.exempt.contains(&request.uri().path()) {
            return Flow::Continue;
        }
        self.proxies.find_client(request, &exchange.record);
        let decision = self.limiter.take(exchange.record.client());
        exchange.allowance = Some(decision);
        if decision.allowed {
            return Flow::Continue;
        }
        let error = Error::new(ErrorKind::RateLimited, "too many requests from this address");
        Flow::Answer(error.with_retry_after(decision.retry_after).into_response())
    }

    fn after(&self, exchange: &mut Exchange, response: &mut Response) {
        let Some(decision) = exchange.allowance.take() else { return };
        let reset = decision.reset_after.as_secs() + u64::from(decision.reset_after.subsec_nanos() > 0);
        let headers = response.headers_mut();
        headers.insert(LIMIT, self.limit.clone());
        headers.insert(REMAINING, number(decision.remaining));
        headers.insert(RESET, number(reset));
        headers.insert(POLICY, self.policy.clone());
    }

    fn added_fields(&self) -> usize {
        4
    }
}

/// Answers 429 to a client that calls too often: one token bucket for each client address.
///
/// Every response tells the client where it stands by the fields `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset` and
/// `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-06; a 429 says with `Retry-After` when to come back.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use athyper::clock::SystemClock;
/// use athyper::http::middleware::{RateLimitLayer, RateLimiter};
/// use athyper::rate_limit::Quota;
/// use axum::Router;
///
/// let quota = Quota { capacity: 100, period: Duration::from_secs(10) };
/// let layer = RateLimitLayer::new(RateLimiter::new(Arc::new(SystemClock::new()), quota));
/// let router: Router = Router::new().layer(layer);
/// ```
#[derive(Debug, Clone)]
pub struct RateLimitLayer(Arc<dyn Filter>);

impl RateLimitLayer {
    /// Asks `limiter` about the peer's address.
    #[must_use]
    pub fn new(limiter: RateLimiter) -> Self {
        Self::behind(limiter, TrustedProxies::none(), &[])
    }

    /// Asks `limiter` about the client's address behind proxies whose `X-Forwarded-For` is to be believed, except for requests of
    /// the `exempt` paths.
    #[must_use]
    pub fn behind(limiter: RateLimiter, proxies: TrustedProxies, exempt: &'static [&'static str]) -> Self {
        let quota = limiter.quota();
        let window = quota.period.as_secs().max(1);
        let policy = HeaderValue::from_str(&format!("{};w={window}", quota.capacity));
        Self(Arc::new(RateLimitFilter {
            limit: HeaderValue::from(quota.capacity),
            policy: policy.unwrap_or_else(|_| HeaderValue::from(quota.capacity)),
            limiter: Arc::new(limiter),
            proxies,
            exempt,
        }))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

single_filter_layers!(RateLimitLayer);
