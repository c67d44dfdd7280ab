//! JSON in and out.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::foundation::error::{Error, ErrorKind, FieldError, Result};
use crate::runtime::http::{is_json, rejected_body};

/// A JSON document: as a parameter the request's body, as a return value the response's.
///
/// A body that is not JSON is answered 415 or 400, one that does not fit `T` 422 with a JSON pointer to the place.
///
/// ```
/// use athyper::http::Json;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize)]
/// struct Order {
///     pieces: u32,
/// }
///
/// #[derive(Serialize)]
/// struct Receipt {
///     pieces: u32,
/// }
///
/// async fn order(Json(order): Json<Order>) -> Json<Receipt> {
///     Json(Receipt { pieces: order.pieces })
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        if !request.headers().get(CONTENT_TYPE).is_some_and(is_json) {
            let error = Error::invalid("send a body of content type `application/json`");
            return Err(error.with_code("content-type").with_status(415));
        }
        let document = Bytes::from_request(request, state).await.map_err(|rejection| rejected_body(&rejection))?;
        parse(&document).map(Self)
    }
}

fn parse<T: DeserializeOwned>(document: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        unfit(error.into_inner(), pointer)
    })?;
    deserializer.end().map_err(|error| unfit(error, String::new()))?;
    Ok(value)
}

fn unfit(error: serde_json::Error, pointer: String) -> Error {
    match error.classify() {
        Category::Data => {
            let detail = error.to_string();
            let code = if detail.starts_with("missing field") {
                "missing"
            } else if detail.starts_with("unknown field") {
                "unknown"
            } else {
                "type"
            };
            let field = FieldError { pointer, code: code.to_owned(), detail };
            Error::invalid("the document does not fit").with_code("json-unfit").with_fields(vec![field])
        }
        Category::Syntax | Category::Eof | Category::Io => {
            Error::new(ErrorKind::Invalid, format!("the body is not JSON: {error}"))
                .with_code("json-malformed")
                .with_status(400)
        }
    }
}

/// The path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => push_segment(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_segment(&mut pointer, key),
            // Where the variant stands depends on how the enum is tagged.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        pointer
    })
}

/// Appends one step to a JSON pointer.
pub(super) fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut document = Vec::with_capacity(128);
        match serde_json::to_writer(&mut document, &self.0) {
            Ok(()) => ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], document).into_response(),
            Err(error) => Error::internal("a response cannot be written as JSON").with_source(error).into_response(),
        }
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
