//! The stack as data: which middlewares stand before the handlers, in which order.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt};

use super::authentication::AuthenticationLayer;
use super::client_address::TrustedProxies;
use super::container::ContainerLayer;
use super::correlation::CorrelationLayer;
use super::cors::{CorsLayer, CorsOptions};
use super::error_documents::ErrorDocumentLayer;
use super::filter::{Execution, Filter, Filtered};
use super::panic_capture::PanicLayer;
use super::rate_limit::{RateLimitLayer, RateLimiter};
use super::record::RequestRecordLayer;
use super::request_timeout::RequestTimeoutLayer;
use super::security_headers::SecurityHeadersLayer;
use super::size_limits::{SizeLimitLayer, SizeLimits};
use super::validation::{ValidationLayer, ValidationOptions};
use crate::foundation::authentication::Authenticator;
use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, Result};
use crate::foundation::metrics::MetricsRegistry;
use crate::foundation::rate_limit::Quota;
use crate::runtime::container::Container;
use crate::runtime::http::PROBE_PATHS;

/// Any service between two middlewares.
type Boxed = BoxCloneSyncService<Request, Response, Infallible>;

/// What the standard stack is made from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StackOptions {
    /// The time of limits and time-outs.
    pub clock: Arc<dyn Clock>,
    /// Where requests are counted.
    pub metrics: MetricsRegistry,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: TrustedProxies,
    /// The `Content-Security-Policy`, if another than the standard one.
    pub content_security_policy: Option<String>,
    /// Which web origins may call; none without.
    pub cors: Option<CorsOptions>,
    /// How often one client may call; without, as often as it likes.
    pub rate_limit: Option<Quota>,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How large a request may be.
    pub sizes: SizeLimits,
    /// What is put up with in JSON bodies.
    pub validation: ValidationOptions,
    /// Who knows whose token it is; without, nobody has to prove anything.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Where the components of handlers come from.
    pub container: Option<Container>,
}

impl StackOptions {
    /// The standard: 100 requests a second from one client, 30 seconds a request, 2 MiB bodies.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, metrics: MetricsRegistry) -> Self {
        Self {
            clock,
            metrics,
            proxies: TrustedProxies::none(),
            content_security_policy: None,
            cors: None,
            rate_limit: Some(Quota { capacity: 1_000, period: Duration::from_secs(10) }),
            request_timeout: Duration::from_secs(30),
            sizes: SizeLimits::default(),
            validation: ValidationOptions::default(),
            authenticator: None,
            container: None,
        }
    }
}

#[derive(Clone)]
enum Stage {
    Record(RequestRecordLayer),
    Filter(Arc<dyn Filter>),
    Layer(Arc<dyn Fn(Boxed) -> Boxed + Send + Sync>),
    /// Told to the record by each route, inside of the router, so that the record counts.
    Metrics,
    /// Told to the record by each route, inside of the router, so that the record logs.
    Logging,
}

fn stage<L>(layer: L) -> Stage
where
    L: Layer<Boxed> + Send + Sync + 'static,
    L::Service: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Response: IntoResponse,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    Stage::Layer(Arc::new(move |inner| {
        BoxCloneSyncService::new(layer.layer(inner).map_response(IntoResponse::into_response))
    }))
}

#[derive(Clone)]
struct Entry {
    name: Cow<'static, str>,
    stage: Stage,
}

/// The middlewares before the handlers, outermost first, as data: it can be read, changed and applied.
///
/// The standard order, and why:
///
/// | name | what for |
/// | --- | --- |
/// | `record` | opens the request record; counts and logs when the response has ended, whoever answered |
/// | `correlation` | request id and trace, for everything further in and for every response |
/// | `security-headers` | on every response, errors and preflights included |
/// | `problems` | errors without a document get one |
/// | `panic` | a panic further in becomes a 500 that has passed all of the above on its way out |
/// | `cors` | preflights carry no credentials: before authentication |
/// | `rate-limit` | before anything that costs memory or time |
/// | `timeout` | from here on things can wait |
/// | `size-limits` | before a body is read |
/// | `validation` | content type, encoding, JSON nesting and keys |
/// | `authentication` | whose token it is |
/// | `container` | where the handlers' components come from |
/// | `metrics` | inside of the router: the route template for the record |
/// | `logging` | inside of the router: route, principal and tenant for the line |
///
/// ```
/// # use std::sync::Arc;
/// # use athyper::clock::SystemClock;
/// # use athyper::metrics::MetricsRegistry;
/// use athyper::http::middleware::{MiddlewareStack, StackOptions};
/// use axum::{Router, routing::get};
///
/// # let clock = Arc::new(SystemClock::new());
/// # let metrics = MetricsRegistry::new(clock.clone());
/// let stack = MiddlewareStack::standard(StackOptions::new(clock, metrics))?.without("rate-limit")?;
/// assert_eq!(stack.names().next(), Some("record"));
/// let service = stack.apply(Router::new().route("/", get(async || "hello")));
/// # Ok::<(), athyper::Error>(())
/// ```
#[derive(Clone)]
pub struct MiddlewareStack {
    entries: Vec<Entry>,
}

