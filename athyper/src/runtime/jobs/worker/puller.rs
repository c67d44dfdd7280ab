//! One queue's driver: takes jobs while there is room, runs them, and tells the queue what became of them.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::super::cancellation::{Cancellation, Reason};
use super::ahead::Ahead;
use super::isolation::Isolation;
use super::locks::{HeldLock, Locks};
use super::pause::pause_after;
use super::pool::Overrun;
use super::{Shared, attempt, observer::Ran};
use crate::foundation::clock::ClockExt;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Claimed, Finish, Finished, Outcome, QueueName, Take, Verdict};

/// How many reports of outcomes are under way at once: while one is answered the next one is written.
const REPORTS_AT_ONCE: usize = 2;

/// One queue's driver, whatever its concurrency: one request for jobs and two reports of outcomes are under way at a time,
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
    /// Jobs in our hands that have not begun.
    ready: VecDeque<Ready>,
    running: FuturesUnordered<BoxFuture<'static, (u64, Ended)>>,
    /// The running jobs, by the number they were begun with.
    begun: HashMap<u64, (Arc<Claimed>, Arc<Cancellation>)>,
    begins: u64,
    taking: Option<Taking>,
    reports: FuturesUnordered<BoxFuture<'static, Report>>,
    /// How many jobs the reports under way may bring.
    asked_by_reports: usize,
    ended: Vec<Ended>,
    ahead: Ahead,
    isolation: Isolation,
    faults: Faults,
}

/// A job that is held and has not begun.
struct Ready {
    claimed: Arc<Claimed>,
    cancellation: Arc<Cancellation>,
    lock: HeldLock,
    since: Duration,
}

/// A request for jobs under way; it may bring as many as it asked for.
struct Taking {
    asked: usize,
    answer: BoxFuture<'static, Result<Vec<Claimed>>>,
}

/// A job that is to be given back, and that the queue does not know of yet.
struct Ended {
    claimed: Arc<Claimed>,
    outcome: Option<Outcome>,
    /// Nothing if it was not begun.
    ran: Option<Ran>,
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
    reporting: u32,
}

