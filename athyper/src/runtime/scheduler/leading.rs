//! Holding the lead: acquire, renew, step down in time, fence every earlier leader.

use std::future::Future;
use std::time::Duration;

use super::Scheduler;
use super::service::LONGEST_NAP;
use super::term::Term;
use crate::foundation::clock::ClockExt;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::ScheduleRecord;
use crate::foundation::leadership::Lease;

/// How many epochs a leader climbs at one look when the leases' store has forgotten its count and the schedules' store has
/// not: two round trips each.
const CLIMB: u32 = 64;

impl Scheduler {
    /// Whether this scheduler leads still: looks at its own clock, and asks for more time when that is due.
    pub(super) async fn hold(&self, term: &mut Option<Term>) -> Result<bool> {
        let Some(held) = term else { return Ok(false) };
        let reading = self.ports.clock.since_boot();
        if reading >= held.held_until {
            self.lose(term, "its lease ran out by its own clock");
            return Ok(false);
        }
        if reading < held.renew_at {
            return Ok(true);
        }
        let renewal = self.ports.leadership.renew(&held.lease, self.options.lease);
        match self.ports.clock.timeout(held.held_until - reading, renewal).await {
            Some(Ok(true)) => {
                held.prolong(reading, self.options.lease);
                self.status.lock().last_contact = reading;
                Ok(true)
            }
            Some(Ok(false)) => {
                self.lose(term, "the lease has passed on");
                Ok(false)
            }
            Some(Err(error)) => {
                // It leads until the lease runs out, and asks again before that.
                held.renew_at = reading.saturating_add(LONGEST_NAP.min(self.options.lease / 10));
                tracing::warn!(error = error.report(), "the lead of the schedules could not be renewed");
                Ok(true)
            }
            None => {
                self.lose(term, "the leases' store did not answer before the lease ran out");
                Ok(false)
            }
        }
    }

    pub(super) async fn take_lead(&self, term: &mut Option<Term>) -> Result<bool> {
        let Some((lease, reading)) = self.acquire().await? else { return Ok(false) };
        tracing::info!(epoch = lease.epoch, holder = self.holder, "leads the schedules");
        self.status.lock().epoch = Some(lease.epoch);
        self.observer.leads(true);
        *term = Some(Term::new(lease, reading, self.options.lease));
        Ok(true)
    }

    pub(super) async fn acquire(&self) -> Result<Option<(Lease, Duration)>> {
        let reading = self.ports.clock.since_boot();
        let asked = self.ports.leadership.acquire(&self.options.lease_name, &self.holder, self.options.lease);
        let lease = self
            .ports
            .clock
            .timeout(self.options.lease, asked)
            .await
            .unwrap_or_else(|| Err(Error::unavailable("the leases' store does not answer")))?;
        self.status.lock().last_contact = reading;
        Ok(lease.map(|lease| (lease, reading)))
    }

    /// Tells the store which schedules there are, once a term; from then on it refuses every earlier leader.
    pub(super) async fn declare(&self, term: &mut Option<Term>) -> Result<bool> {
        for _ in 0..CLIMB {
            let Some(held) = term else { return Ok(false) };
            if held.marks.is_some() {
                return Ok(true);
            }
            let store = self.ports.queue.schedules();
            let (epoch, now) = (held.lease.epoch, self.ports.clock.now());
            let definitions = self.plan.definitions();
            let declared = async {
                if !store.declare(epoch, self.since, now, &definitions).await? {
                    return Ok(None);
                }
                store.records().await.map(Some)
            };
            match self.within_term(held, declared).await {
                Some(answer) => {
                    if let Some(records) = answer? {
                        self.note_newer(&definitions, &records);
                        // Without a mark a schedule is not fired: a newer version of the product has changed or removed it.
                        let known = records
                            .into_iter()
                            .map(|record| ((record.name, record.definition), record.high_water))
                            .filter(|(schedule, _)| definitions.contains(schedule));
                        held.marks = Some(known.map(|((name, _), mark)| (name, mark)).collect());
                        return Ok(true);
                    }
                }
                None => {
                    self.lose(term, "the schedules' store did not answer before the lease ran out");
                    return Ok(false);
                }
            }
            // Either a later leader is there: then the lease is not ours any more and cannot be taken again. Or the
            // leases' store has lost its count of epochs: then each acquisition is one step up.
            if let Some(released) = self.within_term(held, self.ports.leadership.release(&held.lease)).await {
                released?;
            }
            self.lose(term, "the schedules' store knows a later epoch");
            self.take_lead(term).await?;
        }
        Ok(false)
    }

    /// Notes whether the store kept schedules that a process of a newer version of the product declared.
    fn note_newer(&self, own: &[(String, String)], records: &[ScheduleRecord]) {
        let is_own = |record: &ScheduleRecord| {
            own.iter().any(|(name, definition)| *name == record.name && *definition == record.definition)
        };
        let is_newer = own.len() != records.len() || !records.iter().all(is_own);
        if is_newer {
            let since = records.iter().map(|record| record.since).max();
            tracing::warn!(
                since = ?since,
                "leads, but a process that began later has declared other schedules: only what is the same in both is fired"
            );
        }
        self.status.lock().is_outdated = is_newer;
    }

    /// Runs a call of the schedules' store while the lease is held; `None` when it ran out first.
    pub(super) async fn within_term<T: Send>(&self, held: &Term, call: impl Future<Output = T> + Send) -> Option<T> {
        let left = held.held_until.saturating_sub(self.ports.clock.since_boot());
        self.ports.clock.timeout(left, call).await
    }

    pub(super) fn lose(&self, term: &mut Option<Term>, reason: &'static str) {
        if let Some(ended) = term.take() {
            self.status.lock().end_term();
            self.observer.leads(false);
            tracing::warn!(epoch = ended.lease.epoch, reason, "leads the schedules no more");
        }
    }
}