impl fmt::Debug for MiddlewareStack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}

impl MiddlewareStack {
    /// No middleware.
    #[must_use]
    pub const fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    /// The standard stack. `cors`, `rate-limit`, `authentication` and `container` stand in it only if the options ask for
    /// them.
    ///
    /// # Errors
    /// `Configuration` when an option is not usable.
    pub fn standard(options: StackOptions) -> Result<Self> {
        let StackOptions { clock, metrics, proxies, .. } = options;
        let record = RequestRecordLayer::behind(Arc::clone(&clock), &metrics, proxies.clone())?;
        let security = match &options.content_security_policy {
            Some(policy) => SecurityHeadersLayer::new().with_content_security_policy(policy)?,
            None => SecurityHeadersLayer::new(),
        };
        let cors = options.cors.map(CorsLayer::new).transpose()?;
        let rate_limit = options.rate_limit.map(|quota| {
            let limiter = RateLimiter::new(Arc::clone(&clock), quota);
            RateLimitLayer::behind(limiter, proxies, &PROBE_PATHS)
        });
        let authentication = options.authenticator.map(AuthenticationLayer::optional);
        let timeout = RequestTimeoutLayer::new(clock, options.request_timeout);
        let filters = [
            ("correlation", Some(CorrelationLayer::new().filter())),
            ("security-headers", Some(security.filter())),
            ("problems", Some(ErrorDocumentLayer::new().filter())),
            ("panic", Some(PanicLayer::new().filter())),
            ("cors", cors.map(|layer| layer.filter())),
            ("rate-limit", rate_limit.map(|layer| layer.filter())),
            ("timeout", Some(timeout.filter())),
            ("size-limits", Some(SizeLimitLayer::new(options.sizes).filter())),
            ("validation", Some(ValidationLayer::new(options.validation).filter())),
            ("authentication", authentication.map(|layer| layer.filter())),
            ("container", options.container.map(|container| ContainerLayer::new(container).filter())),
        ];
        let filters = filters
            .into_iter()
            .filter_map(|(name, filter)| Some(Entry { name: Cow::Borrowed(name), stage: Stage::Filter(filter?) }));
        let entry = |name, stage| Entry { name: Cow::Borrowed(name), stage };
        let mut entries = vec![entry("record", Stage::Record(record))];
        entries.extend(filters);
        entries.extend([entry("metrics", Stage::Metrics), entry("logging", Stage::Logging)]);
        Ok(Self { entries })
    }

