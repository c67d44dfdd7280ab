//! Firing what is due.

use super::due::Due;
use super::observer::TickOutcome;
use super::plan::Planned;
use super::term::Term;
use super::{FiredTick, Scheduler};
use crate::foundation::clock::Timestamp;
use crate::foundation::error::Result;
use crate::foundation::jobs::{Fire, Fired};

impl Scheduler {
    pub(super) async fn fire_schedule(
        &self,
        schedule: &Planned,
        term: &mut Option<Term>,
        fired: &mut Vec<FiredTick>,
    ) -> Result<()> {
        let now = self.ports.clock.now();
        let Some(mark) = term.as_ref().and_then(|term| term.marks.as_ref()?.get(&schedule.name).copied()) else {
            return Ok(());
        };
        self.note_clock(schedule, mark, now);
        let due = Due::find(&schedule.cron, schedule.missed, mark, now, self.options.grace);
        if let Some(tick) = due.pass_to
            && !self.fire_tick(schedule, tick, false, term, fired).await?
        {
            return Ok(());
        }
        for tick in due.fire {
            if !self.fire_tick(schedule, tick, true, term, fired).await? {
                return Ok(());
            }
        }
        // Only now: what failed is looked at again, and would be told again.
        if due.passed_over > 0 {
            self.observer.ticks(&schedule.name, TickOutcome::Missed, due.passed_over as u64);
            tracing::warn!(
                schedule = schedule.name,
                passed_over = due.passed_over,
                policy = ?schedule.missed,
                since = %mark,
                "ticks were missed"
            );
        }
        Ok(())
    }

    /// Fires one tick, or passes it over without a job; `false` when this scheduler leads no more.
    async fn fire_tick(
        &self,
        schedule: &Planned,
        tick: Timestamp,
        with_job: bool,
        term: &mut Option<Term>,
        fired: &mut Vec<FiredTick>,
    ) -> Result<bool> {
        if !self.hold(term).await? {
            return Ok(false);
        }
        let Some(held) = term else { return Ok(false) };
        let (job, otherwise) = match with_job.then(|| schedule.new_job(tick)).transpose() {
            Ok(job) => (job, with_job.then_some(TickOutcome::Overlapped)),
            Err(error) => {
                // The same tick would fail for ever and hold up all that follow.
                tracing::error!(
                    schedule = schedule.name,
                    %tick,
                    error = error.report(),
                    "the tick is passed over: its job cannot be made"
                );
                (None, Some(TickOutcome::Failed))
            }
        };
        let fire =
            Fire { schedule: schedule.name.clone(), epoch: held.lease.epoch, tick, overlap: schedule.overlap, job };
        let Some(answer) = self.within_term(held, self.ports.queue.schedules().fire(fire)).await else {
            self.lose(term, "the schedules' store did not answer before the lease ran out");
            return Ok(false);
        };
        match answer? {
            Fired::Added(job) => {
                tracing::debug!(schedule = schedule.name, %tick, %job, "fired a tick");
                self.observer.ticks(&schedule.name, TickOutcome::Fired, 1);
                self.observer.fired_late_by(&schedule.name, tick, self.ports.clock.now());
                fired.push(FiredTick { schedule: schedule.name.clone(), at: tick, job: Some(job) });
            }
            Fired::Skipped => {
                tracing::debug!(schedule = schedule.name, %tick, why = ?otherwise, "passed a tick over");
                if let Some(outcome) = otherwise {
                    self.observer.ticks(&schedule.name, outcome, 1);
                }
                fired.push(FiredTick { schedule: schedule.name.clone(), at: tick, job: None });
            }
            Fired::AlreadyFired => {
                tracing::warn!(schedule = schedule.name, %tick, "the tick was fired already");
            }
            Fired::StaleLeader => {
                self.lose(term, "a later leader has declared the schedules");
                return Ok(false);
            }
            Fired::Unknown => {
                // Somebody removed it from the store; declaring brings it back.
                tracing::warn!(schedule = schedule.name, "the schedule is gone from the store");
                held.marks = None;
                return Ok(false);
            }
        }
        if let Some(marks) = &mut held.marks {
            marks.insert(schedule.name.clone(), tick);
        }
        Ok(true)
    }

    /// Notes a mark that lies further ahead than ticks can be late: the wall clock went back.
    fn note_clock(&self, schedule: &Planned, mark: Timestamp, now: Timestamp) {
        let ahead = (mark - now).to_std().is_ok_and(|ahead| ahead > self.options.grace);
        let mut status = self.status.lock();
        if !ahead {
            status.ahead.remove(&schedule.name);
        } else if status.ahead.insert(schedule.name.clone(), mark).is_none() {
            tracing::warn!(
                schedule = schedule.name,
                %mark,
                %now,
                "the wall clock went back: ticks up to the mark were fired already and are not fired again"
            );
        }
    }
}