impl Puller {
    pub(super) fn new(
        shared: Arc<Shared>,
        locks: Arc<Locks>,
        (queue, concurrency): (QueueName, usize),
        stop: CancellationToken,
        cut: CancellationToken,
    ) -> Self {
        // What is taken counts for limits, whether or not it begins.
        let is_limited = shared.registry.limits(&queue).is_some();
        let within = if is_limited { Duration::ZERO } else { shared.settings.take_ahead };
        let (ahead, isolation) = (Ahead::new(within), Isolation::new(shared.settings.max_stalls));
        Self {
            shared,
            locks,
            queue,
            concurrency,
            stop,
            cut,
            ready: VecDeque::new(),
            running: FuturesUnordered::new(),
            begun: HashMap::new(),
            begins: 0,
            taking: None,
            reports: FuturesUnordered::new(),
            asked_by_reports: 0,
            ended: Vec::new(),
            ahead,
            isolation,
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
                self.hand_back();
            } else {
                self.begin_ready();
            }
            if stopping && self.running.is_empty() && self.ended.is_empty() && self.reports.is_empty() {
                self.shared.progress.rests(&self.queue);
                return overran;
            }
            self.report_outcomes(stopping);
            if !stopping {
                self.request_jobs();
            }
            let (stop, cut, clock) = (self.stop.clone(), self.cut.clone(), self.shared.link.clock.clone());
            let look_again = self.look_again();
            tokio::select! {
                Some((number, ended)) = self.running.next(), if !self.running.is_empty() => self.note_end(number, ended),
                answer = answer_of(&mut self.taking), if self.taking.is_some() => self.note_taken(answer),
                Some(report) = self.reports.next(), if !self.reports.is_empty() => self.settle(report),
                () = stop.cancelled(), if !stopping => {}
                () = cut.cancelled(), if stopping && overran.is_empty() && !self.running.is_empty() => {
                    overran = self.cut_off();
                }
                () = clock.sleep_until(look_again.unwrap_or_default()), if look_again.is_some() => self.hand_back_overdue(),
            }
        }
    }

    fn note_end(&mut self, number: u64, ended: Ended) {
        self.note_one_end(number, ended);
        // Whatever else has ended by now travels in the same report.
        while let Some(Some((number, ended))) = self.running.next().now_or_never() {
            self.note_one_end(number, ended);
        }
    }

    fn note_one_end(&mut self, number: u64, ended: Ended) {
        self.begun.remove(&number);
        self.isolation.ends(number);
        if let Some(ran) = &ended.ran {
            self.ahead.note(self.shared.link.clock.since_boot().saturating_sub(ran.started()));
        }
        self.ended.push(ended);
    }

    /// How many further jobs there is room for.
    fn free(&self) -> usize {
        let asked = self.taking.as_ref().map_or(0, |taking| taking.asked) + self.asked_by_reports;
        let held = self.running.len() + self.ready.len() + self.ended.len() + asked;
        (self.concurrency + self.ahead.jobs(self.concurrency)).saturating_sub(held)
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
        let now = self.shared.link.clock.since_boot();
        let mut max = self.free();
        if max == 0 || self.taking.is_some() || !self.reports.is_empty() || self.isolation.is_on(now) {
            return;
        }
        if self.isolation.is_wanted() {
            if !self.ended.is_empty() || !self.isolation.is_safe(self.running.len(), now) {
                return;
            }
            max = 1;
        }
        let request = self.request(max, self.shared.settings.take_for);
        let (shared, pause) = (self.shared.clone(), pause_after(self.faults.taking, &self.queue));
        self.shared.progress.begins(&self.queue, now);
        let answer = async move {
            shared.link.clock.sleep(pause).await;
            guard(shared.link.queue.take(&request)).await
        };
        self.taking = Some(Taking { asked: max, answer: Box::pin(answer) });
    }

    fn note_taken(&mut self, answer: Result<Vec<Claimed>>) {
        self.taking = None;
        match answer {
            Ok(claimed) => {
                self.faults.taking = 0;
                self.shared.progress.succeeds(&self.queue);
                if claimed.len() <= 1 {
                    self.isolation.is_answered();
                }
                self.hold(claimed);
            }
            Err(error) => {
                self.faults.taking += 1;
                self.shared.observer.fault(&self.queue);
                tracing::error!(queue = %self.queue, tries = self.faults.taking, error = %error.report(),
                    "no jobs could be taken: the queue does not answer");
            }
        }
    }

    fn hold(&mut self, claimed: Vec<Claimed>) {
        let since = self.shared.link.clock.since_boot();
        let is_alone = claimed.len() == 1 && self.ready.is_empty() && self.ended.is_empty() && self.reports.is_empty();
        let is_safe = is_alone && self.isolation.is_safe(self.running.len(), since);
        let has_suspect = claimed.iter().any(|claimed| self.isolation.is_suspect(claimed));
        for claimed in claimed {
            let cancellation = Arc::<Cancellation>::default();
            let lock = self.locks.hold(claimed.lock.clone(), cancellation.clone());
            self.ready.push_back(Ready { claimed: Arc::new(claimed), cancellation, lock, since });
        }
        if has_suspect && !is_safe {
            self.isolation.want();
            self.hand_back();
        }
    }

    /// Begins jobs that are held, as far as there are free slots.
    fn begin_ready(&mut self) {
        while self.running.len() < self.concurrency
            && let Some(ready) = self.ready.pop_front()
        {
            if ready.cancellation.reason() == Some(Reason::LostLock) {
                // It was lost before it began: it runs, or will, in other hands.
                continue;
            }
            let is_suspect = self.isolation.is_suspect(&ready.claimed);
            let number = self.begin(ready);
            self.isolation.begins(number, is_suspect, self.shared.link.clock.since_boot());
        }
    }

    fn begin(&mut self, Ready { claimed, cancellation, lock, .. }: Ready) -> u64 {
        self.begins += 1;
        let number = self.begins;
        self.begun.insert(number, (claimed.clone(), cancellation.clone()));
        let shared = self.shared.clone();
        self.running.push(Box::pin(async move {
            let ran = shared.observer.started(&claimed, &*shared.link.clock);
            let outcome = attempt::run(&shared, &claimed, &cancellation).await;
            (number, Ended { claimed, outcome, ran: Some(ran), lock })
        }));
        number
    }

    /// Gives back what is held and has not begun.
    fn hand_back(&mut self) {
        let back = self.ready.drain(..).map(|Ready { claimed, lock, .. }| Ended {
            claimed,
            outcome: Some(Outcome::Release),
            ran: None,
            lock,
        });
        self.ended.extend(back);
    }

    /// When to look whether what is held must wait no longer, or whether jobs may be taken again.
    fn look_again(&mut self) -> Option<Duration> {
        let overdue = self.ready.front().map(|first| first.since.saturating_add(Ahead::LONGEST_WAIT));
        overdue.or_else(|| self.isolation.look_again(self.running.len(), self.shared.link.clock.since_boot()))
    }

    /// Gives back what was taken ahead if it has to wait longer than anybody expected: others may run it.
    fn hand_back_overdue(&mut self) {
        let now = self.shared.link.clock.since_boot();
        if self.ready.front().is_some_and(|first| first.since.saturating_add(Ahead::LONGEST_WAIT) <= now) {
            self.ahead.begin_anew();
            self.hand_back();
        }
    }

    /// Tells the queue what ended, and asks for as many further jobs as there is room for.
    fn report_outcomes(&mut self, stopping: bool) {
        if self.reports.len() >= REPORTS_AT_ONCE || self.ended.is_empty() {
            return;
        }
        let sent = std::mem::take(&mut self.ended);
        let now = self.shared.link.clock.since_boot();
        let is_isolated = self.isolation.is_wanted() || self.isolation.is_on(now);
        let max = if stopping || is_isolated { 0 } else { self.free() };
        let next = (max > 0).then(|| self.request(max, Duration::ZERO));
        let finishes: Vec<Finish> = sent
            .iter()
            .filter_map(|ended| Some(Finish { lock: ended.claimed.lock.clone(), outcome: ended.outcome.clone()? }))
            .collect();
        let (shared, pause) = (self.shared.clone(), pause_after(self.faults.reporting, &self.queue));
        self.shared.progress.begins(&self.queue, now);
        self.asked_by_reports += max;
        self.reports.push(Box::pin(async move {
            shared.link.clock.sleep(pause).await;
            let answer = guard(shared.link.queue.finish(finishes, next.as_ref())).await;
            Report { sent, asked: max, answer }
        }));
    }

    fn settle(&mut self, report: Report) {
        self.asked_by_reports -= report.asked;
        match report.answer {
            Ok(finished) => {
                self.faults.reporting = 0;
                self.shared.progress.succeeds(&self.queue);
                let mut verdicts = finished.verdicts.into_iter();
                for ended in report.sent {
                    let verdict = ended.outcome.as_ref().and_then(|_| verdicts.next());
                    self.conclude(&ended, verdict);
                }
                debug_assert!(finished.next.len() <= report.asked, "a queue handed out more jobs than were asked for");
                self.hold(finished.next);
            }
            Err(error) => {
                self.faults.reporting += 1;
                self.shared.observer.fault(&self.queue);
                tracing::error!(queue = %self.queue, jobs = report.sent.len(), tries = self.faults.reporting,
                    error = %error.report(), "the outcome of jobs could not be recorded and is sent again");
                // The locks go on being renewed with them, so nobody else begins what is done.
                self.ended.splice(0..0, report.sent);
            }
        }
    }

    fn conclude(&self, ended: &Ended, verdict: Option<Verdict>) {
        let _ = &ended.lock;
        let Some(ran) = &ended.ran else { return };
        if verdict == Some(Verdict::LostLock) {
            let envelope = &ended.claimed.envelope;
            tracing::warn!(queue = %envelope.queue, kind = %envelope.kind, id = %envelope.id, lock = ended.claimed.lock.token,
                "the outcome of an attempt was refused: the job is in other hands, or the outcome had arrived before");
        }
        let accepted = ended.outcome.as_ref().filter(|_| verdict == Some(Verdict::Applied));
        self.shared.observer.ended(&ended.claimed, accepted, ran, &*self.shared.link.clock);
        if matches!(accepted, Some(Outcome::Complete(_) | Outcome::Fail { .. })) {
            self.shared.link.finished.notify_waiters();
        }
    }

    /// Asks every running job to stop, and names them.
    fn cut_off(&mut self) -> Vec<Overrun> {
        let mut running: Vec<_> = self.begun.iter().collect();
        running.sort_by_key(|(number, _)| **number);
        let cut = running.into_iter().map(|(_, (claimed, cancellation))| {
            cancellation.fire(Reason::Drain);
            let overrun = Overrun::of(claimed);
            tracing::warn!(queue = %overrun.queue, kind = %overrun.kind, id = %overrun.id, attempt = overrun.attempt,
                "a job overran the deadline of the shutdown and is handed back");
            overrun
        });
        cut.collect()
    }
}

async fn answer_of(taking: &mut Option<Taking>) -> Result<Vec<Claimed>> {
    match taking {
        Some(taking) => (&mut taking.answer).await,
        None => std::future::pending().await,
    }
}

/// A panic inside of an adapter is an error like any other: the pool goes on.
async fn guard<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| Err(Error::internal("the job queue panicked")))
}
