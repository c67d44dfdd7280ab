//! HTTP: the server, the extractors, errors as problem documents, health.

mod health;
mod problem_details;
mod server;

pub use self::health::{
    HealthRegistry, HealthReport, PartReport, Readiness, ReadinessPart, management_router, probe_router,
};
pub use self::problem_details::ProblemDetails;
pub use self::server::{BodyPaused, Drained, Http2Options, HttpServer, ServerOptions};
