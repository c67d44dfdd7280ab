//! The step from the middleware into a route: from here on the template that matched is known.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::future::{Either, MapOk, TryFutureExt};
use tower::{Layer, Service};

use super::request_record::enter_route;

/// Notes which route matched, and holds back requests that prove no identity unless the route is anonymous.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EnterRouteLayer {
    anonymous: bool,
}

impl EnterRouteLayer {
    pub(crate) const fn new(anonymous: bool) -> Self {
        Self { anonymous }
    }
}

impl<S> Layer<S> for EnterRouteLayer {
    type Service = EnterRoute<S>;

    fn layer(&self, inner: S) -> EnterRoute<S> {
        EnterRoute { inner, anonymous: self.anonymous }
    }
}

/// The service of [`EnterRouteLayer`].
#[derive(Debug, Clone)]
pub(crate) struct EnterRoute<S> {
    inner: S,
    anonymous: bool,
}

impl<S> Service<Request> for EnterRoute<S>
where
    S: Service<Request, Error = Infallible>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, MapOk<S::Future, fn(S::Response) -> Response>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match enter_route(&request, self.anonymous) {
            Some(refusal) => Either::Left(ready(Ok(refusal))),
            None => Either::Right(self.inner.call(request).map_ok(S::Response::into_response as fn(_) -> _)),
        }
    }
}
