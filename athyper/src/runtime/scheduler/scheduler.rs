//! The scheduler: competes for the lease, and fires due ticks while it holds it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::Mutex;

use super::due::Due;
use super::plan::Planned;
use super::status::{SchedulerHealth, SharedStatus};
use super::term::Term;
use super::{NextTick, SchedulePlan, SchedulerOptions};
use crate::foundation::clock::{Clock, ClockExt, Timestamp};
use crate::foundation::error::{Error, Result};
use crate::foundation::health::HealthCheck;
use crate::foundation::jobs::{Fire, Fired, JobId, JobQueue};
use crate::foundation::leadership::{Leadership, Lease};

/// The longest time between two looks at the wall clock, so that a jump is noticed.
const LONGEST_NAP: Duration = Duration::from_secs(1);

/// How many epochs a leader climbs at one look when the leases' store has forgotten its count and the schedules' store has
/// not: two round trips each.
const CLIMB: u32 = 64;

/// What a scheduler works with.
#[derive(Debug, Clone)]
pub struct SchedulerPorts {
    /// Where jobs are added and ticks are remembered.
    pub queue: Arc<dyn JobQueue>,
    /// Which process leads.
    pub leadership: Arc<dyn Leadership>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// A tick that a scheduler dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiredTick {
    /// The schedule's name.
    pub schedule: String,
    /// When the tick was due.
    pub at: Timestamp,
    /// The job it added; `None` when it was passed over.
    pub job: Option<JobId>,
}

/// Fires the ticks of every schedule, once each, by one leader of all processes.
///
/// At least one process runs [`run`](Self::run); several may, and stand by. Tests drive [`fire_due`](Self::fire_due)
/// instead. Dropping a scheduler without stopping it is like killing it: a standby takes over when the lease has run out.
///
/// Three things keep a tick from being fired twice: only the holder of the lease fires, and counts it as lost by its own
/// clock before the store does; the store refuses the epoch of a leader that was replaced; and it refuses a tick at or
/// before the schedule's mark, in the transaction that adds the job.
#[derive(Debug)]
pub struct Scheduler {
    plan: SchedulePlan,
    ports: SchedulerPorts,
    options: SchedulerOptions,
    holder: String,
    term: Mutex<Option<Term>>,
    status: SharedStatus,
}

impl Scheduler {
    /// A scheduler that has not begun; it touches no store yet.
    #[must_use]
    pub fn new(plan: SchedulePlan, ports: SchedulerPorts, mut options: SchedulerOptions) -> Self {
        options.lease = options.lease.max(SchedulerOptions::SHORTEST_LEASE);
        // Never reused, not even by the same process: two that share a name would both believe they lead.
        let holder = uuid::Uuid::now_v7().to_string();
        Self { plan, ports, options, holder, term: Mutex::new(None), status: SharedStatus::default() }
    }

