//! The routers of the probes.

use axum::Json;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::json;

use super::readiness::Readiness;
use super::registry::{HealthRegistry, HealthReport};
use crate::foundation::health::HealthStatus;
use crate::foundation::metrics::MetricsRegistry;

/// The media type of the Prometheus text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The probes that must be answered however busy the process is.
pub(crate) const PROBE_PATHS: [&str; 3] = ["/health", "/livez", "/readyz"];

fn answer(status: StatusCode, body: serde_json::Value) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn health_answer(report: &HealthReport) -> Response {
    let status = match report.status {
        HealthStatus::Healthy | HealthStatus::Degraded => StatusCode::OK,
        HealthStatus::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    answer(status, json!(report))
}

fn live_and_ready(health: HealthRegistry, readiness: Readiness) -> Router {
    Router::new()
        // It answers whenever requests are answered at all: restarting this process mends no dependency.
        .route("/livez", get(async || answer(StatusCode::OK, json!({ "status": "alive" }))))
        .route(
            "/readyz",
            get(async move || {
                let mut obstacles = readiness.obstacles();
                if obstacles.is_empty() {
                    let report = health.report().await;
                    obstacles.extend(report.failed_requirements().into_iter().map(ToOwned::to_owned));
                }
                if obstacles.is_empty() {
                    answer(StatusCode::OK, json!({ "status": "ready" }))
                } else {
                    answer(StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "not ready", "waiting_for": obstacles }))
                }
            }),
        )
}

fn metrics_route(metrics: MetricsRegistry) -> Router {
    Router::new().route(
        "/metrics",
        get(async move || ([(CONTENT_TYPE, PROMETHEUS_TEXT), (CACHE_CONTROL, "no-store")], metrics.to_prometheus())),
    )
}

/// The probes for the product's port: `/health` with names and statuses only, `/livez` and `/readyz`; and `/metrics` when given
/// (leave it to the management port when there is one).
pub fn probe_router(health: HealthRegistry, readiness: Readiness, metrics: Option<MetricsRegistry>) -> Router {
    let registry = health.clone();
    let public = get(async move || health_answer(&registry.report().await.without_details()));
    let router = live_and_ready(health, readiness).route("/health", public);
    match metrics {
        Some(metrics) => router.merge(metrics_route(metrics)),
        None => router,
    }
}

/// The probes for the management port: as on the product's port, with the details for operators, and `/metrics`.
pub fn management_router(health: HealthRegistry, readiness: Readiness, metrics: MetricsRegistry) -> Router {
    let registry = health.clone();
    let detailed = get(async move || health_answer(&registry.report().await));
    live_and_ready(health, readiness).route("/health", detailed).merge(metrics_route(metrics))
}
