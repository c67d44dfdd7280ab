//! A panic becomes an answer.

use std::any::Any;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};

use super::exchange::Exchange;
use super::filter::{Filter, Guard, single_filter_layers};
use crate::foundation::error::Error;

#[derive(Debug)]
struct PanicFilter;

impl Filter for PanicFilter {
    fn guard(&self) -> Option<Guard> {
        Some(Guard::Panic(answer))
    }
}

/// What the panic said goes to the log with the request; the client learns that it happened.
fn answer(panic: &(dyn Any + Send), _exchange: &Exchange) -> Response {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("something that is no text");
    Error::internal(format!("the handler panicked: {said}")).with_code("panic").into_response()
}

/// Answers 500 when anything further in panics; the process and the connection live on.
///
/// ```
/// use athyper::http::middleware::PanicLayer;
/// use axum::Router;
///
/// let router: Router = Router::new().layer(PanicLayer::new());
/// ```
#[derive(Debug, Clone)]
pub struct PanicLayer(Arc<dyn Filter>);

impl PanicLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(PanicFilter))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

impl Default for PanicLayer {
    fn default() -> Self {
        Self::new()
    }
}

single_filter_layers!(PanicLayer);
