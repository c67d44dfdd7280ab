//! The middlewares, each a tower layer that also works on a bare axum router, and the stack of all of them as data.

mod authentication;
mod client_address;
mod container;
mod correlation;
mod cors;
mod error_documents;
mod exchange;
mod filter;
mod panic_capture;
mod rate_limit;
mod record;
mod request_timeout;
mod security_headers;
mod size_limits;
mod stack;
mod validation;

pub use authentication::{AuthenticationLayer, StaticTokenAuthenticator};
pub use client_address::{Network, TrustedProxies};
pub use container::ContainerLayer;
pub use correlation::CorrelationLayer;
pub use cors::{CorsLayer, CorsOptions};
pub use error_documents::ErrorDocumentLayer;
pub use filter::{Execution, Filtered};
pub use panic_capture::PanicLayer;
pub use rate_limit::{RateLimitLayer, RateLimiter};
pub use record::{LoggingLayer, MetricsLayer, RequestRecordLayer};
pub use request_timeout::RequestTimeoutLayer;
pub use security_headers::SecurityHeadersLayer;
pub use size_limits::{SizeLimitLayer, SizeLimits};
pub use stack::{HttpService, MiddlewareStack, StackOptions};
pub use validation::{ValidationLayer, ValidationOptions};
