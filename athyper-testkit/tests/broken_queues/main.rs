//! The job queue suite is tested itself: each case passes on a sound queue and fails on one with a certain fault.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod adding;
mod administration;
mod broken;
mod clocks;
mod deliveries;
mod fault;
mod flows;
mod limits;
mod outcomes;
mod schedules;
mod table;
mod taking;
mod transactions;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use athyper::clock::Clock;
use athyper::jobs::{JobQueue, MemoryJobQueue};
use athyper_testkit::clock::VirtualClock;
use athyper_testkit::conformance::job_queue::{Case, JobQueueFixture, cases};
use athyper_testkit::conformance::{StoreTime, Violation};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinError, JoinHandle};

use self::broken::BrokenQueue;
use self::clocks::CrookedClock;
use self::fault::Fault;
use self::table::CAUGHT_BY;
use self::transactions::JobDatabase;

struct Time(Arc<VirtualClock>, Arc<BrokenQueue>);

#[async_trait]
impl StoreTime for Time {
    async fn pass(&self, duration: Duration) {
        self.0.advance(duration).await;
    }

    async fn jump_wall_clock(&self, ahead: Duration) {
        self.0.set(self.0.now() + ahead);
    }

    async fn restart_machine(&self) -> bool {
        self.1.restart_machine().await;
        true
    }
}

fn fixture(fault: Option<Fault>) -> JobQueueFixture {
    let clock = VirtualClock::new();
    let used: Arc<dyn Clock> = match fault {
        Some(Fault::DueByBootClock | Fault::LocksByWallClock) => Arc::new(CrookedClock::new(clock.clone(), fault)),
        _ => clock.clone(),
    };
    let store = || Arc::new(MemoryJobQueue::new(used.clone()));
    let inner = store();
    let memory = Arc::default();
    let open =
        |inner, memory| Arc::new(BrokenQueue { inner, fault, clock: clock.clone(), memory, told: Notify::new() });
    let queue = open(inner.clone(), Arc::clone(&memory));
    let other = if fault == Some(Fault::SeesOnlyItself) { open(store(), Arc::default()) } else { open(inner, memory) };
    JobQueueFixture {
        queue: queue.clone(),
        other: other as Arc<dyn JobQueue>,
        clock: clock.clone(),
        time: Arc::new(Time(clock, queue.clone())),
        database: Some(Arc::new(JobDatabase(queue))),
    }
}

/// Runs a case in a task of its own: a fault may make it panic or hang, which are violations too.
async fn run(case: Case, fault: Option<Fault>, limit: Duration) -> Result<(), Violation> {
    let task = AbortOnDrop(tokio::spawn((case.run)(fixture(fault))));
    match tokio::time::timeout(limit, task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Err(Violation::new(format!("the case panicked: {error}"))),
        Err(_) => Err(Violation::new(format!("the case does not end within {limit:?}"))),
    }
}

struct AbortOnDrop(JoinHandle<Result<(), Violation>>);

impl Future for AbortOnDrop {
    type Output = Result<Result<(), Violation>, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// In real time, what a case may take at most.
const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_case_passes_on_a_sound_queue() {
    for case in cases() {
        if let Err(violation) = run(case, None, LIMIT).await {
            panic!("{}: {violation}", case.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_case_fails_on_queues_with_certain_faults() {
    let at_once = Arc::new(Semaphore::new(16));
    let mut running = Vec::new();
    for (name, fault) in CAUGHT_BY {
        let case = cases().find(|case| case.name == *name).unwrap_or_else(|| panic!("there is no case `{name}`"));
        let at_once = at_once.clone();
        running.push(tokio::spawn(async move {
            let _permit = at_once.acquire().await.unwrap();
            run(case, Some(*fault), LIMIT).await.is_ok().then(|| format!("{name} passes although the queue {fault:?}"))
        }));
    }
    let mut blind = Vec::new();
    for case in running {
        blind.extend(case.await.unwrap());
    }
    assert!(blind.is_empty(), "cases that see nothing:\n{}", blind.join("\n"));
}

#[test]
fn the_table_has_every_case_and_every_fault() {
    let known: BTreeSet<&str> = cases().map(|case| case.name).collect();
    let listed: BTreeSet<&str> = CAUGHT_BY.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, known, "each case finds a fault");
    let used: BTreeSet<Fault> = CAUGHT_BY.iter().map(|(_, fault)| *fault).collect();
    assert_eq!(used, Fault::ALL.iter().copied().collect(), "each fault is found");
}
