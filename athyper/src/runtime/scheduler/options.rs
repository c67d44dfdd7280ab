//! How a scheduler leads and catches up.

use std::time::Duration;

/// How a scheduler leads and catches up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchedulerOptions {
    /// The name of the lease that the schedulers of one product compete for.
    pub lease_name: String,
    /// For how long one leads without renewing, and so how long a standby waits after a leader died: 15 seconds. It is
    /// renewed at a third of that.
    pub lease: Duration,
    /// How late a tick may be and still count as on time: 30 seconds, twice the lease, so that a change of leader alone
    /// makes no tick a missed one. Older ones are treated as [`MissedTicks`](crate::schedule::MissedTicks) says.
    pub grace: Duration,
}

impl SchedulerOptions {
    /// The shortest lease that leaves time to renew it: one second.
    pub const SHORTEST_LEASE: Duration = Duration::from_secs(1);
}

impl Default for SchedulerOptions {
    fn default() -> Self {
        Self {
            lease_name: "athyper-scheduler".to_owned(),
            lease: Duration::from_secs(15),
            grace: Duration::from_secs(30),
        }
    }
}
