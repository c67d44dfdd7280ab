//! HTTP: the server, the extractors, errors as problem documents, health.

mod body_failure;
mod entering;
mod extract;
mod health;
mod media_type;
mod problem_details;
mod refused_head;
mod request_record;
mod requests;
mod routing;
mod server;

pub use self::extract::{Form, Inject, Json, Query, Valid, Validatable};
pub use self::health::{
    HealthRegistry, HealthReport, PartReport, Readiness, ReadinessPart, management_router, probe_router,
};
pub use self::problem_details::ProblemDetails;
pub use self::routing::{MethodRouter, RouteDescription, Router, any, delete, get, head, options, patch, post, put};
pub use self::server::{BodyPaused, Drained, Http2Options, HttpServer, ServerOptions};

pub(crate) use self::body_failure::{body_failure, rejected_body};
pub(crate) use self::entering::EnterRouteLayer;
pub(crate) use self::health::PROBE_PATHS;
pub(crate) use self::media_type::is_json;
pub(crate) use self::problem_details::{ErrorReport, PROBLEM_JSON};
pub(crate) use self::request_record::{RequestRecord, enter_route, unauthenticated};
pub(crate) use self::requests::{NO_ROUTE, REQUEST_LOG_TARGET, UNKNOWN_METHOD, request_counter};
