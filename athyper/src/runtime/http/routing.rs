//! Routes: axum's router and method routers, remembering what was put into them.
//!
//! axum erases handlers as they are added. These wrappers note method, path, handler, place and injected types first, so that
//! the `routes` command can list them and the graph check covers what handlers inject.

use std::convert::Infallible;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::Route;
use tower::{Layer, Service};

use super::entering::EnterRouteLayer;
use crate::foundation::container::Place;

/// One route, as the `routes` command lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteDescription {
    /// The method, or `ANY`.
    pub method: &'static str,
    /// The path, as axum matches it.
    pub path: String,
    /// The handler's path in the product's code.
    pub handler: &'static str,
    /// Where it was added.
    pub place: Place,
    /// The full names of the types its `Inject<…>` parameters ask for.
    pub injects: Vec<&'static str>,
    /// Whether it answers requests that prove no identity.
    pub anonymous: bool,
}

#[derive(Debug, Clone, Copy)]
struct Endpoint {
    method: &'static str,
    handler: &'static str,
    parameters: &'static str,
    place: Place,
}

/// The handlers of one path, by method: axum's `MethodRouter`, remembering what was put into it.
#[derive(Debug, Clone)]
#[must_use]
pub struct MethodRouter {
    inner: axum::routing::MethodRouter,
    endpoints: Vec<Endpoint>,
    anonymous: bool,
}

/// Routes of a product: axum's `Router`, remembering what was put into it.
///
/// Handlers, extractors and tower layers are axum's own; a plain [`axum::Router`] can be merged or nested, and then its routes
/// work but are not listed.
///
/// ```
/// use athyper::http::{Router, get};
///
/// async fn hello() -> &'static str {
///     "hello"
/// }
///
/// let router = Router::new().route("/hello", get(hello));
/// assert_eq!(router.descriptions()[0].path, "/hello");
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Router {
    inner: axum::Router,
    descriptions: Vec<RouteDescription>,
    unlisted: bool,
}

impl Endpoint {
    #[track_caller]
    fn of<H, T>(method: &'static str) -> Self {
        Self {
            method,
            handler: std::any::type_name::<H>(),
            parameters: std::any::type_name::<T>(),
            place: Place::caller(),
        }
    }

    fn describe(&self, path: &str, anonymous: bool) -> RouteDescription {
        RouteDescription {
            method: self.method,
            path: path.to_owned(),
            handler: self.handler,
            place: self.place,
            injects: injected_types(self.parameters),
            anonymous,
        }
    }
}

/// The `X` of every `…::Inject<X>` in the name of a handler's parameter tuple.
///
/// The compiler writes the same name for a type wherever it is asked, so the text identifies the provider.
fn injected_types(parameters: &'static str) -> Vec<&'static str> {
    const OPENING: &str = "::extract::inject::Inject<";
    let mut found = Vec::new();
    let mut rest = parameters;
    while let Some(start) = rest.find(OPENING) {
        rest = &rest[start + OPENING.len()..];
        let mut depth = 1_usize;
        let mut previous = ' ';
        let end = rest.char_indices().find_map(|(index, character)| {
            match character {
                '<' => depth += 1,
                // The arrow of a function type closes nothing.
                '>' if previous != '-' => depth -= 1,
                _ => {}
            }
            previous = character;
            (depth == 0).then_some(index)
        });
        let Some(end) = end else { break };
        found.push(&rest[..end]);
        rest = &rest[end..];
    }
    found
}

macro_rules! methods {
    ($($name:ident $text:literal;)*) => {
        $(
            #[doc = concat!("Answers `", $text, "` with a handler.")]
            #[track_caller]
            pub fn $name<H, T>(handler: H) -> MethodRouter
            where
                H: Handler<T, ()>,
                T: 'static,
            {
                MethodRouter { inner: axum::routing::$name(handler), endpoints: vec![Endpoint::of::<H, T>($text)], anonymous: false }
            }
        )*

        impl MethodRouter {
            $(
                #[doc = concat!("Answers `", $text, "` with a handler, too.")]
                #[track_caller]
                pub fn $name<H, T>(mut self, handler: H) -> Self
                where
                    H: Handler<T, ()>,
                    T: 'static,
                {
                    self.endpoints.push(Endpoint::of::<H, T>($text));
                    self.inner = self.inner.$name(handler);
                    self
                }
            )*
        }
    };
}

methods! {
    get "GET";
    post "POST";
    put "PUT";
    patch "PATCH";
    delete "DELETE";
    head "HEAD";
    options "OPTIONS";
}

/// Answers every method with a handler.
#[track_caller]
pub fn any<H, T>(handler: H) -> MethodRouter
where
    H: Handler<T, ()>,
    T: 'static,
{
    MethodRouter { inner: axum::routing::any(handler), endpoints: vec![Endpoint::of::<H, T>("ANY")], anonymous: false }
}

impl MethodRouter {
    /// Answers requests that prove no identity, too. Without it they are answered 401 when the product has an
    /// [`Authenticator`](crate::authentication::Authenticator).
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Wraps these handlers in a layer.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route<Infallible>> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.inner = self.inner.layer(layer);
        self
    }
}

