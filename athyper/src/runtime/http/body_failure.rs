//! Why a request body could not be read.

use std::error::Error as StdError;

use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_body_util::LengthLimitError;

use super::server::BodyPaused;
use crate::foundation::error::{Error, ErrorKind};

/// Why a body could not be read to its end.
fn body_error(error: &(dyn StdError + 'static)) -> Error {
    let mut source = Some(error);
    while let Some(current) = source {
        if current.is::<LengthLimitError>() {
            return too_large();
        }
        if current.is::<BodyPaused>() {
            return Error::new(ErrorKind::Invalid, current.to_string()).with_code("body-too-slow").with_status(408);
        }
        source = current.source();
    }
    Error::invalid("the body ended before it was complete, or is malformed")
        .with_code("body-incomplete")
        .with_status(400)
}

/// Why axum could not read a body to its end.
pub(crate) fn rejected_body(rejection: &BytesRejection) -> Error {
    // axum tells a limit by the status only.
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    body_error(rejection)
}

fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "the body is larger than allowed").with_code("body-too-large")
}

/// The answer to a request whose body could not be read to its end.
pub(crate) fn body_failure(error: &(dyn StdError + 'static)) -> Response {
    body_error(error).into_response()
}
