//! Cancelling jobs.

use std::time::Duration;

use athyper::ErrorKind;
use athyper::jobs::{CANCELLED, JobId, JobState, Outcome};

use super::define_cases;
use super::fixture::{Checked, JobExt, JobQueueFixture, QUEUE, done, equal, failed, retry_in, seconds};

const NONE: [&str; 0] = [];

async fn cancel(fixture: &JobQueueFixture, id: &str) -> Checked {
    Ok(fixture.queue.cancel(&QUEUE.into(), &JobId::from(id)).await?)
}

async fn expect_cancelled(fixture: &JobQueueFixture, id: &str) -> Checked {
    fixture.expect_state(id, JobState::Failed).await?;
    equal("its error", fixture.record(id).await?.error.as_deref(), Some(CANCELLED))
}

define_cases! {
    /// A job in nobody's hands fails at once, wherever it waits.
    async fn a_job_that_waits_is_cancelled_at_once(fixture) {
        let claimed = fixture.add_and_take("parked").await?;
        fixture.settle(&claimed, Outcome::Park { reason: "unknown".to_owned(), delay: seconds(60) }).await?;
        fixture.add(fixture.job("delayed").due_in(seconds(60))).await?;
        fixture.add_each(&["a", "ready", "b"]).await?;
        for id in ["parked", "delayed", "ready"] {
            cancel(&fixture, id).await?;
            expect_cancelled(&fixture, id).await?;
        }
        equal("when it ended", fixture.record("ready").await?.finished_at.is_some(), true)?;
        fixture.pass(seconds(120)).await;
        equal("what is handed out", fixture.take_ids(9).await?, ["a", "b"])?;
        equal("what is held and cancelled", fixture.queue.cancelled(&QUEUE.into()).await?, [])
    }

    /// A job that is held is asked to stop, goes on being held, and may complete.
    async fn a_held_job_is_asked_to_stop(fixture) {
        fixture.add_each(&["a", "b"]).await?;
        let claimed = fixture.take(2).await?;
        equal("what is cancelled", fixture.queue.cancelled(&QUEUE.into()).await?, [])?;
        cancel(&fixture, "a").await?;
        cancel(&fixture, "a").await?;
        fixture.expect_state("a", JobState::Active).await?;
        equal("what is cancelled", fixture.queue.cancelled(&QUEUE.into()).await?, [claimed[0].lock.clone()])?;
        equal("what another process hears", fixture.other.cancelled(&QUEUE.into()).await?, [claimed[0].lock.clone()])?;
        equal("what another queue hears", fixture.queue.cancelled(&"print".into()).await?, [])?;
        equal("the lost locks", fixture.queue.renew(&[claimed[0].lock.clone()], seconds(30)).await?, [])?;
        fixture.settle(&claimed[0], done()).await?;
        fixture.expect_state("a", JobState::Completed).await?;
        equal("what is cancelled", fixture.queue.cancelled(&QUEUE.into()).await?, [])
    }

    /// A job that would come back to wait ends instead.
    async fn a_cancelled_job_does_not_come_back(fixture) {
        let park = Outcome::Park { reason: "unknown".to_owned(), delay: seconds(5) };
        let outcomes =
            [retry_in(Duration::ZERO), retry_in(seconds(5)), Outcome::Snooze { delay: seconds(5) }, park, Outcome::Release];
        for (number, outcome) in outcomes.into_iter().enumerate() {
            let id = format!("job-{number}");
            let claimed = fixture.add_and_take(&id).await?;
            cancel(&fixture, &id).await?;
            fixture.settle(&claimed, outcome).await?;
            expect_cancelled(&fixture, &id).await?;
        }
        fixture.pass(seconds(60)).await;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        equal("what is cancelled", fixture.queue.cancelled(&QUEUE.into()).await?, [])
    }

    /// A job that fails while it is asked to stop keeps its own reason.
    async fn a_cancelled_job_that_fails_says_why(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        cancel(&fixture, "a").await?;
        fixture.settle(&claimed, failed()).await?;
        equal("its error", fixture.record("a").await?.error.as_deref(), Some("it broke"))
    }

    /// A job of a silent worker ends when it is taken back.
    async fn a_cancelled_job_of_a_silent_worker_ends(fixture) {
        fixture.add_each(&["a", "b"]).await?;
        fixture.take(2).await?;
        cancel(&fixture, "a").await?;
        let mut states: Vec<_> =
            fixture.stall(9).await?.into_iter().map(|recovered| (recovered.id.to_string(), recovered.state)).collect();
        states.sort();
        equal("what is taken back", states, [("a".to_owned(), JobState::Failed), ("b".to_owned(), JobState::Waiting)])?;
        expect_cancelled(&fixture, "a").await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["b"])
    }

    /// What has ended, or never was, cannot be cancelled.
    async fn what_has_ended_cannot_be_cancelled(fixture) {
        fixture.add_each(&["a", "b"]).await?;
        let claimed = fixture.take(2).await?;
        fixture.settle(&claimed[0], done()).await?;
        fixture.settle(&claimed[1], failed()).await?;
        for id in ["a", "b"] {
            let kind = fixture.queue.cancel(&QUEUE.into(), &JobId::from(id)).await.map_err(|error| error.kind());
            equal("cancelling what has ended", kind, Err(ErrorKind::Conflict))?;
        }
        fixture.expect_state("a", JobState::Completed).await?;
        equal("its error", fixture.record("b").await?.error.as_deref(), Some("it broke"))?;
        let kind = fixture.queue.cancel(&QUEUE.into(), &JobId::from("nobody")).await.map_err(|error| error.kind());
        equal("cancelling what never was", kind, Err(ErrorKind::NotFound))
    }

    /// A job that is cancelled lets the next one of its serial key go.
    async fn a_cancelled_job_frees_its_serial_key(fixture) {
        for id in ["a", "b", "c", "d"] {
            fixture.add(fixture.job(id).serial("k")).await?;
        }
        cancel(&fixture, "a").await?;
        cancel(&fixture, "c").await?;
        let claimed = fixture.take(9).await?;
        equal("what is handed out", claimed.iter().map(|job| job.lock.id.as_str()).collect::<Vec<_>>(), ["b"])?;
        cancel(&fixture, "b").await?;
        fixture.settle(&claimed[0], retry_in(seconds(5))).await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["d"])
    }

    /// A cancelled job that is retried by hand begins anew.
    async fn a_cancelled_job_can_be_retried(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        cancel(&fixture, "a").await?;
        fixture.settle(&claimed, Outcome::Release).await?;
        fixture.queue.retry(&QUEUE.into(), &JobId::from("a")).await?;
        let claimed = fixture.take_one().await?;
        equal("what is cancelled", fixture.queue.cancelled(&QUEUE.into()).await?, [])?;
        fixture.settle(&claimed, retry_in(seconds(5))).await?;
        fixture.expect_state("a", JobState::Delayed).await
    }
}
