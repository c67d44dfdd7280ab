//! Stopping.

use std::time::Duration;

use athyper_macros::Config;

/// How a process stops: `[shutdown]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "shutdown", unlisted)]
#[non_exhaustive]
pub struct ShutdownConfig {
    /// How long readiness fails before anything stops, so that load balancers look elsewhere first.
    #[config(default = "0s")]
    pub delay: Duration,
    /// How long each hook may take to stop, unless it says so itself.
    #[config(default = "30s")]
    pub deadline: Duration,
}
