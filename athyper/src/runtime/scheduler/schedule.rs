//! A schedule before it is checked: written by hand, or taken from `#[scheduled]`.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::{ScheduleDescriptor, Tick};
use crate::foundation::container::Place;
use crate::foundation::error::Result;
use crate::foundation::jobs::{Job, JobOptions};
use crate::foundation::schedule::{MissedTicks, Overlap};
use crate::runtime::jobs::encode;

/// Makes the payload of a tick's job.
pub(super) type MakePayload = Arc<dyn Fn(&Tick) -> Result<Bytes> + Send + Sync>;

/// The kind of job that a schedule's ticks add.
#[derive(Clone)]
pub(super) struct TickJob {
    pub(super) kind: &'static str,
    pub(super) version: u32,
    pub(super) options: JobOptions,
    pub(super) payload: MakePayload,
}

/// Recurring work: when it is due, and the job that each tick adds.
///
/// Most schedules are written as `#[scheduled]` on a function. By hand, for a job that has a handler already:
///
/// ```
/// use athyper::jobs::{Job, JobOptions};
/// use athyper::schedule::{MissedTicks, Schedule};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Invoice { month: String }
/// # impl Job for Invoice {
/// #     type Output = ();
/// #     const KIND: &'static str = "invoice";
/// #     const VERSION: u32 = 1;
/// #     const ALIASES: &'static [&'static str] = &[];
/// #     const OPTIONS: JobOptions = JobOptions::DEFAULT;
/// # }
///
/// let schedule = Schedule::cron("invoices", "0 6 1 * *")
///     .tz("Europe/Berlin")
///     .missed(MissedTicks::All)
///     .enqueue(|tick| Invoice { month: tick.at.format("%Y-%m").to_string() });
/// ```
///
/// Name, expression and zone are checked when the kernel is built.
#[derive(Clone)]
pub struct Schedule {
    pub(super) name: String,
    pub(super) expression: String,
    pub(super) zone: String,
    pub(super) missed: MissedTicks,
    pub(super) overlap: Overlap,
    pub(super) job: TickJob,
    pub(super) label: String,
    pub(super) place: Place,
}

impl Schedule {
    /// Begins a schedule with a cron expression, in UTC unless [`tz`](ScheduleBuilder::tz) says otherwise.
    #[track_caller]
    pub fn cron(name: impl Into<String>, expression: impl Into<String>) -> ScheduleBuilder {
        ScheduleBuilder {
            name: name.into(),
            expression: expression.into(),
            zone: "UTC".to_owned(),
            missed: MissedTicks::default(),
            overlap: Overlap::default(),
            place: Place::caller(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<&ScheduleDescriptor> for Schedule {
    fn from(descriptor: &ScheduleDescriptor) -> Self {
        Self {
            name: descriptor.name.to_owned(),
            expression: descriptor.expression.to_owned(),
            zone: descriptor.zone.to_owned(),
            missed: descriptor.missed,
            overlap: descriptor.overlap,
            job: TickJob {
                kind: descriptor.job.kind,
                version: descriptor.job.version,
                options: descriptor.job.options.clone(),
                payload: Arc::new(|tick| encode("the tick", tick)),
            },
            label: descriptor.job.label.to_owned(),
            place: descriptor.job.place,
        }
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Schedule")
            .field("name", &self.name)
            .field("expression", &self.expression)
            .field("zone", &self.zone)
            .field("missed", &self.missed)
            .field("overlap", &self.overlap)
            .field("job", &self.job.kind)
            .finish_non_exhaustive()
    }
}

/// A schedule that does not say yet which job its ticks add; made by [`Schedule::cron`].
#[derive(Debug, Clone)]
#[must_use = "say which job each tick adds: `.enqueue(|tick| …)`"]
pub struct ScheduleBuilder {
    name: String,
    expression: String,
    zone: String,
    missed: MissedTicks,
    overlap: Overlap,
    place: Place,
}

impl ScheduleBuilder {
    /// The IANA zone whose clock the expression is read by.
    pub fn tz(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
    }

    /// What happens to ticks that passed while no scheduler ran; [`MissedTicks::Once`] unless given.
    pub fn missed(mut self, missed: MissedTicks) -> Self {
        self.missed = missed;
        self
    }

    /// What happens to a tick while the job of an earlier one is not finished; [`Overlap::Skip`] unless given.
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.overlap = overlap;
        self
    }

    /// Adds the job that `payload` makes for each tick.
    pub fn enqueue<P: Job>(self, payload: impl Fn(&Tick) -> P + Send + Sync + 'static) -> Schedule {
        Schedule {
            label: format!("schedule `{}`", self.name),
            name: self.name,
            expression: self.expression,
            zone: self.zone,
            missed: self.missed,
            overlap: self.overlap,
            job: TickJob {
                kind: P::KIND,
                version: P::VERSION,
                options: P::OPTIONS,
                payload: Arc::new(move |tick| encode("the payload of the schedule's job", &payload(tick))),
            },
            place: self.place,
        }
    }
}
