//! Jobs of workers that went silent.

use athyper::jobs::{JobState, Outcome, Recovered};

use super::super::case::ensure;
use super::define_cases;
use super::fixture::{JobExt, LOCK, QUEUE, TICK, equal, failed, ids, request, request_from, retry_in, seconds};

define_cases! {
    /// Only what ran out is taken back.
    async fn only_what_ran_out_is_taken_back(fixture) {
        fixture.add_and_take("a").await?;
        fixture.pass(LOCK / 2).await;
        fixture.add_and_take("b").await?;
        fixture.add(fixture.job("c")).await?;
        fixture.pass(LOCK / 2 - TICK).await;
        equal("what is taken back too early", fixture.recover(9).await?, [])?;
        fixture.pass(TICK * 2).await;
        let back = Recovered { id: "a".into(), kind: "welcome".to_owned(), state: JobState::Waiting };
        equal("what is taken back", fixture.recover(9).await?, [back])?;
        fixture.expect_state("a", JobState::Waiting).await?;
        fixture.expect_state("b", JobState::Active).await
    }

    /// Each take lasts as long as its own request says.
    async fn a_lock_lasts_as_long_as_asked(fixture) {
        fixture.add_each(&["a", "b"]).await?;
        let mut short = request(1);
        short.lock_for = seconds(1);
        fixture.queue.take(&short).await?;
        fixture.take_one().await?;
        fixture.pass(seconds(2)).await;
        let back: Vec<String> = fixture.recover(9).await?.iter().map(|back| back.id.to_string()).collect();
        equal("what is taken back", back, ["a"])
    }

    /// A job that is taken back keeps the place it had, and its attempt does not count.
    async fn a_job_that_is_taken_back_keeps_its_place(fixture) {
        fixture.add_each(&["a", "b"]).await?;
        fixture.take_one().await?;
        fixture.pass(seconds(5)).await;
        fixture.add(fixture.job("c")).await?;
        fixture.stall(9).await?;
        let taken = fixture.take(9).await?;
        equal("the order", ids(&taken), ["a", "b", "c"])?;
        equal("the attempts made", taken[0].attempts_made, 0)?;
        equal("the stalls", fixture.record("a").await?.stalls, 1)
    }

    /// A job that stalls more often than allowed fails, and says why.
    async fn a_job_that_stalls_too_often_fails(fixture) {
        fixture.add(fixture.job("a")).await?;
        for _ in 0..2 {
            fixture.take_one().await?;
            let back = fixture.stall(2).await?;
            equal("the state", back.first().map(|back| back.state), Some(JobState::Waiting))?;
        }
        fixture.take_one().await?;
        let back = fixture.stall(2).await?;
        equal("the state", back.first().map(|back| back.state), Some(JobState::Failed))?;
        let record = fixture.record("a").await?;
        equal("the state", record.state, JobState::Failed)?;
        equal("when it ended", record.finished_at, Some(fixture.clock.now()))?;
        ensure(record.error.is_some_and(|error| !error.is_empty()), "the failed job does not say why")?;
        equal("what is handed out", fixture.take_ids(9).await?, Vec::<String>::new())
    }

    /// With none allowed, the first stall fails the job.
    async fn no_stall_may_be_allowed(fixture) {
        fixture.add_and_take("a").await?;
        let back = fixture.stall(0).await?;
        equal("the state", back.first().map(|back| back.state), Some(JobState::Failed))
    }

    /// Stalls count in a row: an attempt that ended starts the count anew.
    async fn an_attempt_that_ends_forgives_stalls(fixture) {
        fixture.add(fixture.job("a")).await?;
        for outcome in [retry_in(seconds(0)), Outcome::Snooze { delay: seconds(0) }] {
            fixture.take_one().await?;
            fixture.stall(1).await?;
            equal("the stalls", fixture.record("a").await?.stalls, 1)?;
            let claimed = fixture.take_one().await?;
            fixture.settle(&claimed, outcome).await?;
            equal("the stalls", fixture.record("a").await?.stalls, 0)?;
        }
        Ok(())
    }

    /// Releasing a job does not forgive its stalls: nothing was run to an end.
    async fn a_release_does_not_forgive_stalls(fixture) {
        fixture.add_and_take("a").await?;
        fixture.stall(1).await?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, Outcome::Release).await?;
        fixture.take_one().await?;
        let back = fixture.stall(1).await?;
        equal("the state", back.first().map(|back| back.state), Some(JobState::Failed))
    }

    /// Taking back leaves other queues alone.
    async fn other_queues_are_left_alone(fixture) {
        fixture.add(fixture.job("a").in_queue("print")).await?;
        fixture.queue.take(&request_from("print", 1)).await?;
        equal("what is taken back", fixture.stall(9).await?, [])?;
        equal("the active jobs", fixture.queue.counts(&"print".into()).await?.active, 1)
    }

    /// Many silent workers' jobs are taken back at once, in the order they would run.
    async fn many_jobs_are_taken_back_at_once(fixture) {
        let wanted: Vec<String> = (0..50).map(|number| format!("job-{number:02}")).collect();
        fixture.queue.add(wanted.iter().map(|id| fixture.job(id)).collect()).await?;
        fixture.take(50).await?;
        let back = fixture.stall(9).await?;
        equal("the number of jobs", back.len(), 50)?;
        equal("the order", fixture.take_ids(99).await?, wanted)
    }

    /// What is taken back once is not taken back again.
    async fn taking_back_happens_once(fixture) {
        fixture.add_and_take("a").await?;
        equal("the number of jobs", fixture.stall(9).await?.len(), 1)?;
        equal("what is taken back then", fixture.recover(9).await?, [])?;
        equal("the stalls", fixture.record("a").await?.stalls, 1)?;
        let there = fixture.other.recover(&QUEUE.into(), athyper::jobs::RecoveryPolicy { max_stalls: 9 }).await?;
        equal("what another process takes back", there, [])
    }

    /// A stall leaves attempts, error and progress as they were.
    async fn a_stall_changes_nothing_else(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.settle(&claimed, retry_in(seconds(0))).await?;
        let claimed = fixture.take_one().await?;
        fixture.queue.record_progress(&claimed.lock, "7".into()).await?;
        fixture.stall(9).await?;
        let record = fixture.record("a").await?;
        equal("the attempts made", record.attempts_made, 1)?;
        equal("the progress", record.progress.as_deref(), Some(b"7".as_slice()))?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, failed()).await?;
        equal("the attempts made", fixture.record("a").await?.attempts_made, 2)
    }

    /// Whoever takes a job is told how often it stalled.
    async fn a_job_tells_of_its_stalls(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        equal("the stalls at first", claimed.stalls, 0)?;
        for wanted in 1..=2 {
            fixture.stall(9).await?;
            equal("the stalls", fixture.take_one().await?.stalls, wanted)?;
        }
        fixture.stall(9).await?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, retry_in(seconds(0))).await?;
        equal("the stalls after an attempt that ended", fixture.take_one().await?.stalls, 0)
    }
}
