//! What the middlewares of one list keep between the way in and the way out.

use std::sync::Arc;

use axum::extract::Request;
use http::HeaderValue;

use super::record::OpenRecord;
use crate::foundation::rate_limit::Decision;
use crate::runtime::http::RequestRecord;

/// What the middlewares of one list keep between the way in and the way out.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) record: Arc<RequestRecord>,
    /// The record to close when the response has ended, if this list opened it.
    pub(crate) open: Option<OpenRecord>,
    pub(crate) allowance: Option<Decision>,
    pub(crate) allowed_origin: Option<HeaderValue>,
}

impl Exchange {
    /// The request's record, begun if this is the first list that sees the request.
    pub(crate) fn of(request: &mut Request) -> Self {
        Self { record: RequestRecord::of(request), open: None, allowance: None, allowed_origin: None }
    }
}
