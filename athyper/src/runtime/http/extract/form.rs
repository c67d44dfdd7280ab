//! A form as a handler's parameter.

use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::foundation::error::{Error, Result};
use crate::runtime::http::rejected_body;

/// A form (`application/x-www-form-urlencoded`), read into `T`. What is no form is answered 415, one that does not fit 422.
///
/// ```
/// use athyper::http::Form;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Search {
///     text: String,
/// }
///
/// async fn search(Form(search): Form<Search>) -> String {
///     search.text
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Form<T>(pub T);

impl<T, S> FromRequest<S> for Form<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        match axum::extract::Form::<T>::from_request(request, state).await {
            Ok(form) => Ok(Self(form.0)),
            Err(FormRejection::BytesRejection(rejection)) => Err(rejected_body(&rejection)),
            Err(rejection) => {
                let status = rejection.status().as_u16();
                Err(Error::invalid(rejection.body_text()).with_code("form").with_status(status))
            }
        }
    }
}
