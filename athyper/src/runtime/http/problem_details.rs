//! Errors as problem details (RFC 9457).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::foundation::error::{Error, ErrorKind, FieldError};

/// The media type of problem details.
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What went wrong with a request, as the client gets it: a problem document of RFC 9457, extended by a stable code, the request
/// id and the fields that broke a rule.
///
/// ```
/// use athyper::http::{ProblemDetails, StatusCode};
///
/// let problem = ProblemDetails::new(StatusCode::CONFLICT, "user-taken").with_detail("that address is taken");
/// assert_eq!(
///     serde_json::to_value(&problem).unwrap(),
///     serde_json::json!({
///         "type": "about:blank", "title": "Conflict", "status": 409,
///         "code": "user-taken", "detail": "that address is taken",
///     }),
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemDetails {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    code: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// What the request record logs of an error: never sent.
#[derive(Debug, Clone)]
pub(crate) struct ErrorReport(pub(crate) Arc<str>);

impl ProblemDetails {
    /// A problem with a stable code for programs.
    #[must_use]
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: "about:blank",
            // With the type `about:blank` the title is the status phrase (RFC 9457, section 4.2.1).
            title: match status.as_u16() {
                499 => "Client Closed Request",
                _ => status.canonical_reason().unwrap_or("Unknown Status"),
            },
            status,
            code: code.into(),
            detail: None,
            request_id: None,
            errors: Vec::new(),
        }
    }

    /// Says for a person what is wrong with this request.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names the fields that broke a rule.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Names the request.
    #[must_use]
    pub fn with_request_id(mut self, request_id: impl Into<Arc<str>>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }

    /// The status of the response.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    pub(crate) fn to_body(&self) -> Body {
        // Strings and numbers only: it cannot fail.
        Body::from(serde_json::to_vec(self).unwrap_or_default())
    }

    /// What an error may tell a client. The message of an error that is not the client's business stays here.
    fn of(error: &Error) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Self::new(status, error.code()).with_errors(error.fields().to_vec());
        let is_private = matches!(
            error.kind(),
            ErrorKind::Internal | ErrorKind::Configuration | ErrorKind::Unavailable | ErrorKind::UnknownOutcome
        );
        if is_private || status.is_server_error() { problem } else { problem.with_detail(error.message().to_owned()) }
    }
}

impl IntoResponse for ProblemDetails {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.to_body());
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        // The correlation layer finds it here and writes the body again with the request id.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for ProblemDetails {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

/// Writes the seconds of `Retry-After`, rounded up so that a client never comes too early.
pub(crate) fn set_retry_after(headers: &mut HeaderMap, after: Duration) {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = ProblemDetails::of(&self).into_response();
        if let Some(after) = self.retry_after() {
            set_retry_after(response.headers_mut(), after);
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(ErrorReport(Arc::from(self.report())));
        response
    }
}
