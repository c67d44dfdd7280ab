//! Where requests are counted and logged, whoever does it.

use crate::foundation::error::Result;
use crate::foundation::metrics::{Counter, Family, MetricsRegistry};

/// Where the lines go: `RUST_LOG=athyper::http=off` silences them.
pub(crate) const REQUEST_LOG_TARGET: &str = "athyper::http";

/// The route of a request that no route matched, or that was answered before one was looked for.
pub(crate) const NO_ROUTE: &str = "none";

/// The method of a request that has none of the registered ones, so that a client cannot make series.
pub(crate) const UNKNOWN_METHOD: &str = "OTHER";

/// The counter of requests by method, route template and status.
pub(crate) fn request_counter(registry: &MetricsRegistry) -> Result<Family<Counter, 3>> {
    registry.counter(
        "http_requests_total",
        "Requests answered or given up, by route template.",
        ["method", "route", "status"],
    )
}
