//! How many jobs are taken before there is a slot for them.

use std::time::Duration;

/// How many jobs are taken before there is a slot for them: as many as the slots will be through with within a short time, going
/// by how long the last ones took. Jobs that take a moment are then not waited for one round trip each; of jobs that take longer
/// none is taken that another worker could begin.
#[derive(Debug)]
pub(super) struct Ahead {
    within: Duration,
    /// How long attempts took of late, in seconds.
    mean: f64,
    /// How many attempts that is known from.
    known: u32,
}

impl Ahead {
    /// How long a job may be held before it begins. A handler that suddenly takes long keeps those behind it no longer.
    pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(100);
    /// However short they are. More on the way at once cost a store more than they save.
    const MOST: usize = 64;
    /// How many jobs are enough to keep a store busy: a pool with so many slots takes none ahead.
    const PLENTY: usize = 80;
    /// How many attempts must have been short before anything is taken ahead.
    const ENOUGH: u32 = 32;

    pub(super) fn new(within: Duration) -> Self {
        Self { within, mean: 0.0, known: 0 }
    }

    /// An attempt took so long.
    pub(super) fn note(&mut self, took: Duration) {
        self.known = self.known.saturating_add(1);
        // The latest sixteen or so count.
        let weight = 1.0 / f64::from(self.known.min(16));
        self.mean += (took.as_secs_f64() - self.mean) * weight;
    }

    /// How many may be taken ahead of so many slots.
    pub(super) fn jobs(&self, slots: usize) -> usize {
        if self.known < Self::ENOUGH {
            return 0;
        }
        #[allow(clippy::cast_precision_loss, reason = "a number of slots is small")]
        let jobs = slots as f64 * self.within.as_secs_f64() / self.mean.max(1e-6);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is neither negative nor large")]
        let jobs = jobs.min(1e3) as usize;
        jobs.min(Self::MOST).min(Self::PLENTY.saturating_sub(slots))
    }

    /// What was known was wrong.
    pub(super) fn begin_anew(&mut self) {
        (self.mean, self.known) = (0.0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(took: Duration, attempts: u32) -> Ahead {
        let mut ahead = Ahead::new(Duration::from_millis(2));
        for _ in 0..attempts {
            ahead.note(took);
        }
        ahead
    }

    #[test]
    fn as_many_as_are_through_in_time() {
        assert_eq!(after(Duration::from_micros(500), 31).jobs(1), 0);
        assert_eq!(after(Duration::from_micros(500), 32).jobs(1), 4);
        assert_eq!(after(Duration::from_micros(500), 32).jobs(4), 16);
        assert_eq!(after(Duration::ZERO, 32).jobs(1), 64);
        assert_eq!(after(Duration::ZERO, 32).jobs(64), 16);
        assert_eq!(after(Duration::ZERO, 32).jobs(100), 0);
        assert_eq!(after(Duration::from_millis(3), 99).jobs(1), 0);
    }

    #[test]
    fn a_job_that_takes_long_is_believed_at_once() {
        let mut ahead = after(Duration::from_micros(10), 1_000);
        ahead.note(Duration::from_secs(1));
        assert_eq!(ahead.jobs(1), 0);
    }

    #[test]
    fn nothing_is_taken_ahead_within_no_time() {
        let mut ahead = Ahead::new(Duration::ZERO);
        (0..99).for_each(|_| ahead.note(Duration::from_micros(1)));
        assert_eq!(ahead.jobs(64), 0);
    }
}