impl From<axum::Router> for Router {
    fn from(inner: axum::Router) -> Self {
        let inner = if inner.has_routes() { inner.route_layer(EnterRouteLayer::new(false)) } else { inner };
        Self { inner, descriptions: Vec::new(), unlisted: true }
    }
}

impl From<Router> for axum::Router {
    fn from(router: Router) -> Self {
        router.inner
    }
}

impl Router {
    /// A router without routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a path.
    ///
    /// # Panics
    /// When the path does not begin with `/`, or clashes with another one.
    #[track_caller]
    pub fn route(mut self, path: &str, methods: MethodRouter) -> Self {
        let MethodRouter { inner, endpoints, anonymous } = methods;
        self.descriptions.extend(endpoints.iter().map(|endpoint| endpoint.describe(path, anonymous)));
        self.inner = self.inner.route(path, inner.layer(EnterRouteLayer::new(anonymous)));
        self
    }

    /// Adds all routes of another router.
    ///
    /// # Panics
    /// When a path clashes.
    #[track_caller]
    pub fn merge(mut self, other: impl Into<Self>) -> Self {
        let other = other.into();
        self.descriptions.extend(other.descriptions);
        self.unlisted |= other.unlisted;
        self.inner = self.inner.merge(other.inner);
        self
    }

    /// Adds all routes of another router below a path.
    ///
    /// # Panics
    /// When the path is empty or clashes.
    #[track_caller]
    pub fn nest(mut self, path: &str, other: impl Into<Self>) -> Self {
        let other = other.into();
        self.descriptions.extend(other.descriptions.into_iter().map(|mut description| {
            let below = if description.path == "/" { "" } else { description.path.as_str() };
            description.path = format!("{}{below}", path.trim_end_matches('/'));
            description
        }));
        self.unlisted |= other.unlisted;
        self.inner = self.inner.nest(path, other.inner);
        self
    }

    /// Wraps the routes added so far, and the fallback, in a layer.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.inner = self.inner.layer(layer);
        self
    }

    /// Wraps the routes added so far in a layer that unmatched requests do not pass.
    ///
    /// # Panics
    /// When there are no routes yet.
    #[track_caller]
    pub fn route_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.inner = self.inner.route_layer(layer);
        self
    }

    /// Answers requests that no route matches.
    pub fn fallback<H, T>(mut self, handler: H) -> Self
    where
        H: Handler<T, ()>,
        T: 'static,
    {
        self.inner = self.inner.fallback(handler);
        self
    }

    /// The routes, in the order they were added.
    #[must_use]
    pub fn descriptions(&self) -> &[RouteDescription] {
        &self.descriptions
    }

    /// Whether a plain axum router was merged or nested, whose routes cannot be listed.
    #[must_use]
    pub const fn has_unlisted_routes(&self) -> bool {
        self.unlisted
    }
}

#[cfg(test)]
mod tests {
    use super::injected_types;

    #[test]
    fn injected_types_are_read_from_a_parameter_tuple() {
        let names = injected_types(
            "(axum::Via, athyper::runtime::http::extract::inject::Inject<shop::Repository<shop::User>>, athyper::runtime::http::extract::inject::Inject<dyn shop::Mailer>)",
        );
        assert_eq!(names, ["shop::Repository<shop::User>", "dyn shop::Mailer"]);
    }

    #[test]
    fn a_handler_without_injection_wants_nothing() {
        assert!(injected_types("(axum::Via, axum::Json<shop::SignUp>)").is_empty());
    }
}
