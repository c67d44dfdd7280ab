//! The scheduler.

use std::time::Duration;

use crate::foundation::config::SectionCheck;

section! {
    /// The scheduler: `[scheduler]`.
    #[config(section = "scheduler", check = check_scheduler)]
    pub struct SchedulerConfig {
        /// The name of the lease that the schedulers of one product compete for.
        #[config(with_default = "athyper-scheduler")]
        pub lease_name: String,
        /// For how long one leads without renewing, and so how long a standby waits after a leader died.
        #[config(with_default = "15s")]
        pub lease: Duration,
        /// How late a tick may be and still count as on time.
        #[config(with_default = "30s")]
        pub grace: Duration,
    }
}

fn check_scheduler(scheduler: &SchedulerConfig, check: &mut SectionCheck) {
    if scheduler.lease < Duration::from_secs(1) {
        check.invalid("lease", "must be at least 1s, or there is no time to renew it");
    }
    if scheduler.lease_name.is_empty() {
        check.invalid("lease_name", "must not be empty");
    }
}
