//! What is known of a request while it is handled: shared by the middlewares, the router and the handler.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use http::{Method, Uri};
use tokio::runtime::Handle;

use crate::foundation::clock::Clock;
use crate::foundation::context::{Context, Principal};
use crate::foundation::error::{Error, ErrorKind};
use crate::runtime::container::{Container, RequestScope};

/// Whether somebody proved who they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Nobody asked for a proof.
    #[default]
    NotAsked,
    /// A proof was asked for and none was given.
    Missing,
    /// It was proven.
    Proven,
}

/// What is found out about a request while it is handled.
#[derive(Debug, Default)]
struct Findings {
    context: Option<Context>,
    route: Option<MatchedPath>,
    identity: Identity,
    error: Option<Arc<str>>,
}

/// One request, as the middlewares and the handler see it: in the request's extensions from the first middleware on.
#[derive(Debug)]
pub(crate) struct RequestRecord {
    method: Method,
    uri: Uri,
    peer: Option<SocketAddr>,
    client: OnceLock<IpAddr>,
    started: OnceLock<Duration>,
    claims: AtomicU8,
    container: OnceLock<Container>,
    scope: OnceLock<RequestScope>,
    findings: Mutex<Findings>,
}

/// Somebody counts the request.
const COUNTED: u8 = 1;
/// Somebody logs the request.
const LOGGED: u8 = 2;

impl RequestRecord {
    /// The request's record, begun if nobody has begun one.
    pub(crate) fn of(request: &mut Request) -> Arc<Self> {
        if let Some(record) = request.extensions().get::<Arc<Self>>() {
            return Arc::clone(record);
        }
        let record = Arc::new(Self::begin(request));
        request.extensions_mut().insert(Arc::clone(&record));
        record
    }

    fn begin(request: &Request) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            peer,
            client: OnceLock::new(),
            started: OnceLock::new(),
            claims: AtomicU8::new(0),
            container: OnceLock::new(),
            scope: OnceLock::new(),
            findings: Mutex::default(),
        }
    }

    fn findings(&self) -> MutexGuard<'_, Findings> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller is the first who wants to count it, and so has to.
    pub(crate) fn claim_count(&self) -> bool {
        self.claims.fetch_or(COUNTED, Ordering::Relaxed) & COUNTED == 0
    }

    /// Whether the caller is the first who wants to log it, and so has to.
    pub(crate) fn claim_line(&self) -> bool {
        self.claims.fetch_or(LOGGED, Ordering::Relaxed) & LOGGED == 0
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// When the first middleware that looks at the clock saw it; zero before that.
    pub(crate) fn started(&self) -> Duration {
        self.started.get().copied().unwrap_or_default()
    }

    /// Reads the clock if nobody has.
    pub(crate) fn start_by(&self, clock: &dyn Clock) {
        self.started.get_or_init(|| clock.since_boot());
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The client's address: the peer's unless a middleware that knows trusted proxies found another. Unspecified without a
    /// connection.
    pub(crate) fn client(&self) -> IpAddr {
        self.client
            .get()
            .copied()
            .unwrap_or_else(|| self.peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip().to_canonical()))
    }

    pub(crate) fn has_client(&self) -> bool {
        self.client.get().is_some()
    }

    pub(crate) fn set_client(&self, client: IpAddr) {
        let _ = self.client.set(client);
    }

    /// The context; a new one without the correlation middleware.
    pub(crate) fn context(&self) -> Context {
        self.findings().context.get_or_insert_with(Context::background).clone()
    }

    /// The context if a middleware or the handler made one.
    pub(crate) fn known_context(&self) -> Option<Context> {
        self.findings().context.clone()
    }

    pub(crate) fn set_context(&self, context: Context) {
        self.findings().context = Some(context);
    }

    pub(crate) fn prove(&self, principal: Principal) {
        let mut findings = self.findings();
        findings.identity = Identity::Proven;
        let context = findings.context.take().unwrap_or_else(Context::background);
        let context = match &principal.tenant {
            Some(tenant) => context.with_tenant(tenant.as_str()),
            None => context,
        };
        findings.context = Some(context.with_principal(principal));
    }

    pub(crate) fn miss_identity(&self) {
        self.findings().identity = Identity::Missing;
    }

    pub(crate) fn identity(&self) -> Identity {
        self.findings().identity
    }

    /// Where the handler's components come from.
    pub(crate) fn set_container(&self, container: Container) {
        let _ = self.container.set(container);
    }

    pub(crate) fn container(&self) -> Option<&Container> {
        self.container.get()
    }

    /// The request's own components: opened when something wants one.
    pub(crate) fn scope(&self) -> Option<&RequestScope> {
        let container = self.container.get()?;
        Some(self.scope.get_or_init(|| container.request(self.context())))
    }

    pub(crate) fn set_route(&self, route: MatchedPath) {
        self.findings().route = Some(route);
    }

    pub(crate) fn route(&self) -> Option<MatchedPath> {
        self.findings().route.clone()
    }

    pub(crate) fn set_error(&self, error: Arc<str>) {
        self.findings().error = Some(error);
    }

    pub(crate) fn error(&self) -> Option<Arc<str>> {
        self.findings().error.clone()
    }
}

impl Drop for RequestRecord {
    /// The last to hold it is the response body, or whoever gave the request up: now its components are of no more use.
    fn drop(&mut self) {
        let Some(scope) = self.scope.take().filter(RequestScope::is_to_be_closed) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            for failure in scope.close().await {
                tracing::warn!(
                    component = failure.label,
                    error = failure.error.report(),
                    "a component of a request did not close"
                );
            }
        });
    }
}

/// Tells the record of a request which route matched, and answers it if it proves no identity and has to.
///
/// Only what lies inside of a router sees the template that matched.
pub(crate) fn enter_route(request: &Request, is_anonymous: bool) -> Option<Response> {
    let record = request.extensions().get::<Arc<RequestRecord>>()?;
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        record.set_route(route.clone());
    }
    (!is_anonymous && record.identity() == Identity::Missing).then(unauthenticated)
}

/// The answer to a request that proves no identity and has to.
pub(crate) fn unauthenticated() -> Response {
    Error::new(ErrorKind::Unauthenticated, "this needs a bearer token").into_response()
}
