//! One queue's driver: takes jobs while there is room, runs them, and tells the queue what became of them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::super::cancellation::{Cancellation, Reason};
use super::attempt;
use super::locks::{HeldLock, Locks};
use super::pool::Overrun;
use super::{Shared, observer::Ran};
use crate::foundation::clock::ClockExt;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Claimed, Finish, Finished, Outcome, QueueName, Take, Verdict};

/// One queue's driver, whatever its concurrency: one request for jobs and one report of outcomes are under way at a time,
/// each for as many as there are.
pub(super) struct Puller {
    shared: Arc<Shared>,
    locks: Arc<Locks>,
    queue: QueueName,
    concurrency: usize,
    /// No further jobs.
    stop: CancellationToken,
    /// Running jobs are asked to stop, and what does not is dropped.
    cut: CancellationToken,
    running: FuturesUnordered<BoxFuture<'static, Ended>>,
    cancellations: Vec<(Claimed, Arc<Cancellation>)>,
    taking: Option<Taking>,
    finishing: Option<BoxFuture<'static, Report>>,
    ended: Vec<Ended>,
    faults: Faults,
}

/// A request for jobs under way; it may bring as many as it asked for.
struct Taking {
    asked: usize,
    answer: BoxFuture<'static, Result<Vec<Claimed>>>,
}

/// An attempt that ended and that the queue does not know of yet.
pub(super) struct Ended {
    claimed: Claimed,
    outcome: Option<Outcome>,
    ran: Ran,
    lock: HeldLock,
}

/// Outcomes that were sent, and the answer.
struct Report {
    sent: Vec<Ended>,
    asked: usize,
    answer: Result<Finished>,
}

/// How often in a row the store did not answer.
#[derive(Default)]
struct Faults {
    taking: u32,
    finishing: u32,
}

