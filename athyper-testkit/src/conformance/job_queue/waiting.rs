//! Waiting for jobs.

use std::sync::Arc;
use std::time::Duration;

use athyper::jobs::{Claimed, JobQueue, Outcome, Take};
use tokio::task::JoinHandle;

use super::Violation;
use super::define_cases;
use super::fixture::{
    JobExt, JobQueueFixture, PATIENCE, QUEUE, done, equal, failed, ids, request, seconds, soon, violation,
};

/// Longer than any case takes in virtual time.
pub(super) const LONG: Duration = seconds(86_400 * 365);

fn waiting_request(wait: Duration) -> Take {
    Take { wait, ..request(9) }
}

/// Gives whoever waits time to begin to, or to wake up.
pub(super) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    #[allow(clippy::disallowed_methods, reason = "gives threads of the store real time")]
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// A worker that waits for jobs.
pub(super) struct Waiter(JoinHandle<athyper::Result<Vec<Claimed>>>);

impl Waiter {
    pub(super) fn start(queue: &Arc<dyn JobQueue>, wait: Duration) -> Self {
        let queue = queue.clone();
        Self(tokio::spawn(async move { queue.take(&waiting_request(wait)).await }))
    }

    /// Gives the worker time to begin to wait. A queue that would answer at once has answered by then.
    pub(super) async fn settle(&self) {
        settle().await;
    }

    async fn claimed(self) -> Result<Vec<Claimed>, Violation> {
        match self.0.await {
            Ok(claimed) => Ok(claimed?),
            Err(error) => Err(violation(format_args!("taking panicked: {error}"))),
        }
    }

    async fn ids(self) -> Result<Vec<String>, Violation> {
        Ok(ids(&self.claimed().await?))
    }
}

/// Waits for the worker while time passes by steps that the queue's capabilities allow for.
pub(super) async fn woken(fixture: &JobQueueFixture, waiter: Waiter) -> Result<Vec<String>, Violation> {
    let within = fixture.queue.capabilities().wake_up_within.max(seconds(1));
    fixture.pass_until(within, "waking up a worker that waits", waiter.ids()).await?
}

/// How often a case looks for what must come back.
const ROUNDS: usize = 400;

