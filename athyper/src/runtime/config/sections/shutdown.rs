//! Stopping.

use std::time::Duration;

section! {
    /// How a process stops: `[shutdown]`.
    #[config(section = "shutdown")]
    pub struct ShutdownConfig {
        /// How long readiness fails before anything stops, so that load balancers look elsewhere first.
        #[config(with_default = "0s")]
        pub delay: Duration,
        /// How long each hook may take to stop, unless it says so itself.
        #[config(with_default = "30s")]
        pub deadline: Duration,
    }
}
