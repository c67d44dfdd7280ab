//! What a scheduler counts and measures.

use crate::foundation::clock::Timestamp;
use crate::foundation::error::Result;
use crate::foundation::metrics::{Buckets, Counter, Family, Gauge, Histogram, MetricsRegistry};

/// What became of a tick, as a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TickOutcome {
    /// Its job was added.
    Fired,
    /// The job of an earlier tick was not finished.
    Overlapped,
    /// It came while no scheduler ran, and was passed over.
    Missed,
    /// Its job could not be made.
    Failed,
}

impl TickOutcome {
    const ALL: [Self; 4] = [Self::Fired, Self::Overlapped, Self::Missed, Self::Failed];

    const fn label(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Overlapped => "overlapped",
            Self::Missed => "missed",
            Self::Failed => "failed",
        }
    }
}

/// Counts and measures what a scheduler does.
#[derive(Debug)]
pub(super) struct Observer {
    ticks: Family<Counter, 2>,
    lag: Family<Histogram, 1>,
    leader: Gauge,
    terms: Counter,
    faults: Counter,
}

impl Observer {
    /// Every series exists from the start, so that an alert on a schedule that never fires has something to look at.
    pub(super) fn new<'a>(metrics: &MetricsRegistry, schedules: impl Iterator<Item = &'a str>) -> Result<Self> {
        let ticks = metrics.counter(
            "schedule_ticks_total",
            "Ticks of schedules that this process dealt with as the leader, by what became of them.",
            ["schedule", "outcome"],
        )?;
        let lag = metrics.histogram(
            "schedule_lag_seconds",
            "How late ticks were fired.",
            ["schedule"],
            Buckets::seconds(),
        )?;
        for schedule in schedules {
            for outcome in TickOutcome::ALL {
                let _ = ticks.with([schedule, outcome.label()]);
            }
            let _ = lag.with([schedule]);
        }
        let leader = metrics.gauge("scheduler_leader", "Whether this process leads the schedules: 1 or 0.", [])?;
        let terms =
            metrics.counter("scheduler_terms_total", "How often this process began to lead the schedules.", [])?;
        let faults =
            metrics.counter("scheduler_faults_total", "Looks for due ticks that failed in part or as a whole.", [])?;
        Ok(Self { ticks, lag, leader: leader.with([]), terms: terms.with([]), faults: faults.with([]) })
    }

    pub(super) fn ticks(&self, schedule: &str, outcome: TickOutcome, count: u64) {
        self.ticks.with([schedule, outcome.label()]).add(count);
    }

    pub(super) fn fired_late_by(&self, schedule: &str, tick: Timestamp, now: Timestamp) {
        self.lag.with([schedule]).observe((now - tick).to_std().unwrap_or_default().as_secs_f64());
    }

    pub(super) fn leads(&self, leads: bool) {
        self.leader.set(if leads { 1.0 } else { 0.0 });
        if leads {
            self.terms.increment();
        }
    }

    pub(super) fn fault(&self) {
        self.faults.increment();
    }
}
