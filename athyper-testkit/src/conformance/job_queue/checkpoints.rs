//! What an attempt keeps for the next one.

use std::time::Duration;

use athyper::ErrorKind;
use athyper::jobs::{JobId, Outcome};

use super::define_cases;
use super::fixture::{QUEUE, equal, failed, retry_in, seconds, unknown_lock};

define_cases! {
    /// What an attempt kept comes with the next one, and is told of the job.
    async fn a_checkpoint_comes_with_the_next_attempt(fixture) {
        let first = fixture.add_and_take("a").await?;
        equal("the first one's checkpoint", first.checkpoint.clone(), None)?;
        fixture.queue.record_checkpoint(&first.lock, b"{\"page\":1}"[..].into()).await?;
        fixture.queue.record_checkpoint(&first.lock, b"{\"page\": 2}"[..].into()).await?;
        fixture.settle(&first, retry_in(Duration::ZERO)).await?;
        let second = fixture.take_one().await?;
        equal("the second one's checkpoint", second.checkpoint.clone(), Some(b"{\"page\": 2}"[..].into()))?;
        equal("what is told of it", fixture.record("a").await?.checkpoint, second.checkpoint)
    }

    /// A checkpoint outlasts whatever becomes of an attempt, a stall, the end of the job, and the next attempts.
    async fn a_checkpoint_stays(fixture) {
        let kept = Some(b"[1,\"two\",null]"[..].into());
        let claimed = fixture.add_and_take("a").await?;
        fixture.queue.record_checkpoint(&claimed.lock, kept.clone().unwrap_or_default()).await?;
        let park = Outcome::Park { reason: "unknown".to_owned(), delay: seconds(5) };
        fixture.settle(&claimed, Outcome::Snooze { delay: seconds(5) }).await?;
        for outcome in [park, retry_in(seconds(5)), Outcome::Release] {
            fixture.pass(seconds(6)).await;
            let claimed = fixture.take_one().await?;
            equal("the checkpoint", claimed.checkpoint.clone(), kept.clone())?;
            fixture.settle(&claimed, outcome).await?;
        }
        fixture.take_one().await?;
        equal("how many are taken back", fixture.stall(9).await?.len(), 1)?;
        let claimed = fixture.take_one().await?;
        equal("the checkpoint after a stall", claimed.checkpoint.clone(), kept.clone())?;
        fixture.settle(&claimed, failed()).await?;
        equal("the checkpoint of the failed job", fixture.record("a").await?.checkpoint, kept.clone())?;
        fixture.queue.retry(&QUEUE.into(), &JobId::from("a")).await?;
        equal("the checkpoint after it was retried", fixture.take_one().await?.checkpoint, kept)
    }

    /// Whoever does not hold a job keeps nothing for it.
    async fn a_stale_worker_keeps_no_checkpoint(fixture) {
        let stale = fixture.add_and_take("a").await?;
        fixture.stall(9).await?;
        let refused = async |lock| {
            let recorded = fixture.queue.record_checkpoint(&lock, b"1"[..].into()).await;
            recorded.map_err(|error| error.kind())
        };
        equal("while it waits", refused(stale.lock.clone()).await, Err(ErrorKind::Conflict))?;
        let current = fixture.take_one().await?;
        equal("in other hands", refused(stale.lock.clone()).await, Err(ErrorKind::Conflict))?;
        equal("of no job", refused(unknown_lock()).await, Err(ErrorKind::Conflict))?;
        equal("what is kept", current.checkpoint.clone(), None)?;
        equal("what is kept", fixture.record("a").await?.checkpoint, None)
    }
}
