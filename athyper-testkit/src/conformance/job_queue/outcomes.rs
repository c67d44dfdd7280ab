//! What becomes of a job after an attempt.

use athyper::jobs::{JobState, Outcome};

use super::define_cases;
use super::fixture::{QUEUE, TICK, done, equal, failed, finish_of, ids, request, retry_in, seconds};

const NONE: [&str; 0] = [];

define_cases! {
    /// A completed job keeps its result as it was given, and when it ended.
    async fn a_completed_job_keeps_its_result(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.pass(seconds(3)).await;
        let result = "{ \"b\":1.0, \"a\" : \"\\u00e4ä\" }";
        fixture.settle(&claimed, Outcome::Complete(result.into())).await?;
        let record = fixture.record("a").await?;
        equal("the state", record.state, JobState::Completed)?;
        equal("the result", record.result.as_deref(), Some(result.as_bytes()))?;
        equal("the attempts made", record.attempts_made, 1)?;
        equal("when it ended", record.finished_at, Some(fixture.clock.now()))?;
        equal("when it started", record.started_at, Some(fixture.clock.now() - seconds(3)))?;
        equal("what else is handed out", fixture.take_ids(9).await?, NONE)
    }

    /// A job that failed for good keeps the reason and does not run again.
    async fn a_failed_job_keeps_the_reason(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.settle(&claimed, Outcome::Fail { error: "no such user: \"ä\"".to_owned() }).await?;
        let record = fixture.record("a").await?;
        equal("the state", record.state, JobState::Failed)?;
        equal("the error", record.error.as_deref(), Some("no such user: \"ä\""))?;
        equal("the attempts made", record.attempts_made, 1)?;
        equal("when it ended", record.finished_at, Some(fixture.clock.now()))?;
        fixture.pass(seconds(3_600)).await;
        equal("what else is handed out", fixture.take_ids(9).await?, NONE)
    }

    /// A job that is tried again waits its delay; the attempt counts and its error is kept.
    async fn a_retried_job_waits_its_delay(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        equal("the attempts made before", claimed.attempts_made, 0)?;
        fixture.settle(&claimed, retry_in(seconds(20))).await?;
        let record = fixture.record("a").await?;
        equal("the state", record.state, JobState::Delayed)?;
        equal("the error", record.error.as_deref(), Some("not this time"))?;
        equal("when it becomes ready", record.due_at, fixture.clock.now() + seconds(20))?;
        equal("when it ended", record.finished_at, None)?;
        fixture.pass(seconds(20) - TICK).await;
        equal("what is handed out too early", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(TICK).await;
        let again = fixture.take_one().await?;
        equal("the attempts made", again.attempts_made, 1)
    }

    /// Attempts count up one by one.
    async fn attempts_count_up(fixture) {
        fixture.add(fixture.job("a")).await?;
        for made in 0..12 {
            let claimed = fixture.take_one().await?;
            equal("the attempts made", claimed.attempts_made, made)?;
            fixture.settle(&claimed, retry_in(seconds(0))).await?;
        }
        equal("the attempts made in the end", fixture.record("a").await?.attempts_made, 12)
    }

    /// A retry without a delay is handed out at once.
    async fn a_retry_without_delay_is_ready_at_once(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.settle(&claimed, retry_in(seconds(0))).await?;
        fixture.expect_state("a", JobState::Waiting).await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])
    }

    /// A snoozed job waits, and the attempt does not count.
    async fn a_snoozed_attempt_does_not_count(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.settle(&claimed, Outcome::Snooze { delay: seconds(20) }).await?;
        fixture.expect_state("a", JobState::Delayed).await?;
        fixture.pass(seconds(20) - TICK).await;
        equal("what is handed out too early", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(TICK).await;
        equal("the attempts made", fixture.take_one().await?.attempts_made, 0)
    }

    /// A released job is handed out again at once, before those that came after it; the attempt does not count.
    async fn a_released_job_keeps_its_place(fixture) {
        fixture.add_each(&["a", "b"]).await?;
        let claimed = fixture.take_one().await?;
        fixture.pass(seconds(5)).await;
        fixture.add(fixture.job("c")).await?;
        fixture.settle(&claimed, Outcome::Release).await?;
        let taken = fixture.take(9).await?;
        equal("the order", ids(&taken), ["a", "b", "c"])?;
        equal("the attempts made", taken[0].attempts_made, 0)
    }

    /// The next jobs come with the verdicts, in their order and no more than were asked for.
    async fn the_next_jobs_come_with_the_verdicts(fixture) {
        fixture.add_each(&["a", "b", "c", "d"]).await?;
        let claimed = fixture.take(1).await?;
        let finished = fixture.queue.finish(vec![finish_of(&claimed[0], done())], Some(&request(2))).await?;
        equal("the next", ids(&finished.next), ["b", "c"])?;
        fixture.expect_state("b", JobState::Active).await?;
        for claimed in &finished.next {
            fixture.settle(claimed, done()).await?;
        }
        equal("the completed jobs", fixture.counts().await?.completed, 3)
    }

    /// Without asking, no next job comes.
    async fn no_next_job_comes_unasked(fixture) {
        fixture.add_each(&["a", "b"]).await?;
        let claimed = fixture.take(1).await?;
        let finished = fixture.queue.finish(vec![finish_of(&claimed[0], done())], None).await?;
        equal("the next", ids(&finished.next), NONE)?;
        fixture.expect_state("b", JobState::Waiting).await
    }

    /// Asking for the next jobs never waits for them.
    async fn the_next_jobs_are_not_waited_for(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        let mut next = request(1);
        next.wait = seconds(3_600);
        let finishes = vec![finish_of(&claimed, done())];
        let finished = super::fixture::soon("an answer without further jobs", fixture.queue.finish(finishes, Some(&next)));
        equal("the next", ids(&finished.await??.next), NONE)
    }

    /// The next jobs may be asked for without an outcome to tell.
    async fn the_next_jobs_may_be_asked_for_alone(fixture) {
        fixture.add_each(&["a"]).await?;
        let finished = fixture.queue.finish(Vec::new(), Some(&request(9))).await?;
        equal("the verdicts", finished.verdicts, [])?;
        equal("the next", ids(&finished.next), ["a"])
    }

    /// Outcomes come before the next jobs: one that was released may be among them.
    async fn outcomes_come_before_the_next_jobs(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        let finishes = vec![finish_of(&claimed, Outcome::Release)];
        let finished = fixture.queue.finish(finishes, Some(&request(1))).await?;
        equal("the next", ids(&finished.next), ["a"])
    }

    /// Many outcomes are told in one call.
    async fn many_outcomes_are_told_at_once(fixture) {
        let jobs = (0..200).map(|number| fixture.job(&format!("job-{number}"))).collect();
        fixture.queue.add(jobs).await?;
        let claimed = fixture.take(200).await?;
        let outcomes = [done(), failed(), retry_in(seconds(9)), Outcome::Release];
        let finishes = claimed.iter().zip(outcomes.iter().cycle()).map(|(claimed, outcome)| finish_of(claimed, outcome.clone()));
        fixture.queue.finish(finishes.collect(), None).await?;
        let counts = fixture.counts().await?;
        let found = (counts.completed, counts.failed, counts.delayed, counts.waiting, counts.active);
        equal("completed, failed, delayed, waiting, active", found, (50, 50, 50, 50, 0))
    }

    /// Progress is kept as it was given, and the latest stands.
    async fn the_latest_progress_stands(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.queue.record_progress(&claimed.lock, "10".into()).await?;
        let latest = "{ \"percent\" : 50, \"note\":\"ä\" }";
        fixture.queue.record_progress(&claimed.lock, latest.into()).await?;
        equal("the progress", fixture.record("a").await?.progress.as_deref(), Some(latest.as_bytes()))?;
        let there = fixture.other.get(&QUEUE.into(), &"a".into()).await?;
        equal("the progress as another process sees it", there.and_then(|job| job.progress).as_deref(), Some(latest.as_bytes()))?;
        fixture.settle(&claimed, done()).await?;
        equal("the progress in the end", fixture.record("a").await?.progress.as_deref(), Some(latest.as_bytes()))
    }

    /// Jobs are conserved: whatever happens to them, each is in one state.
    async fn jobs_are_conserved(fixture) {
        let jobs = (0..60).map(|number| fixture.job(&format!("job-{number}"))).collect();
        fixture.queue.add(jobs).await?;
        for round in 0..6 {
            let claimed = fixture.take(7).await?;
            let delay = seconds(40);
            let outcomes = [
                done(),
                failed(),
                retry_in(delay),
                Outcome::Snooze { delay },
                Outcome::Release,
                Outcome::Park { reason: "unknown".to_owned(), delay },
            ];
            // One of each round stays with a worker that goes silent.
            for (claimed, outcome) in claimed.iter().zip(outcomes) {
                fixture.settle(claimed, outcome).await?;
            }
            if round % 2 == 1 {
                fixture.stall(9).await?;
            }
            let counts = fixture.counts().await?;
            let sum: u64 = JobState::ALL.into_iter().map(|state| counts.get(state)).sum();
            equal("the sum over all states", sum, 60)?;
        }
        Ok(())
    }
}
