//! Why a request body could not be read.

use std::error::Error as StdError;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_body_util::LengthLimitError;

use super::problem_details::ProblemDetails;
use super::server::BodyPaused;

/// The problem of a body that could not be read to its end.
pub(crate) fn body_failure(error: &(dyn StdError + 'static)) -> Response {
    let mut source = Some(error);
    while let Some(current) = source {
        if current.is::<LengthLimitError>() {
            return ProblemDetails::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large")
                .with_detail("the body is larger than allowed")
                .into_response();
        }
        if current.is::<BodyPaused>() {
            return ProblemDetails::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow")
                .with_detail(current.to_string())
                .into_response();
        }
        source = current.source();
    }
    ProblemDetails::new(StatusCode::BAD_REQUEST, "body-incomplete")
        .with_detail("the body ended before it was complete, or is malformed")
        .into_response()
}