    /// The names, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.name)
    }

    /// The stack without one of them.
    ///
    /// # Errors
    /// `Configuration` when there is none of that name.
    pub fn without(mut self, name: &str) -> Result<Self> {
        let index = self.position(name)?;
        self.entries.remove(index);
        Ok(self)
    }

    /// The stack with another layer in the place of one of them, under the same name.
    ///
    /// # Errors
    /// `Configuration` when there is none of that name.
    pub fn replace<L>(mut self, name: &str, layer: L) -> Result<Self>
    where
        L: Layer<Boxed> + Send + Sync + 'static,
        L::Service: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        let index = self.position(name)?;
        self.entries[index].stage = stage(layer);
        Ok(self)
    }

    /// The stack with a layer more, directly outside of another.
    ///
    /// # Errors
    /// `Configuration` when there is none of that name, or one of the new name already.
    pub fn insert_before<L>(self, other: &str, name: impl Into<Cow<'static, str>>, layer: L) -> Result<Self>
    where
        L: Layer<Boxed> + Send + Sync + 'static,
        L::Service: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        let index = self.position(other)?;
        self.insert(index, name.into(), stage(layer))
    }

    /// The stack with a layer more, directly inside of another.
    ///
    /// # Errors
    /// `Configuration` when there is none of that name, or one of the new name already.
    pub fn insert_after<L>(self, other: &str, name: impl Into<Cow<'static, str>>, layer: L) -> Result<Self>
    where
        L: Layer<Boxed> + Send + Sync + 'static,
        L::Service: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        let index = self.position(other)? + 1;
        self.insert(index, name.into(), stage(layer))
    }

    fn insert(mut self, index: usize, name: Cow<'static, str>, stage: Stage) -> Result<Self> {
        if self.names().any(|own| own == name) {
            return Err(Error::configuration(format!("there is a middleware `{name}` already")));
        }
        self.entries.insert(index, Entry { name, stage });
        Ok(self)
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.entries.iter().position(|entry| entry.name == name).ok_or_else(|| {
            let names: Vec<_> = self.names().collect();
            Error::configuration(format!("there is no middleware `{name}`; there are {}", names.join(", ")))
                .with_code("middleware-unknown")
        })
    }

    /// Puts the stack before a router.
    #[must_use]
    pub fn apply(&self, router: Router) -> HttpService {
        let counts = self.entries.iter().any(|entry| matches!(entry.stage, Stage::Metrics));
        let logs = self.entries.iter().any(|entry| matches!(entry.stage, Stage::Logging));
        let mut filters: Vec<Arc<dyn Filter>> = Vec::new();
        let mut service = Inner::Router(router);
        for entry in self.entries.iter().rev() {
            match &entry.stage {
                Stage::Filter(filter) => filters.push(Arc::clone(filter)),
                Stage::Layer(layer) => service = Inner::Boxed(layer(service.behind(&mut filters).boxed())),
                Stage::Record(record) => filters.push(record.filter(counts, logs)),
                Stage::Metrics | Stage::Logging => {}
            }
        }
        HttpService(service.behind(&mut filters))
    }
}

#[derive(Clone)]
enum Inner {
    Router(Router),
    Boxed(Boxed),
}

impl Inner {
    /// Puts the filters collected so far, innermost first, before it.
    fn behind(self, filters: &mut Vec<Arc<dyn Filter>>) -> Shape {
        let list: Arc<[Arc<dyn Filter>]> = std::mem::take(filters).into_iter().rev().collect();
        match self {
            // Everything the product runs lies in the router.
            Self::Router(router) => Shape::Direct(Filtered::new(list, router, true)),
            Self::Boxed(service) => Shape::Layered(Filtered::new(list, service, false)),
        }
    }
}

#[derive(Clone)]
enum Shape {
    Direct(Filtered<Router>),
    Layered(Filtered<Boxed>),
}

impl Shape {
    fn boxed(self) -> Boxed {
        match self {
            Self::Direct(service) => BoxCloneSyncService::new(service),
            Self::Layered(service) => BoxCloneSyncService::new(service),
        }
    }
}

/// A router behind a [`MiddlewareStack`]: what the [`HttpServer`](crate::http::HttpServer) serves.
#[derive(Clone)]
pub struct HttpService(Shape);

impl fmt::Debug for HttpService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpService").finish_non_exhaustive()
    }
}

impl Service<Request> for HttpService {
    type Response = Response;
    type Error = Infallible;
    type Future = Handling;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match &mut self.0 {
            Shape::Direct(service) => service.poll_ready(context),
            Shape::Layered(service) => service.poll_ready(context),
        }
    }

    fn call(&mut self, request: Request) -> Handling {
        match &mut self.0 {
            Shape::Direct(service) => Handling(Running::Direct(service.call(request))),
            Shape::Layered(service) => Handling(Running::Layered(service.call(request))),
        }
    }
}

#[derive(Debug)]
enum Running {
    Direct(Execution<Router>),
    Layered(Execution<Boxed>),
}

/// The future of a response of an [`HttpService`].
#[derive(Debug)]
pub struct Handling(Running);

impl Future for Handling {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            Running::Direct(execution) => Pin::new(execution).poll(context),
            Running::Layered(execution) => Pin::new(execution).poll(context),
        }
    }
}
