//! Taking jobs, and telling what became of them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use ::redis::Value;
use bytes::Bytes;
use futures_util::future::Either;
use serde::de::IgnoredAny;
use tokio::sync::oneshot;

use super::record::{ceiling, expiry, later, micros, read_claimed, read_list, read_number};
use super::successor::Run;
use super::{Inner, identity};
use crate::adapters::redis::connection::{Call, Repeat};
use crate::adapters::redis::error::strange;
use crate::adapters::redis::scripts::{FINISH, TAKE};
use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Claimed, Finish, Finished, Outcome, QueueName, Take, Verdict};

/// More are not handed out in one call.
const MOST_AT_ONCE: usize = 2_000;
/// How long whoever waits relies on being woken: a marker may be lost, and the wall clock may jump.
const LONGEST_NAP: Duration = Duration::from_secs(5);

/// What looking for jobs found.
#[derive(Debug)]
struct Found {
    claimed: Vec<Claimed>,
    runs: Vec<Run>,
    /// When the earliest delayed job is due.
    next_due: Option<Timestamp>,
}

impl Inner {
    pub(super) async fn take(self: &Arc<Self>, request: &Take) -> Result<Vec<Claimed>> {
        if request.max == 0 {
            return Ok(Vec::new());
        }
        let deadline = self.clock.since_boot().saturating_add(request.wait);
        let found = self.look(request).await?;
        if !found.claimed.is_empty() || request.wait.is_zero() {
            return Ok(found.claimed);
        }
        let waiting = self.wakers.wait(&request.queue, || self.key(&request.queue, "marker"), &self.connections);
        let mut next_due = found.next_due;
        loop {
            let given_up = {
                let mut rung = std::pin::pin!(waiting.next());
                rung.as_mut().enable();
                let (now, since_boot) = (self.clock.now(), self.clock.since_boot());
                let nap = next_due.map_or(LONGEST_NAP, |due| (due - now).to_std().unwrap_or_default().min(LONGEST_NAP));
                let wake = since_boot.saturating_add(nap);
                let slept = std::pin::pin!(self.clock.sleep_until(deadline.min(wake)));
                matches!(futures_util::future::select(rung, slept).await, Either::Right(_)) && deadline < wake
            };
            if given_up {
                // Nothing told of jobs, and whoever asks anew looks first.
                waiting.end();
                return Ok(Vec::new());
            }
            let found = self.look(request).await?;
            if !found.claimed.is_empty() || self.clock.since_boot() >= deadline {
                waiting.end();
                return Ok(found.claimed);
            }
            next_due = found.next_due;
        }
    }

    /// Looks once. Jobs that arrive when nobody wants them any more are given back.
    async fn look(self: &Arc<Self>, request: &Take) -> Result<Found> {
        let (sender, receiver) = oneshot::channel();
        let (inner, request) = (self.clone(), request.clone());
        tokio::spawn(async move {
            let mut call = inner.timed(&request.queue).number(request.max.min(MOST_AT_ONCE));
            push_holder(&mut call, &request);
            let answer = inner.connections.run_here(&TAKE, call, Repeat::ByCaller).await;
            let found = answer.and_then(|answer| read_found(read_list(answer)?.into_iter(), &request.queue));
            let found = match found {
                Ok(found) => inner.follow_up(&request.queue, found).await,
                failed => failed,
            };
            if let Err(Ok(unwanted)) = sender.send(found) {
                inner.give_back(unwanted.claimed).await;
            }
        });
        receiver.await.map_err(|_| Error::unavailable("the runtime is ending"))?
    }

    async fn give_back(&self, claimed: Vec<Claimed>) {
        let Some(first) = claimed.first() else { return };
        let queue = first.lock.queue.clone();
        let release = |claimed: Claimed| Finish { lock: claimed.lock, outcome: Outcome::Release };
        let outcomes: Vec<Finish> = claimed.into_iter().map(release).collect();
        // Should it fail, they are taken back once their locks have run out.
        let _taken_back_later = self.close(&queue, &outcomes.iter().collect::<Vec<_>>(), None).await;
    }

    pub(super) async fn finish(self: &Arc<Self>, outcomes: Vec<Finish>, next: Option<&Take>) -> Result<Finished> {
        let mut verdicts = vec![Verdict::LostLock; outcomes.len()];
        // Those of the queue from which further jobs are wanted come last, with that request.
        let last = next.map(|next| &next.queue);
        let mut queues: Vec<&QueueName> = Vec::new();
        for queue in outcomes.iter().map(|finish| &finish.lock.queue) {
            if Some(queue) != last && !queues.contains(&queue) {
                queues.push(queue);
            }
        }
        let mut taken = Vec::new();
        for queue in queues.into_iter().chain(last) {
            let numbers: Vec<usize> =
                (0..outcomes.len()).filter(|number| outcomes[*number].lock.queue == *queue).collect();
            let these: Vec<&Finish> = numbers.iter().map(|number| &outcomes[*number]).collect();
            let request = next.filter(|next| next.queue == *queue);
            let (found, jobs) = self.close(queue, &these, request).await?;
            for (number, verdict) in numbers.into_iter().zip(found) {
                verdicts[number] = verdict;
            }
            taken = jobs;
        }
        Ok(Finished { verdicts, next: taken })
    }

