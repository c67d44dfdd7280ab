//! The context and the principal as extractors.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::foundation::context::{Context, Principal};
use crate::foundation::error::{Error, ErrorKind};
use crate::runtime::current_context::current_context;
use crate::runtime::http::RequestRecord;

/// The request's context. Without the correlation middleware it is a new one, the same for the whole request.
impl<S: Sync> FromRequestParts<S> for Context {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(context(parts))
    }
}

/// Who proved their identity; 401 when nobody did.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        context(parts)
            .principal()
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::Unauthenticated, "this needs a bearer token"))
    }
}

/// Who proved their identity, if anybody did.
impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(context(parts).principal().cloned())
    }
}

pub(super) fn context(parts: &Parts) -> Context {
    match parts.extensions.get::<Arc<RequestRecord>>() {
        Some(record) => record.context(),
        None => current_context().unwrap_or_else(Context::background),
    }
}
