//! The machine's own clock.

use std::time::Duration;

use async_trait::async_trait;

use crate::foundation::clock::{Clock, Timestamp, to_microseconds};

/// The machine's own clock: wall time, and the time since boot with suspension counted.
///
/// ```
/// use athyper::clock::{Clock, SystemClock};
///
/// let clock = SystemClock::new();
/// let first = clock.since_boot();
/// assert!(clock.since_boot() >= first);
/// ```
#[derive(Debug, Clone)]
pub struct SystemClock {
    boot_id: String,
}

impl SystemClock {
    /// Reads which boot of the machine this is.
    #[must_use]
    pub fn new() -> Self {
        Self { boot_id: read_boot_id() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// tokio's timer stands still while the machine sleeps and the boot-time clock does not, so a long wait looks at the
/// clock again this often.
const LONGEST_NAP: Duration = Duration::from_secs(30);

#[async_trait]
impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the system's wall clock")]
    fn now(&self) -> Timestamp {
        to_microseconds(chrono::Utc::now())
    }

    fn since_boot(&self) -> Duration {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

        let time = rustix::time::clock_gettime(CLOCK);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
    }

    fn boot_id(&self) -> &str {
        &self.boot_id
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that waits by the system's timer")]
    async fn sleep_until(&self, deadline: Duration) {
        loop {
            let left = deadline.saturating_sub(self.since_boot());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_NAP)).await;
        }
    }
}

/// Linux names each boot by a UUID. Where that cannot be read the second of the boot serves, and where neither can, a
/// constant: every process of the machine must come to the same answer, or one would take another's locks for stale.
fn read_boot_id() -> String {
    if let Ok(id) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        return id.trim().to_owned();
    }
    std::fs::read_to_string("/proc/stat")
        .ok()
        .and_then(|stat| boot_second(&stat))
        .map_or_else(|| "unknown-boot".to_owned(), |second| format!("booted-at-{second}"))
}

fn boot_second(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{Clock, SystemClock, boot_second};
    use std::time::Duration;

    #[test]
    fn every_clock_of_the_machine_names_the_same_boot() {
        let (one, other) = (SystemClock::new(), SystemClock::new());
        assert_eq!(one.boot_id(), other.boot_id());
        assert!(!one.boot_id().is_empty());
    }

    #[test]
    fn wall_time_has_no_more_than_microseconds() {
        assert_eq!(SystemClock::new().now().timestamp_subsec_nanos() % 1_000, 0);
    }

    #[tokio::test]
    async fn a_wait_ends_no_earlier_than_its_deadline() {
        let clock = SystemClock::new();
        let deadline = clock.since_boot() + Duration::from_millis(15);
        clock.sleep_until(deadline).await;
        assert!(clock.since_boot() >= deadline);
    }

    #[tokio::test]
    async fn a_deadline_in_the_past_does_not_wait() {
        SystemClock::new().sleep_until(Duration::ZERO).await;
    }

    #[test]
    fn the_second_of_the_boot_is_found_in_the_kernel_statistics() {
        assert_eq!(boot_second("cpu 1 2\nbtime 1790000000\nprocesses 7\n"), Some(1_790_000_000));
        assert_eq!(boot_second("cpu 1 2\n"), None);
    }
}