define_cases! {
    /// A worker that waits is woken by a job that is added in its process, without time passing.
    async fn a_job_wakes_a_worker(fixture) {
        let waiter = Waiter::start(&fixture.queue, LONG);
        waiter.settle().await;
        fixture.add(fixture.job("a")).await?;
        equal("what is handed out", soon("waking up a worker that waits", waiter.ids()).await??, ["a"])
    }

    /// A worker that waits notices a job that another process added.
    async fn a_job_of_another_process_wakes_a_worker(fixture) {
        let waiter = Waiter::start(&fixture.queue, LONG);
        waiter.settle().await;
        fixture.other.add(vec![fixture.job("a")]).await?;
        equal("what is handed out", woken(&fixture, waiter).await?, ["a"])
    }

    /// A worker that waits is handed a delayed job when its time has come.
    async fn a_delay_that_ends_wakes_a_worker(fixture) {
        fixture.add(fixture.job("a").due_in(seconds(60))).await?;
        let waiter = Waiter::start(&fixture.queue, LONG);
        waiter.settle().await;
        equal("what is handed out", woken(&fixture, waiter).await?, ["a"])
    }

    /// A worker that waits is handed a delayed job that was added meanwhile, when its time has come.
    async fn a_delay_that_begins_and_ends_wakes_a_worker(fixture) {
        let waiter = Waiter::start(&fixture.queue, LONG);
        waiter.settle().await;
        fixture.add(fixture.job("a").due_in(seconds(60))).await?;
        waiter.settle().await;
        equal("what is handed out", woken(&fixture, waiter).await?, ["a"])
    }

    /// A wait ends with nothing when its time is over, and not before.
    async fn a_wait_ends(fixture) {
        let waiter = Waiter::start(&fixture.queue, seconds(5));
        waiter.settle().await;
        fixture.pass(seconds(4)).await;
        waiter.settle().await;
        equal("whether it ended too early", waiter.0.is_finished(), false)?;
        fixture.pass(seconds(2)).await;
        equal("what is handed out", woken(&fixture, waiter).await?, Vec::<String>::new())
    }

    /// A request that does not wait is answered at once.
    async fn no_wait_is_no_wait(fixture) {
        let request = request(1);
        let take = soon("an answer to a request that does not wait", fixture.queue.take(&request));
        equal("what is handed out", ids(&take.await??), Vec::<String>::new())
    }

    /// A worker that waits is woken when what it waits for becomes takeable: resumed, released, retried, promoted, freed.
    async fn whatever_frees_a_job_wakes_a_worker(fixture) {
        let queue = QUEUE.into();
        for what in ["resume", "release", "retry", "promote", "serial", "recover", "parked"] {
            let first = format!("{what}-first");
            let second = format!("{what}-second");
            if what == "promote" {
                fixture.add(fixture.job(&first).due_in(LONG)).await?;
            } else {
                fixture.add(fixture.job(&first).serial(what)).await?;
            }
            let mut claimed = fixture.take(1).await?;
            match (what, claimed.first()) {
                ("resume", Some(claimed)) => {
                    fixture.queue.pause(&queue).await?;
                    fixture.settle(claimed, Outcome::Release).await?;
                }
                ("retry", Some(claimed)) => fixture.settle(claimed, failed()).await?,
                ("serial", _) => {
                    fixture.add(fixture.job(&second).serial(what)).await?;
                }
                ("parked", Some(claimed)) => {
                    let park = Outcome::Park { reason: "unknown".to_owned(), delay: LONG };
                    fixture.settle(claimed, park).await?;
                }
                _ => {}
            }
            if what == "recover" {
                fixture.pass(super::fixture::LOCK * 2).await;
            }
            let waiter = Waiter::start(&fixture.queue, LONG);
            waiter.settle().await;
            match (what, claimed.pop()) {
                ("resume", _) => fixture.queue.resume(&queue).await?,
                ("release", Some(claimed)) => fixture.settle(&claimed, Outcome::Release).await?,
                ("retry", _) => fixture.queue.retry(&queue, &(&*first).into()).await?,
                ("promote", _) => fixture.queue.promote(&queue, &(&*first).into()).await?,
                ("serial", Some(claimed)) => fixture.settle(&claimed, done()).await?,
                ("recover", _) => {
                    fixture.recover(9).await?;
                }
                ("parked", _) => {
                    fixture.queue.release_parked(&queue, &["welcome".to_owned()]).await?;
                }
                _ => return Err(violation(format_args!("{what}: no job was handed out at first"))),
            }
            let wanted = if what == "serial" { second } else { first };
            let woken = soon(&format!("waking up a worker by {what}"), waiter.claimed()).await??;
            equal(&format!("what is handed out after {what}"), ids(&woken), [wanted])?;
            fixture.settle(&woken[0], done()).await?;
        }
        Ok(())
    }

    /// A worker that stops waiting takes no job with it.
    async fn a_worker_that_stops_waiting_takes_no_job(fixture) {
        for number in 0..20 {
            let request = waiting_request(LONG);
            {
                let mut take = std::pin::pin!(fixture.queue.take(&request));
                let nothing = tokio::time::timeout(Duration::from_millis(2), &mut take).await;
                equal("whether it still waits", nothing.is_err(), true)?;
            }
            let id = format!("job-{number}");
            fixture.add(fixture.job(&id)).await?;
            settle().await;
            equal("what is handed out", fixture.take_ids(9).await?, [id])?;
        }
        Ok(())
    }

    /// A request that is dropped at any moment loses no job: at worst one is taken back as stalled.
    async fn a_request_dropped_at_any_moment_loses_no_job(fixture) {
        let jobs = (0..40).map(|number| fixture.job(&format!("job-{number:02}"))).collect();
        fixture.queue.add(jobs).await?;
        let mut taken = Vec::new();
        for polls in 0..40 {
            let request = request(1);
            let mut take = std::pin::pin!(fixture.queue.take(&request));
            let mut answer = None;
            for _ in 0..polls % 8 {
                if let std::task::Poll::Ready(claimed) = futures_util::poll!(take.as_mut()) {
                    answer = Some(claimed);
                    break;
                }
                tokio::task::yield_now().await;
            }
            if let Some(claimed) = answer {
                taken.extend(ids(&claimed?));
            }
        }
        // What an adapter still has in hand comes back by itself, or with its lock.
        for _ in 0..ROUNDS {
            tokio::time::timeout(PATIENCE, fixture.queue.ping()).await.map_err(|_| violation("the queue hangs"))??;
            fixture.stall(u32::MAX).await?;
            taken.extend(fixture.take_ids(99).await?);
            taken.sort();
            taken.dedup();
            if taken.len() == 40 {
                break;
            }
            #[allow(clippy::disallowed_methods, reason = "gives threads of the store real time between two looks")]
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        equal("the number of jobs that were handed out", taken.len(), 40)
    }

    /// Of several workers that wait, one gets the job.
    async fn one_of_several_waiting_workers_gets_a_job(fixture) {
        let waiters: Vec<Waiter> = (0..4).map(|_| Waiter::start(&fixture.queue, seconds(30))).collect();
        for waiter in &waiters {
            waiter.settle().await;
        }
        fixture.add(fixture.job("a")).await?;
        let mut all = Vec::new();
        for waiter in waiters {
            all.extend(fixture.pass_until(seconds(1), "the end of the wait", waiter.ids()).await??);
        }
        equal("what is handed out", all, ["a"])
    }
}