impl Puller {
    pub(super) fn new(
        shared: Arc<Shared>,
        locks: Arc<Locks>,
        (queue, concurrency): (QueueName, usize),
        stop: CancellationToken,
        cut: CancellationToken,
    ) -> Self {
        Self {
            shared,
            locks,
            queue,
            concurrency,
            stop,
            cut,
            running: FuturesUnordered::new(),
            cancellations: Vec::new(),
            taking: None,
            finishing: None,
            ended: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// Works until it is stopped and every job it held has ended. Answers with those that had to be cut off.
    pub(super) async fn run(mut self) -> Vec<Overrun> {
        let mut overran = Vec::new();
        loop {
            let stopping = self.stop.is_cancelled();
            if stopping {
                // Dropped while it waits, a request takes nothing; caught in the middle, its jobs are taken back as stalled.
                self.taking = None;
            }
            if stopping && self.running.is_empty() && self.ended.is_empty() && self.finishing.is_none() {
                self.shared.progress.rests(&self.queue);
                return overran;
            }
            self.report_outcomes(stopping);
            if !stopping {
                self.request_jobs();
            }
            let (stop, cut) = (self.stop.clone(), self.cut.clone());
            tokio::select! {
                Some(ended) = self.running.next(), if !self.running.is_empty() => self.note_end(ended),
                answer = answer_of(&mut self.taking), if self.taking.is_some() => self.start_taken(answer),
                report = report_of(&mut self.finishing), if self.finishing.is_some() => self.settle(report),
                () = stop.cancelled(), if !stopping => {}
                () = cut.cancelled(), if stopping && overran.is_empty() && !self.running.is_empty() => {
                    overran = self.cut_off();
                }
            }
        }
    }

    fn note_end(&mut self, ended: Ended) {
        self.cancellations.retain(|(claimed, _)| claimed.lock != ended.claimed.lock);
        self.ended.push(ended);
        // Whatever else has ended by now travels in the same report.
        while let Some(Some(ended)) = self.running.next().now_or_never() {
            self.cancellations.retain(|(claimed, _)| claimed.lock != ended.claimed.lock);
            self.ended.push(ended);
        }
    }

    fn free(&self) -> usize {
        let held = self.running.len() + self.ended.len() + self.taking.as_ref().map_or(0, |taking| taking.asked);
        self.concurrency.saturating_sub(held)
    }

    fn request(&self, max: usize, wait: Duration) -> Take {
        Take {
            queue: self.queue.clone(),
            worker: self.shared.settings.name.clone(),
            max,
            lock_for: self.shared.settings.lock_for,
            wait,
        }
    }

    /// Asks for jobs if there is room and no other request is under way.
    fn request_jobs(&mut self) {
        let max = self.free();
        if max == 0 || self.taking.is_some() || self.finishing.is_some() {
            return;
        }
        let request = self.request(max, self.shared.settings.take_for);
        let (shared, pause) = (self.shared.clone(), pause_after(self.faults.taking, &self.queue));
        self.shared.progress.begins(&self.queue, shared.link.clock.since_boot());
        let answer = async move {
            shared.link.clock.sleep(pause).await;
            guard(shared.link.queue.take(&request)).await
        };
        self.taking = Some(Taking { asked: max, answer: Box::pin(answer) });
    }

    fn start_taken(&mut self, answer: Result<Vec<Claimed>>) {
        self.taking = None;
        match answer {
            Ok(claimed) => {
                self.faults.taking = 0;
                self.shared.progress.succeeds(&self.queue);
                for claimed in claimed {
                    self.start(claimed);
                }
            }
            Err(error) => {
                self.faults.taking += 1;
                self.shared.observer.fault(&self.queue);
                tracing::error!(queue = %self.queue, tries = self.faults.taking, error = %error.report(),
                    "no jobs could be taken: the queue does not answer");
            }
        }
    }

    fn start(&mut self, claimed: Claimed) {
        let cancellation = Arc::<Cancellation>::default();
        let lock = self.locks.hold(claimed.lock.clone(), cancellation.clone());
        self.cancellations.push((claimed.clone(), cancellation.clone()));
        let shared = self.shared.clone();
        self.running.push(Box::pin(async move {
            let ran = shared.observer.started(&claimed, &*shared.link.clock);
            let outcome = attempt::run(&shared, &claimed, &cancellation).await;
            Ended { claimed, outcome, ran, lock }
        }));
    }

    /// Tells the queue what ended, and asks for as many further jobs as there is room for.
    fn report_outcomes(&mut self, stopping: bool) {
        if self.finishing.is_some() || self.ended.is_empty() {
            return;
        }
        let sent = std::mem::take(&mut self.ended);
        let max = if stopping { 0 } else { self.free() };
        let next = (max > 0).then(|| self.request(max, Duration::ZERO));
        let finishes: Vec<Finish> = sent
            .iter()
            .filter_map(|ended| Some(Finish { lock: ended.claimed.lock.clone(), outcome: ended.outcome.clone()? }))
            .collect();
        let (shared, pause) = (self.shared.clone(), pause_after(self.faults.finishing, &self.queue));
        self.shared.progress.begins(&self.queue, shared.link.clock.since_boot());
        self.finishing = Some(Box::pin(async move {
            shared.link.clock.sleep(pause).await;
            let answer = guard(shared.link.queue.finish(finishes, next.as_ref())).await;
            Report { sent, asked: max, answer }
        }));
    }

    fn settle(&mut self, report: Report) {
        self.finishing = None;
        match report.answer {
            Ok(finished) => {
                self.faults.finishing = 0;
                self.shared.progress.succeeds(&self.queue);
                let mut verdicts = finished.verdicts.into_iter();
                for ended in report.sent {
                    let verdict = ended.outcome.as_ref().and_then(|_| verdicts.next());
                    self.conclude(&ended, verdict);
                }
                debug_assert!(finished.next.len() <= report.asked, "a queue handed out more jobs than were asked for");
                for claimed in finished.next {
                    self.start(claimed);
                }
            }
            Err(error) => {
                self.faults.finishing += 1;
                self.shared.observer.fault(&self.queue);
                tracing::error!(queue = %self.queue, jobs = report.sent.len(), tries = self.faults.finishing,
                    error = %error.report(), "the outcome of jobs could not be recorded and is sent again");
                // The locks go on being renewed with them, so nobody else begins what is done.
                self.ended.splice(0..0, report.sent);
            }
        }
    }

    fn conclude(&self, ended: &Ended, verdict: Option<Verdict>) {
        let _ = &ended.lock;
        if verdict == Some(Verdict::LostLock) {
            let envelope = &ended.claimed.envelope;
            tracing::warn!(queue = %envelope.queue, kind = %envelope.kind, id = %envelope.id, token = ended.claimed.lock.token,
                "the outcome of an attempt was refused: the job is in other hands, or the outcome had arrived before");
        }
        let accepted = ended.outcome.as_ref().filter(|_| verdict == Some(Verdict::Applied));
        self.shared.observer.ended(&ended.claimed, accepted, &ended.ran, &*self.shared.link.clock);
        if matches!(accepted, Some(Outcome::Complete(_) | Outcome::Fail { .. })) {
            self.shared.link.finished.notify_waiters();
        }
    }

    /// Asks every running job to stop, and names them.
    fn cut_off(&mut self) -> Vec<Overrun> {
        self.cancellations
            .iter()
            .map(|(claimed, cancellation)| {
                cancellation.fire(Reason::Drain);
                let overrun = Overrun::of(claimed);
                tracing::warn!(queue = %overrun.queue, kind = %overrun.kind, id = %overrun.id, attempt = overrun.attempt,
                    "a job overran the deadline of the shutdown and is handed back");
                overrun
            })
            .collect()
    }
}

async fn answer_of(taking: &mut Option<Taking>) -> Result<Vec<Claimed>> {
    match taking {
        Some(taking) => (&mut taking.answer).await,
        None => std::future::pending().await,
    }
}

async fn report_of(finishing: &mut Option<BoxFuture<'static, Report>>) -> Report {
    match finishing {
        Some(finishing) => finishing.await,
        None => std::future::pending().await,
    }
}

/// A panic inside of an adapter is an error like any other: the pool goes on.
async fn guard<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| Err(Error::internal("the job queue panicked")))
}

/// How long to wait after the store did not answer `faults` times in a row: doubled from 100 ms up to 5 s, less up to a
/// quarter that differs from queue to queue.
fn pause_after(faults: u32, queue: &QueueName) -> Duration {
    if faults == 0 {
        return Duration::ZERO;
    }
    let full = Duration::from_millis(100).saturating_mul(2_u32.saturating_pow(faults - 1)).min(Duration::from_secs(5));
    full.mul_f64(1.0 - 0.25 * attempt::spread(queue.as_str(), faults))
}
