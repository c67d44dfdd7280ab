//! The probes: `/health`, `/livez`, `/readyz` and `/metrics`.

mod readiness;
mod registry;
mod router;

pub use readiness::{Readiness, ReadinessPart};
pub use registry::{HealthRegistry, HealthReport, PartReport};
pub use router::{management_router, probe_router};

pub(crate) use router::PROBE_PATHS;
