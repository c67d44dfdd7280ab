//! One attempt at a job, from the payload to what the queue is told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::future::{Either, OptionFuture, select};
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::super::cancellation::{Cancellation, Reason};
use super::super::payload::PAYLOAD_CODE;
use super::super::{HandlerOutcome, JobContext, JobDescriptor};
use super::Shared;
use super::park;
use crate::foundation::clock::ClockExt;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{CANCELLED, Claimed, Outcome};
use crate::runtime::current_context::in_context;

/// Runs a handler with what it needs: the container of a kernel, or a test.
pub trait HandlerRunner: Send + Sync + 'static {
    /// Runs the handler of `job` once.
    fn run<'a>(
        &'a self,
        job: &'a JobDescriptor,
        payload: &'a Bytes,
        context: JobContext,
    ) -> BoxFuture<'a, Result<HandlerOutcome>>;
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum End {
    /// The handler returned.
    Returned(Result<HandlerOutcome>),
    /// The handler panicked, with this text.
    Panicked(String),
    /// It was dropped because it should stop and did not.
    Dropped(Reason),
}

/// Runs a job once. `None` when there is nothing to tell the queue, because the job is in other hands.
pub(super) async fn run(shared: &Arc<Shared>, claimed: &Claimed, cancellation: &Arc<Cancellation>) -> Option<Outcome> {
    let envelope = &claimed.envelope;
    let Some(job) = shared.registry.handler_of(envelope).copied() else {
        return Some(park::park(shared, claimed));
    };
    if let Some(deadline) = envelope.context.deadline().filter(|deadline| *deadline <= shared.link.clock.now()) {
        return Some(fail(claimed, format!("its deadline, {deadline}, passed before it started")));
    }
    if cancellation.reason() == Some(Reason::Cancelled) {
        return Some(Outcome::Fail { error: CANCELLED.to_owned() });
    }
    let end = run_handler(shared, &job, claimed, cancellation).await;
    conclude(claimed, end, cancellation.reason())
}

/// Runs the handler in a task of its own, so that a panic ends only the attempt and a blocked thread not the pool.
async fn run_handler(
    shared: &Arc<Shared>,
    job: &JobDescriptor,
    claimed: &Claimed,
    cancellation: &Arc<Cancellation>,
) -> End {
    let envelope = &claimed.envelope;
    let attempt = claimed.attempts_made.saturating_add(1);
    let context = envelope.context.child();
    let span = tracing::info_span!(
        "job",
        queue = %envelope.queue,
        kind = %envelope.kind,
        id = %envelope.id,
        attempt,
        request_id = context.request_id(),
        trace_id = %context.trace().trace_id(),
        tenant = context.tenant(),
    );
    let queue = shared.link.queue.clone();
    let job_context = JobContext::new(context.clone(), claimed, queue, cancellation.clone());
    let (runner, job, version, payload) = (shared.runner.clone(), *job, envelope.version, envelope.payload.clone());
    let handler = async move {
        let payload = job.upcast(version, &payload)?;
        runner.run(&job, &payload, job_context).await
    };
    let mut task = AbortOnDropHandle::new(tokio::spawn(in_context(context, handler).instrument(span)));

    let clock = &shared.link.clock;
    let timeout = OptionFuture::from(envelope.options.timeout.map(|limit| clock.sleep(limit)));
    let timed_out = async {
        match timeout.await {
            Some(()) => {}
            None => std::future::pending().await,
        }
    };
    let reason = {
        let stop = async {
            tokio::select! {
                biased;
                reason = cancellation.fired() => reason,
                () = timed_out => Reason::Timeout,
            }
        };
        match select(&mut task, std::pin::pin!(stop)).await {
            Either::Left((ended, _)) => return returned(ended),
            Either::Right((reason, _)) => reason,
        }
    };
    cancellation.fire(reason);
    if cancellation.is_listened_to()
        && let Some(ended) = clock.timeout(shared.settings.cancel_grace, &mut task).await
    {
        return returned(ended);
    }
    if task.is_finished() {
        return returned(task.await);
    }
    End::Dropped(cancellation.reason().unwrap_or(reason))
}

fn returned(ended: Result<Result<HandlerOutcome>, JoinError>) -> End {
    match ended {
        Ok(result) => End::Returned(result),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => End::Panicked(panic_text(&*panic)),
            // The runtime is going down and takes the task with it: the job is handed back.
            Err(_) => End::Dropped(Reason::Drain),
        },
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&'static str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("without a text"))
}

