//! Every schedule of a kernel, checked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::schedule::TickJob;
use super::{Schedule, Tick};
use crate::foundation::clock::Timestamp;
use crate::foundation::container::Place;
use crate::foundation::context::Context;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Envelope, NewJob, QueueName};
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::foundation::schedule::{Cron, MissedTicks, Overlap};

/// Every schedule of a kernel, checked and sorted by name.
#[derive(Debug, Clone, Default)]
pub struct SchedulePlan {
    schedules: Vec<Planned>,
}

/// When a schedule is due next, for people: the `schedules` command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextTick {
    /// The schedule's name.
    pub schedule: String,
    /// Its cron expression.
    pub expression: String,
    /// Its IANA zone.
    pub zone: String,
    /// What the expression means, in English.
    pub description: String,
    /// What happens to ticks that passed while no scheduler ran.
    pub missed: MissedTicks,
    /// What happens to a tick while the job of an earlier one is not finished.
    pub overlap: Overlap,
    /// The kind of job that a tick adds.
    pub kind: &'static str,
    /// The queue it is added to.
    pub queue: String,
    /// Where the schedule stands in the source.
    pub place: Place,
    /// When it is due.
    pub at: Option<Timestamp>,
}

impl SchedulePlan {
    /// Checks names, expressions and zones; all faults are reported together.
    ///
    /// # Errors
    /// `ATH-SCHEDULE-NAME`, `-DUPLICATE`, `-EXPRESSION`, `-ZONE`, and `-NEVER` for an expression without a tick in the 50
    /// years after `now`.
    pub fn check(schedules: impl IntoIterator<Item = Schedule>, now: Timestamp) -> Result<Self, Problems> {
        let mut schedules: Vec<Schedule> = schedules.into_iter().collect();
        schedules.sort_by(|one, other| (&one.name, one.place).cmp(&(&other.name, other.place)));
        let mut problems = Problems::new();
        for same in schedules.chunk_by(|one, other| one.name == other.name) {
            if let [first, _, ..] = same {
                problems.push(duplicate(&first.name, same));
            }
        }
        let mut planned = Vec::with_capacity(schedules.len());
        for schedule in schedules {
            if !QueueName::is_legal(&schedule.name) {
                problems.push(
                    problem(&schedule, "ATH-SCHEDULE-NAME", format!("a schedule cannot be named `{}`", schedule.name))
                        .with_fix("use 1 to 100 ASCII letters, digits, `-`, `_` and `.`: the name stands in job ids"),
                );
            }
            match Cron::new(&schedule.expression, &schedule.zone) {
                Err(error) if error.code() == "schedule-zone" => problems.push(
                    problem(&schedule, "ATH-SCHEDULE-ZONE", error.message())
                        .with_fix("name a zone of the IANA time zone database, such as `Europe/Berlin`"),
                ),
                Err(error) => problems.push(problem(&schedule, "ATH-SCHEDULE-EXPRESSION", error.message()).with_fix(
                    "write five fields (minute, hour, day of month, month, day of week), or six with the second first",
                )),
                Ok(cron) if cron.next_after(now).is_none() => problems.push(
                    problem(&schedule, "ATH-SCHEDULE-NEVER", format!("`{}` is never due", cron.expression()))
                        .with_fix("name a day that exists in one of the months, or remove the schedule"),
                ),
                Ok(cron) => planned.push(Planned::new(schedule, cron)),
            }
        }
        if problems.is_empty() { Ok(Self { schedules: planned }) } else { Err(problems) }
    }

    /// When each schedule is due next after an instant.
    #[must_use]
    pub fn next_ticks(&self, after: Timestamp) -> Vec<NextTick> {
        self.schedules.iter().map(|schedule| schedule.next_tick(after)).collect()
    }

    /// When the first schedule is due after an instant.
    #[must_use]
    pub fn next_due(&self, after: Timestamp) -> Option<Timestamp> {
        self.schedules.iter().filter_map(|schedule| schedule.cron.next_after(after)).min()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Planned> {
        self.schedules.iter()
    }

    /// Names and definitions, as the store keeps them.
    pub(super) fn definitions(&self) -> Vec<(String, String)> {
        self.schedules.iter().map(|schedule| (schedule.name.clone(), schedule.cron.to_string())).collect()
    }
}

fn problem(schedule: &Schedule, code: &'static str, what: impl Into<String>) -> Problem {
    Problem::new(ProblemClass::Wiring, code, what).with_detail(
        "schedule",
        schedule.label.as_str(),
        Some(schedule.place.to_string()),
    )
}

fn duplicate(name: &str, same: &[Schedule]) -> Problem {
    let count = same.len();
    let mut problem =
        Problem::new(ProblemClass::Wiring, "ATH-SCHEDULE-DUPLICATE", format!("{count} schedules are named `{name}`"));
    for schedule in same {
        problem = problem.with_detail("schedule", schedule.label.as_str(), Some(schedule.place.to_string()));
    }
    problem.with_fix("give each a name of its own: it is how the store remembers what was fired")
}

/// A schedule that was checked.
#[derive(Clone)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) cron: Cron,
    pub(super) missed: MissedTicks,
    pub(super) overlap: Overlap,
    job: TickJob,
    place: Place,
}

impl Planned {
    fn new(schedule: Schedule, cron: Cron) -> Self {
        Self {
            name: schedule.name,
            cron,
            missed: schedule.missed,
            overlap: schedule.overlap,
            job: schedule.job,
            place: schedule.place,
        }
    }

    fn next_tick(&self, after: Timestamp) -> NextTick {
        NextTick {
            schedule: self.name.clone(),
            expression: self.cron.expression().to_owned(),
            zone: self.cron.zone().to_owned(),
            description: self.cron.describe(),
            missed: self.missed,
            overlap: self.overlap,
            kind: self.job.kind,
            queue: self.job.options.queue.clone().into_owned(),
            place: self.place,
            at: self.cron.next_after(after),
        }
    }

    /// The job of a tick.
    pub(super) fn new_job(&self, at: Timestamp) -> Result<NewJob> {
        let tick = Tick { schedule: self.name.clone(), at };
        // The product's closure: its panic must not end the scheduler.
        let payload = catch_unwind(AssertUnwindSafe(|| (self.job.payload)(&tick)))
            .unwrap_or_else(|_| Err(Error::internal("the closure that makes the payload panicked")))?;
        Ok(NewJob {
            envelope: Envelope {
                id: tick.job_id(),
                queue: QueueName::from(&*self.job.options.queue),
                kind: self.job.kind.to_owned(),
                version: self.job.version,
                payload,
                context: Context::background(),
                options: self.job.options.clone(),
            },
            due_at: at,
            unique: None,
            serial_key: (self.overlap == Overlap::Queue).then(|| format!("schedule.{}", self.name)),
            parent: None,
        })
    }
}

impl std::fmt::Debug for Planned {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.name, self.cron)
    }
}
