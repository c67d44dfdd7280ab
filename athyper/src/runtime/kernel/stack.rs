//! The product's HTTP: its routes, the probes, and the middleware around them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::checked::Kernel;
use crate::foundation::authentication::Authenticator;
use crate::foundation::clock::Clock;
use crate::foundation::config::ByteSize;
use crate::foundation::container::TypeKey;
use crate::foundation::context::Principal;
use crate::foundation::error::Result;
use crate::foundation::metrics::MetricsRegistry;
use crate::foundation::rate_limit::Quota;
use crate::runtime::config::Configuration;
use crate::runtime::config::sections::{CorsConfig, HttpConfig, RateLimitConfig, SecurityHeadersConfig};
use crate::runtime::container::Container;
use crate::runtime::http::{EnterRouteLayer, HealthRegistry, Readiness, probe_router};
use crate::runtime::middleware::{
    CorsOptions, HttpService, MiddlewareStack, Network, SizeLimits, StackOptions, TrustedProxies, ValidationOptions,
};

/// What a product changes in the stack.
pub(super) type ChangeStack = Box<dyn FnOnce(MiddlewareStack) -> Result<MiddlewareStack> + Send>;

/// The stack that the configuration asks for.
pub(super) fn standard(
    configuration: &Configuration,
    container: &Container,
    clock: &Arc<dyn Clock>,
    metrics: &MetricsRegistry,
) -> Result<MiddlewareStack> {
    let http = configuration.section::<HttpConfig>()?;
    let limit = configuration.section::<RateLimitConfig>()?;
    let security = configuration.section::<SecurityHeadersConfig>()?;
    let cors = configuration.section::<CorsConfig>()?;

    let mut options = StackOptions::new(Arc::clone(clock), metrics.clone());
    options.container = Some(container.clone());
    options.request_timeout = http.request_timeout;
    options.sizes = SizeLimits {
        uri_bytes: bytes(http.max_uri_size),
        header_bytes: bytes(http.max_head_size),
        body_bytes: bytes(http.max_body_size),
    };
    options.validation = ValidationOptions { json_bytes: bytes(http.max_body_size), ..ValidationOptions::default() };
    let proxies: Result<Vec<Network>> = http.trusted_proxies.iter().map(|proxy| proxy.parse()).collect();
    options.proxies = TrustedProxies::new(proxies?);
    options.rate_limit = limit.enabled.then_some(Quota { capacity: limit.capacity, period: limit.period });
    options.content_security_policy.clone_from(&security.content_security_policy);
    options.cors = (!cors.allowed_origins.is_empty()).then(|| {
        let mut allowed = CorsOptions::new(cors.allowed_origins.clone());
        allowed.credentials = cors.allow_credentials;
        allowed.max_age = cors.max_age;
        allowed
    });
    let key = TypeKey::of::<dyn Authenticator>();
    if container.graph().nodes().iter().any(|node| node.key == key || node.bindings.contains(&key)) {
        options.authenticator = Some(Arc::new(ProductAuthenticator { container: container.clone() }));
    }
    let stack = MiddlewareStack::standard(options)?;
    if security.enabled { Ok(stack) } else { stack.without("security-headers") }
}

/// The product's routes and the probes, behind the stack.
pub(super) fn serve(
    kernel: &Kernel,
    health: &HealthRegistry,
    readiness: &Readiness,
    metrics: &MetricsRegistry,
) -> HttpService {
    let public_metrics = kernel.management_options().is_none().then(|| metrics.clone());
    let probes = probe_router(health.clone(), readiness.clone(), public_metrics);
    let product: axum::Router = kernel.router.clone().into();
    let product = product.merge(probes.route_layer(EnterRouteLayer::new(true)));
    kernel.middleware.apply(product)
}

pub(super) fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.bytes()).unwrap_or(usize::MAX)
}

/// The authenticator that the product provides, built when the first token comes.
struct ProductAuthenticator {
    container: Container,
}

impl fmt::Debug for ProductAuthenticator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ProductAuthenticator")
    }
}

#[async_trait]
impl Authenticator for ProductAuthenticator {
    async fn authenticate(&self, token: &str) -> Result<Principal> {
        let authenticator: Arc<dyn Authenticator> = self.container.resolve().await?;
        authenticator.authenticate(token).await
    }
}
