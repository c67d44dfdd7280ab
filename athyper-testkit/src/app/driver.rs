//! Moves a product through virtual time: fires what is due, runs what is ready, step by step.

use std::any::TypeId;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use athyper::clock::{Clock, Timestamp};
use athyper::jobs::AttemptReport;
use athyper::kernel::Assembly;
use chrono::TimeDelta;

use crate::clock::VirtualClock;

/// A handler that neither ends nor waits for the clock stops the test after this much real time.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Driver {
    pub(super) assembly: Assembly,
    pub(super) clock: Arc<VirtualClock>,
    ran: Mutex<HashMap<TypeId, usize>>,
}

impl Driver {
    pub(super) fn new(assembly: Assembly, clock: Arc<VirtualClock>) -> Self {
        Self { assembly, clock, ran: Mutex::default() }
    }

    /// How often a handler ended successfully.
    pub(super) fn completed(&self, handler: TypeId) -> usize {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).get(&handler).copied().unwrap_or(0)
    }

    /// Moves what was committed from the outbox to the queue.
    pub(super) async fn move_outbox(&self) {
        if let Some(relay) = self.assembly.relay()
            && let Err(error) = patiently(relay.move_all()).await
        {
            panic!("the jobs cannot be moved from the outbox to their queue: {}", error.report());
        }
    }

    /// Runs every job that is due, and those that become due by that.
    pub(super) async fn run_jobs(&self) -> Vec<AttemptReport> {
        let Some(workers) = self.assembly.workers() else { return Vec::new() };
        let mut all = Vec::new();
        loop {
            self.move_outbox().await;
            let reports = match patiently(workers.run_available()).await {
                Ok(reports) => reports,
                Err(error) => panic!("the jobs cannot be run: {}", error.report()),
            };
            // What ran may have committed more.
            let is_done = reports.is_empty() || self.assembly.relay().is_none();
            all.extend(reports);
            if is_done {
                break;
            }
        }
        let mut ran = self.ran.lock().unwrap_or_else(PoisonError::into_inner);
        for report in &all {
            if let (Some(handler), Some(athyper::jobs::Outcome::Complete(_))) = (report.handler, &report.outcome) {
                *ran.entry(handler).or_default() += 1;
            }
        }
        drop(ran);
        all
    }

    /// Fires due ticks and runs due jobs.
    async fn settle(&self) {
        if let Some(scheduler) = self.assembly.scheduler()
            && let Err(error) = patiently(scheduler.fire_due()).await
        {
            panic!("the schedules cannot be fired: {}", error.report());
        }
        self.run_jobs().await;
    }

    /// When something becomes due next.
    async fn next_due(&self) -> Option<Timestamp> {
        let mut earliest = self.assembly.scheduler().and_then(|scheduler| scheduler.next_due());
        let queue = self.assembly.jobs().queue();
        for (name, _) in self.assembly.jobs().registry().queues() {
            let due = queue.next_due(name).await.unwrap_or_else(|error| panic!("{}", error.report()));
            earliest = match (earliest, due) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        earliest
    }

    pub(super) async fn advance(&self, duration: Duration) {
        let span = TimeDelta::from_std(duration).expect("a test lets less than an age pass");
        let target = self.clock.now() + span;
        self.settle().await;
        loop {
            let now = self.clock.now();
            let step = match self.next_due().await {
                Some(due) if due < target => due.max(now),
                _ => target,
            };
            // A job can be due already and still wait, when its queue is paused: time goes on all the same.
            let step = if step == now && now < target { (now + TimeDelta::seconds(1)).min(target) } else { step };
            self.clock.advance((step - now).to_std().unwrap_or_default()).await;
            self.settle().await;
            if step >= target {
                return;
            }
        }
    }
}

async fn patiently<F: Future>(work: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(output) => output,
        Err(_) => panic!(
            "a job has run for {PATIENCE:?} without ending: if it waits for the clock, advance the clock from another task"
        ),
    }
}
