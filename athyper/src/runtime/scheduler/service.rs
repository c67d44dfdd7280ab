//! The scheduler: what it is made of, its background loop, and its driven form.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::Mutex;

use super::observer::Observer;
use super::status::{SchedulerHealth, SharedStatus};
use super::term::Term;
use super::{NextTick, SchedulePlan, SchedulerOptions};
use crate::foundation::clock::{Clock, ClockExt, Timestamp};
use crate::foundation::error::Result;
use crate::foundation::health::HealthCheck;
use crate::foundation::jobs::{JobId, JobQueue};
use crate::foundation::leadership::Leadership;
use crate::foundation::metrics::MetricsRegistry;

/// The longest time between two looks at the wall clock, so that a jump is noticed.
pub(super) const LONGEST_NAP: Duration = Duration::from_secs(1);

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
///
/// While a new version of a product replaces an old one, a process of the old one may still lead, or lead again. Whose
/// process began later decides which schedules there are: the older leader changes and removes none, and fires those that
/// are the same in both. The ticks of the others wait for a leader that knows them, as their policy for missed ticks says. If
/// the old version is to stay after all, restart it: it then began later. It is [degraded](Self::health) until that.
#[derive(Debug)]
pub struct Scheduler {
    pub(super) plan: SchedulePlan,
    pub(super) ports: SchedulerPorts,
    pub(super) options: SchedulerOptions,
    pub(super) holder: String,
    /// When it began, by which the schedules of two versions of the product are told apart.
    pub(super) since: Timestamp,
    term: Mutex<Option<Term>>,
    pub(super) status: SharedStatus,
    pub(super) observer: Observer,
}

impl Scheduler {
    /// A scheduler that has not begun; it touches no store yet.
    ///
    /// # Errors
    /// `Configuration` when one of the scheduler's metrics is taken by another kind of metric.
    pub fn new(
        plan: SchedulePlan,
        ports: SchedulerPorts,
        mut options: SchedulerOptions,
        metrics: &MetricsRegistry,
    ) -> Result<Self> {
        options.lease = options.lease.max(SchedulerOptions::SHORTEST_LEASE);
        // Never reused, not even by the same process: two that share a name would both believe they lead.
        let holder = uuid::Uuid::now_v7().to_string();
        let observer = Observer::new(metrics, plan.iter().map(|schedule| schedule.name.as_str()))?;
        let (term, status) = (Mutex::new(None), SharedStatus::default());
        let since = ports.clock.now();
        Ok(Self { plan, ports, options, holder, since, term, status, observer })
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
            self.status.lock().end_term();
            self.observer.leads(false);
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
        if error.is_some() {
            self.observer.fault();
        }
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
        let renewal = term.renew_at.min(term.held_until).saturating_sub(self.ports.clock.since_boot());
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
}
