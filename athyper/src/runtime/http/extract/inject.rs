//! A component as a handler's parameter.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::foundation::error::{Error, Result};
use crate::runtime::http::RequestRecord;

/// A component from the container, `T` being a type or `dyn Trait`.
///
/// A component of request scope is the same for the whole request. What it takes to build is built on the first request that
/// wants it; the graph check has seen beforehand that it can be.
///
/// ```
/// use athyper::http::Inject;
///
/// struct Greeter;
///
/// async fn hello(Inject(greeter): Inject<Greeter>) -> &'static str {
///     let _: std::sync::Arc<Greeter> = greeter;
///     "hello"
/// }
/// ```
#[derive(Debug)]
pub struct Inject<T: ?Sized>(pub Arc<T>);

impl<T, S> FromRequestParts<S> for Inject<T>
where
    T: ?Sized + Send + Sync + 'static,
    S: Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let record = parts.extensions.get::<Arc<RequestRecord>>();
        let record = record.filter(|record| record.container().is_some()).ok_or_else(|| {
            let wanted = std::any::type_name::<T>();
            Error::internal(format!(
                "`{wanted}` cannot be injected: serve the router through a kernel, or put a `ContainerLayer` before it"
            ))
        })?;
        // A singleton that is there needs no scope.
        if let Some(built) = record.container().and_then(|container| container.get::<T>()) {
            return Ok(Self(Arc::clone(built)));
        }
        let record = Arc::clone(record);
        match record.scope() {
            Some(scope) => scope.resolver().resolve::<Arc<T>>().await.map(Self),
            None => Err(Error::internal("there is no container")),
        }
    }
}