fn conclude(claimed: &Claimed, end: End, asked_to_stop: Option<Reason>) -> Option<Outcome> {
    match (end, asked_to_stop) {
        // Work that was done is recorded, whatever happened meanwhile; the queue refuses it if the job is in other hands.
        (End::Returned(Ok(HandlerOutcome::Done(result))), _) => Some(Outcome::Complete(result)),
        (_, Some(Reason::LostLock)) => {
            warn(claimed, "the attempt was given up: the job is, or may be, in other hands");
            None
        }
        // Whatever else it came to: nothing of it is to be done any more.
        (
            End::Returned(Err(_) | Ok(HandlerOutcome::Snooze(_))) | End::Dropped(_) | End::Panicked(_),
            Some(Reason::Cancelled),
        ) => {
            warn(claimed, "the job was cancelled");
            Some(Outcome::Fail { error: CANCELLED.to_owned() })
        }
        (End::Dropped(Reason::Drain) | End::Returned(Err(_)), Some(Reason::Drain))
        | (End::Dropped(Reason::Drain), _) => Some(Outcome::Release),
        (End::Returned(Err(_)) | End::Dropped(_), Some(Reason::Timeout)) => {
            let limit = claimed.envelope.options.timeout.unwrap_or_default();
            Some(failed(claimed, format!("it took longer than its time-out of {limit:?}"), None))
        }
        (End::Returned(Ok(HandlerOutcome::Snooze(delay))), _) => Some(Outcome::Snooze { delay }),
        (End::Returned(Ok(HandlerOutcome::Discard(reason))), _) => Some(fail(claimed, reason)),
        (End::Returned(Err(error)), _) => Some(failed_with(claimed, &error)),
        (End::Panicked(text), _) => Some(failed(claimed, text, None)),
        (End::Dropped(_), _) => Some(Outcome::Release),
    }
}

fn failed_with(claimed: &Claimed, error: &Error) -> Outcome {
    if error.code() == PAYLOAD_CODE {
        return fail(claimed, error.message().to_owned());
    }
    failed(claimed, error.report(), error.retry_after())
}

/// The attempt failed: another one follows if the job has one left.
fn failed(claimed: &Claimed, error: String, retry_after: Option<Duration>) -> Outcome {
    let options = &claimed.envelope.options;
    let attempt = claimed.attempts_made.saturating_add(1);
    if attempt >= options.attempts {
        return fail(claimed, error);
    }
    let delay =
        retry_after.unwrap_or_else(|| options.backoff.delay(attempt, spread(claimed.envelope.id.as_str(), attempt)));
    let envelope = &claimed.envelope;
    tracing::warn!(
        queue = %envelope.queue, kind = %envelope.kind, id = %envelope.id, attempt, of = options.attempts,
        request_id = envelope.context.request_id(), retry_in = ?delay, error = %error,
        "a job failed and is tried again"
    );
    Outcome::Retry { error, delay }
}

fn fail(claimed: &Claimed, error: String) -> Outcome {
    let envelope = &claimed.envelope;
    tracing::error!(
        queue = %envelope.queue, kind = %envelope.kind, id = %envelope.id,
        attempt = claimed.attempts_made.saturating_add(1), of = envelope.options.attempts,
        request_id = envelope.context.request_id(), error = %error,
        "a job failed for good"
    );
    Outcome::Fail { error }
}

fn warn(claimed: &Claimed, message: &'static str) {
    let envelope = &claimed.envelope;
    tracing::warn!(
        queue = %envelope.queue, kind = %envelope.kind, id = %envelope.id, lock = claimed.lock.token,
        request_id = envelope.context.request_id(), message
    );
}

/// A number in 0.0..1.0 that differs from job to job and from attempt to attempt, and is the same in every run: jitter
/// spreads retries without making a test depend on chance.
pub(super) fn spread(id: &str, attempt: u32) -> f64 {
    // FNV-1a, 64 bits; the top 53 of them, mixed once more, make the fraction.
    let bytes = id.bytes().chain(attempt.to_le_bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    #[allow(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds exactly")]
    let fraction = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_spread_is_a_fraction_that_differs_between_jobs_and_attempts() {
        let all: Vec<f64> = (0..1_000).map(|n| spread(&format!("job-{}", n / 4), n % 4)).collect();
        assert!(all.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        let mean = all.iter().sum::<f64>() / 1_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        let mut distinct = all.clone();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
    }
}