    /// Tells what became of attempts of one queue, and takes further jobs of it.
    async fn close(
        &self,
        queue: &QueueName,
        outcomes: &[&Finish],
        next: Option<&Take>,
    ) -> Result<(Vec<Verdict>, Vec<Claimed>)> {
        let now = self.clock.now();
        let mut call = Call::on(self.key(queue, "meta"))
            .number(now.timestamp_millis())
            .number(next.map_or(0, |next| next.max.min(MOST_AT_ONCE)));
        match next {
            Some(next) => push_holder(&mut call, next),
            None => {
                call.push("0");
                call.push("");
            }
        }
        for finish in outcomes {
            push_outcome(&mut call, finish, now);
        }
        let answer = read_list(self.connections.run_here(&FINISH, call, Repeat::ByCaller).await?)?;
        let mut parts = answer.into_iter();
        let verdicts = read_list(parts.next().unwrap_or_default())?;
        // The outcomes are recorded: what goes wrong with further jobs is told to whoever asks for them next.
        let next =
            self.follow_up(queue, read_found(parts, queue)?).await.map_or_else(|_| Vec::new(), |found| found.claimed);
        let verdict = |accepted| if accepted == Value::Int(1) { Verdict::Applied } else { Verdict::LostLock };
        Ok((verdicts.into_iter().map(verdict).collect(), next))
    }

    /// Does what whoever takes a run of a scheduler has to do.
    async fn follow_up(&self, queue: &QueueName, mut found: Found) -> Result<Found> {
        let runs = std::mem::take(&mut found.runs);
        match self.add_successors(queue, runs).await {
            Ok(()) => Ok(found),
            Err(error) => {
                // Taken again they are followed up again.
                Box::pin(self.give_back(found.claimed)).await;
                Err(error)
            }
        }
    }
}

/// For how long jobs are held, and by whom.
fn push_holder(call: &mut Call, request: &Take) {
    call.push(expiry(request.lock_for).to_string());
    call.push(&request.worker);
}

fn push_outcome(call: &mut Call, finish: &Finish, now: Timestamp) {
    let (word, text, delay): (&str, Cow<'_, [u8]>, Option<Duration>) = match &finish.outcome {
        Outcome::Complete(result) => ("complete", as_json(result), None),
        Outcome::Retry { error, delay } => ("retry", error.as_bytes().into(), Some(*delay)),
        Outcome::Fail { error } => ("fail", error.as_bytes().into(), None),
        Outcome::Snooze { delay } => ("snooze", b"".as_slice().into(), Some(*delay)),
        Outcome::Park { reason, delay } => ("park", reason.as_bytes().into(), Some(*delay)),
        Outcome::Release => ("release", b"".as_slice().into(), None),
    };
    let due = delay.map_or(now, |delay| later(now, delay));
    call.push(identity::spell(finish.lock.id.as_str()).as_bytes());
    call.push(finish.lock.token.to_string());
    call.push(word);
    call.push(&text);
    call.push(match word {
        "retry" | "fail" => quote(&String::from_utf8_lossy(&text)),
        _ => String::new(),
    });
    // Without a delay it is due now, however the millisecond is rounded.
    call.push(if due > now { ceiling(due) } else { now.timestamp_millis() }.to_string());
    call.push(micros(due).to_string());
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// JSON as it is; anything else as a JSON string, because listeners of BullMQ's events break on what is no JSON.
pub(super) fn as_json(bytes: &Bytes) -> Cow<'_, [u8]> {
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => Cow::Borrowed(bytes),
        Err(_) => Cow::Owned(quote(&String::from_utf8_lossy(bytes)).into_bytes()),
    }
}

fn read_found(mut parts: impl Iterator<Item = Value>, queue: &QueueName) -> Result<Found> {
    let mut next = || parts.next().ok_or_else(|| strange("the jobs that were taken"));
    let due = read_number(next()?)?;
    let jobs = read_list(next()?)?;
    let read = jobs.into_iter().map(|job| read_claimed(job, queue));
    let (claimed, runs): (Vec<Claimed>, Vec<Option<Run>>) = read.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let next_due = (due >= 0).then(|| Timestamp::from_timestamp_millis(due)).flatten();
    Ok(Found { claimed, runs: runs.into_iter().flatten().collect(), next_due })
}
