//! The scheduler.

use std::time::Duration;

use athyper_macros::Config;

use crate::foundation::config::SectionCheck;

/// The scheduler: `[scheduler]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "scheduler", unlisted, check = check_scheduler)]
#[non_exhaustive]
pub struct SchedulerConfig {
    /// The name of the lease that the schedulers of one product compete for.
    #[config(default = "athyper-scheduler")]
    pub lease_name: String,
    /// For how long one leads without renewing, and so how long a standby waits after a leader died.
    #[config(default = "15s")]
    pub lease: Duration,
    /// How late a tick may be and still count as on time.
    #[config(default = "30s")]
    pub grace: Duration,
}

fn check_scheduler(scheduler: &SchedulerConfig, check: &mut SectionCheck) {
    if scheduler.lease < Duration::from_secs(1) {
        check.invalid("lease", "must be at least 1s, or there is no time to renew it");
    }
    if scheduler.lease_name.is_empty() {
        check.invalid("lease_name", "must not be empty");
    }
}