    /// Competes for leading and fires due ticks until `stop` is ready, then gives the lease back.
    ///
    /// It never fails: what goes wrong is logged, shows in [`health`](Self::health), and is tried again within a second.
    ///
    /// # Cancel safety
    /// Dropping the future is safe; the lease then stays taken until it runs out.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        {
            let mut status = self.status.lock();
            let reading = self.ports.clock.since_boot();
            (status.running, status.last_look, status.last_contact) = (true, reading, reading);
        }
        loop {
            let nap = match select(stop.as_mut(), pin!(self.look())).await {
                Either::Left(_) => break,
                Either::Right((nap, _)) => nap,
            };
            if let Either::Left(_) = select(stop.as_mut(), pin!(self.ports.clock.sleep(nap))).await {
                break;
            }
        }
        self.status.lock().running = false;
        self.step_down().await;
    }

    /// Does at once all that is due now: takes the lease if it is free, and fires every due tick.
    ///
    /// Nothing is fired while another process leads. A schedule's first tick is the first one after the call that
    /// declared it, so call it once when the test begins.
    ///
    /// # Errors
    /// The first error of a store; what was fired before it stays fired, and the next call goes on behind it.
    pub async fn fire_due(&self) -> Result<Vec<FiredTick>> {
        let mut term = self.term.lock().await;
        let mut fired = Vec::new();
        self.step(&mut term, &mut fired).await.map(|()| fired)
    }

    /// Gives the lease back, so that another process can lead at once.
    pub async fn step_down(&self) {
        let mut term = self.term.lock().await;
        if let Some(ended) = term.take() {
            self.status.lock().epoch = None;
            let left = ended.held_until.saturating_sub(self.ports.clock.since_boot());
            match self.ports.clock.timeout(left, self.ports.leadership.release(&ended.lease)).await {
                Some(Ok(())) => tracing::info!(epoch = ended.lease.epoch, "gave the lead of the schedules back"),
                Some(Err(error)) => {
                    tracing::warn!(
                        error = error.report(),
                        "the lead of the schedules could not be given back; it runs out"
                    );
                }
                None => tracing::warn!("the lead of the schedules was not given back in time; it runs out"),
            }
        }
    }

    /// Whether this scheduler leads, as far as it knows.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.status.lock().epoch.is_some()
    }

    /// When each schedule is due next, for people.
    #[must_use]
    pub fn next_ticks(&self) -> Vec<NextTick> {
        self.plan.next_ticks(self.ports.clock.now())
    }

    /// When the next tick of any schedule is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.plan.next_due(self.ports.clock.now())
    }

    /// Whether it does its work: its loop moves, a leader is known, ticks are fired.
    #[must_use]
    pub fn health(&self) -> Arc<dyn HealthCheck> {
        Arc::new(SchedulerHealth {
            status: self.status.clone(),
            clock: Arc::clone(&self.ports.clock),
            lease: self.options.lease,
        })
    }

    /// One round of the background loop; answers for how long to sleep.
    async fn look(&self) -> Duration {
        let mut term = self.term.lock().await;
        let outcome = self.step(&mut term, &mut Vec::new()).await;
        let mut status = self.status.lock();
        status.last_look = self.ports.clock.since_boot();
        let error = outcome.err().map(|error| error.report());
        if let Some(error) = &error
            && status.error.as_ref() != Some(error)
        {
            tracing::warn!(error, "the scheduler could not do all that is due; it tries again within a second");
        } else if error.is_none() && status.error.is_some() {
            tracing::info!("the scheduler does all that is due again");
        }
        status.error = error;
        self.nap(term.as_ref())
    }

    fn nap(&self, term: Option<&Term>) -> Duration {
        let Some(term) = term else { return LONGEST_NAP.min(self.options.lease / 4) };
        let now = self.ports.clock.now();
        let tick = self.plan.next_due(now).and_then(|tick| (tick - now).to_std().ok()).unwrap_or(LONGEST_NAP);
        let renewal = term.renew_at.saturating_sub(self.ports.clock.since_boot());
        // A thousandth at least: a fire that fails must not make a busy loop of it.
        tick.min(renewal).clamp(Duration::from_millis(1), LONGEST_NAP)
    }

    async fn step(&self, term: &mut Option<Term>, fired: &mut Vec<FiredTick>) -> Result<()> {
        if !self.hold(term).await? && !self.take_lead(term).await? {
            return Ok(());
        }
        if !self.declare(term).await? {
            return Ok(());
        }
        let mut first_error = None;
        for schedule in self.plan.iter() {
            // One schedule that cannot be fired does not keep the others from it.
            if let Err(error) = self.fire_schedule(schedule, term, fired).await {
                first_error.get_or_insert(error.context(format_args!("schedule `{}`", schedule.name)));
            }
            if term.is_none() {
                break;
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// Whether this scheduler leads still: looks at its own clock, and asks for more time when that is due.
    async fn hold(&self, term: &mut Option<Term>) -> Result<bool> {
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

    async fn take_lead(&self, term: &mut Option<Term>) -> Result<bool> {
        let Some((lease, reading)) = self.acquire().await? else { return Ok(false) };
        tracing::info!(epoch = lease.epoch, holder = self.holder, "leads the schedules");
        self.status.lock().epoch = Some(lease.epoch);
        *term = Some(Term::new(lease, reading, self.options.lease));
        Ok(true)
    }

    async fn acquire(&self) -> Result<Option<(Lease, Duration)>> {
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
    async fn declare(&self, term: &mut Option<Term>) -> Result<bool> {
        for _ in 0..CLIMB {
            let Some(held) = term else { return Ok(false) };
            if held.marks.is_some() {
                return Ok(true);
            }
            let store = self.ports.queue.schedules();
            let (epoch, now) = (held.lease.epoch, self.ports.clock.now());
            let definitions = self.plan.definitions();
            let declared = async {
                if !store.declare(epoch, now, &definitions).await? {
                    return Ok(None);
                }
                store.records().await.map(Some)
            };
            match self.within_term(held, declared).await {
                Some(answer) => {
                    if let Some(records) = answer? {
                        held.marks = Some(records.into_iter().map(|record| (record.name, record.high_water)).collect());
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

    async fn fire_schedule(
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
        if due.passed_over > 0 {
            tracing::warn!(
                schedule = schedule.name,
                passed_over = due.passed_over,
                policy = ?schedule.missed,
                since = %mark,
                "ticks were missed"
            );
        }
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
        let job = match with_job.then(|| schedule.new_job(tick)).transpose() {
            Ok(job) => job,
            Err(error) => {
                // The same tick would fail for ever and hold up all that follow.
                tracing::error!(
                    schedule = schedule.name,
                    %tick,
                    error = error.report(),
                    "the tick is passed over: its job cannot be made"
                );
                None
            }
        };
        let fire =
            Fire { schedule: schedule.name.clone(), epoch: held.lease.epoch, tick, overlap: schedule.overlap, job };
        let Some(answer) = self.within_term(held, self.ports.queue.schedules().fire(fire)).await else {
            self.lose(term, "the schedules' store did not answer before the lease ran out");
            return Ok(false);
        };
        match answer? {
            Fired::Added(job) => self.fired(schedule, tick, Some(job), fired),
            Fired::Skipped => self.fired(schedule, tick, None, fired),
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

    fn fired(&self, schedule: &Planned, tick: Timestamp, job: Option<JobId>, fired: &mut Vec<FiredTick>) {
        match &job {
            Some(job) => tracing::debug!(schedule = schedule.name, %tick, %job, "fired a tick"),
            None => tracing::debug!(schedule = schedule.name, %tick, "passed a tick over"),
        }
        fired.push(FiredTick { schedule: schedule.name.clone(), at: tick, job });
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

    /// Runs a call of the schedules' store while the lease is held; `None` when it ran out first.
    async fn within_term<T: Send>(&self, held: &Term, call: impl Future<Output = T> + Send) -> Option<T> {
        let left = held.held_until.saturating_sub(self.ports.clock.since_boot());
        self.ports.clock.timeout(left, call).await
    }

    fn lose(&self, term: &mut Option<Term>, reason: &'static str) {
        if let Some(ended) = term.take() {
            self.status.lock().epoch = None;
            tracing::warn!(epoch = ended.lease.epoch, reason, "leads the schedules no more");
        }
    }
}
