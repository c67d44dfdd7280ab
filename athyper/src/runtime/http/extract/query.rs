//! The query as a handler's parameter.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::foundation::error::{Error, Result};

/// The query of the URI, read into `T`. One that does not fit is answered 400.
///
/// ```
/// use athyper::http::Query;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Page {
///     number: u32,
/// }
///
/// async fn page(Query(page): Query<Page>) -> String {
///     format!("page {}", page.number)
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|query| Self(query.0)).map_err(|rejection| {
            Error::invalid(rejection.body_text()).with_code("query").with_status(rejection.status().as_u16())
        })
    }
}
