//! Jobs that nobody can run for now.

use athyper::jobs::{JobState, Outcome};

use super::define_cases;
use super::fixture::{Checked, JobExt, JobQueueFixture, QUEUE, TICK, done, equal, request_from, seconds};

const NONE: [&str; 0] = [];

async fn park(fixture: &JobQueueFixture, id: &str, kind: &str) -> Checked {
    fixture.add(fixture.job(id).of_kind(kind)).await?;
    let claimed = fixture.take_one().await?;
    fixture.settle(&claimed, Outcome::Park { reason: format!("nobody knows `{kind}`"), delay: seconds(60) }).await
}

define_cases! {
    /// A parked job says why, and the attempt does not count.
    async fn a_parked_job_says_why(fixture) {
        park(&fixture, "a", "old").await?;
        let record = fixture.record("a").await?;
        equal("the state", record.state, JobState::Parked)?;
        equal("the reason", record.error.as_deref(), Some("nobody knows `old`"))?;
        equal("the attempts made", record.attempts_made, 0)?;
        let counts = fixture.counts().await?;
        equal("the parked, failed and delayed jobs", (counts.parked, counts.failed, counts.delayed), (1, 0, 0))
    }

    /// A parked job is tried again after its delay, and not before.
    async fn a_parked_job_is_tried_again(fixture) {
        park(&fixture, "a", "old").await?;
        equal("when the next is due", fixture.queue.next_due(&QUEUE.into()).await?, Some(fixture.clock.now() + seconds(60)))?;
        fixture.pass(seconds(60) - TICK).await;
        equal("what is handed out too early", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(TICK).await;
        let claimed = fixture.take_one().await?;
        equal("the attempts made", claimed.attempts_made, 0)?;
        fixture.settle(&claimed, done()).await?;
        equal("the error in the end", fixture.record("a").await?.error, None)
    }

    /// A capable worker frees the jobs of its kinds at once, and no others.
    async fn a_capable_worker_frees_its_kinds(fixture) {
        park(&fixture, "a", "old").await?;
        park(&fixture, "b", "strange").await?;
        park(&fixture, "c", "older").await?;
        let freed = fixture.queue.release_parked(&QUEUE.into(), &["old".to_owned(), "older".to_owned()]).await?;
        equal("how many are freed", freed, 2)?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a", "c"])?;
        fixture.expect_state("b", JobState::Parked).await
    }

    /// Freeing parked jobs leaves delayed ones and other queues alone.
    async fn only_parked_jobs_are_freed(fixture) {
        fixture.add(fixture.job("a").of_kind("old").due_in(seconds(60))).await?;
        park(&fixture, "b", "old").await?;
        equal("how many are freed elsewhere", fixture.queue.release_parked(&"print".into(), &["old".to_owned()]).await?, 0)?;
        equal("how many are freed for no kind", fixture.queue.release_parked(&QUEUE.into(), &[]).await?, 0)?;
        equal("how many are freed", fixture.queue.release_parked(&QUEUE.into(), &["old".to_owned()]).await?, 1)?;
        equal("what is handed out", fixture.take_ids(9).await?, ["b"])?;
        fixture.expect_state("a", JobState::Delayed).await
    }

    /// A parked job can be removed and promoted.
    async fn a_parked_job_can_be_looked_after(fixture) {
        park(&fixture, "a", "old").await?;
        park(&fixture, "b", "old").await?;
        fixture.queue.remove(&QUEUE.into(), &"a".into()).await?;
        fixture.queue.promote(&QUEUE.into(), &"b".into()).await?;
        equal("what is handed out", fixture.other.take(&request_from(QUEUE, 9)).await?.len(), 1)?;
        equal("the parked jobs", fixture.counts().await?.parked, 0)
    }
}
