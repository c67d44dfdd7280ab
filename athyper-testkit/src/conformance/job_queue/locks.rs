//! Who holds a job, and who is refused.

use athyper::ErrorKind;
use athyper::jobs::{JobState, Lock, Outcome, Verdict};

use super::super::case::{Violation, ensure};
use super::define_cases;
use super::fixture::{
    JobQueueFixture, LOCK, TICK, done, equal, failed, finish_of, retry_in, seconds, unknown_lock, violation,
};
use athyper::jobs::Claimed;

const NONE: [&str; 0] = [];

/// A job that was taken, went silent, and was taken again: the stale claim and the good one.
async fn taken_twice(fixture: &JobQueueFixture) -> Result<(Claimed, Claimed), Violation> {
    let stale = fixture.add_and_take("a").await?;
    fixture.stall(9).await?;
    let good = fixture.take_one().await?;
    Ok((stale, good))
}

/// Every outcome there is.
fn outcomes() -> [Outcome; 6] {
    let delay = seconds(60);
    [
        done(),
        failed(),
        retry_in(delay),
        Outcome::Snooze { delay },
        Outcome::Park { reason: "unknown".to_owned(), delay },
        Outcome::Release,
    ]
}

define_cases! {
    /// A job that a worker holds is active and handed out to nobody else.
    async fn a_held_job_is_handed_out_once(fixture) {
        fixture.add_each(&["a", "b"]).await?;
        equal("the first", fixture.take_ids(1).await?, ["a"])?;
        fixture.expect_state("a", JobState::Active).await?;
        equal("the second", fixture.take_ids(9).await?, ["b"])?;
        equal("the third", fixture.take_ids(9).await?, NONE)?;
        equal("the active jobs", fixture.counts().await?.active, 2)
    }

    /// No more jobs are handed out than were asked for.
    async fn no_more_jobs_than_were_asked_for(fixture) {
        fixture.add_each(&["a", "b", "c", "d", "e"]).await?;
        for (max, wanted) in [(0, 0), (1, 1), (3, 3), (9, 1)] {
            equal(&format!("the number of jobs for {max}"), fixture.take(max).await?.len(), wanted)?;
        }
        Ok(())
    }

    /// A lock that ran out does not make the job takeable: only taking it back does, so that stalls are counted.
    async fn only_taking_back_frees_a_held_job(fixture) {
        fixture.add_and_take("a").await?;
        fixture.pass(LOCK * 10).await;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.expect_state("a", JobState::Active).await?;
        fixture.recover(9).await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])
    }

    /// The token grows with every take, whatever the attempt came to.
    async fn the_token_only_grows(fixture) {
        fixture.add(fixture.job("a")).await?;
        let mut last = 0;
        for outcome in [Outcome::Release, retry_in(seconds(0)), Outcome::Snooze { delay: seconds(0) }, Outcome::Release] {
            let claimed = fixture.take_one().await?;
            ensure(claimed.lock.token > last, format!("the token went from {last} to {}", claimed.lock.token))?;
            last = claimed.lock.token;
            fixture.settle(&claimed, outcome).await?;
        }
        fixture.take_one().await?;
        fixture.stall(9).await?;
        let claimed = fixture.take_one().await?;
        ensure(claimed.lock.token > last + 1, format!("a stall did not move the token: {}", claimed.lock.token))?;
        equal("the attempts started", fixture.record("a").await?.attempts_started, claimed.lock.token)
    }

    /// A worker that lost its job cannot complete it, and changes nothing.
    async fn a_stale_worker_cannot_complete(fixture) {
        let (stale, good) = taken_twice(&fixture).await?;
        equal("the verdict", fixture.finish(&stale, done()).await?, Verdict::LostLock)?;
        let record = fixture.record("a").await?;
        equal("the state", record.state, JobState::Active)?;
        equal("the result", record.result, None)?;
        fixture.settle(&good, done()).await?;
        fixture.expect_state("a", JobState::Completed).await
    }

    /// A worker that lost its job has no say in it, whatever it reports.
    async fn a_stale_worker_has_no_say(fixture) {
        let (stale, good) = taken_twice(&fixture).await?;
        for outcome in outcomes() {
            let what = format!("the verdict on {outcome:?}");
            equal(&what, fixture.finish(&stale, outcome).await?, Verdict::LostLock)?;
            let record = fixture.record("a").await?;
            equal("the state", record.state, JobState::Active)?;
            equal("the error", record.error, None)?;
            equal("the attempts made", record.attempts_made, 0)?;
        }
        fixture.settle(&good, done()).await
    }

    /// A worker that lost its job cannot report progress.
    async fn a_stale_worker_reports_no_progress(fixture) {
        let (stale, good) = taken_twice(&fixture).await?;
        match fixture.queue.record_progress(&stale.lock, "99".into()).await {
            Err(error) => equal("the kind of the error", error.kind(), ErrorKind::Conflict)?,
            Ok(()) => return Err(violation("the stale progress was accepted")),
        }
        equal("the progress", fixture.record("a").await?.progress, None)?;
        fixture.queue.record_progress(&good.lock, "1".into()).await?;
        Ok(())
    }

    /// A worker that lost its job cannot renew its lock, and does not prolong that of its successor.
    async fn a_stale_worker_renews_nothing(fixture) {
        let (stale, _) = taken_twice(&fixture).await?;
        let lost = fixture.queue.renew(std::slice::from_ref(&stale.lock), LOCK * 100).await?;
        equal("the lost locks", lost, [stale.lock])?;
        equal("what is taken back", fixture.stall(9).await?.len(), 1)
    }

    /// A job that finished cannot be finished again; the first outcome stands.
    async fn the_first_outcome_stands(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.settle(&claimed, done()).await?;
        for outcome in outcomes() {
            let what = format!("the verdict on {outcome:?}");
            equal(&what, fixture.finish(&claimed, outcome).await?, Verdict::LostLock)?;
            fixture.expect_state("a", JobState::Completed).await?;
        }
        equal("the attempts made", fixture.record("a").await?.attempts_made, 1)
    }

    /// A job that waits for its next attempt cannot be finished by the worker of the one before.
    async fn a_job_that_waits_is_nobodys(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.settle(&claimed, retry_in(seconds(60))).await?;
        equal("the verdict", fixture.finish(&claimed, done()).await?, Verdict::LostLock)?;
        fixture.expect_state("a", JobState::Delayed).await?;
        equal("the lost locks", fixture.queue.renew(std::slice::from_ref(&claimed.lock), LOCK).await?.len(), 1)
    }

    /// A job that was taken back and waits is nobody's, even though no successor has begun.
    async fn a_job_that_was_taken_back_is_nobodys(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.stall(9).await?;
        equal("the verdict", fixture.finish(&claimed, done()).await?, Verdict::LostLock)?;
        fixture.expect_state("a", JobState::Waiting).await
    }

    /// A lock of a job that never was is refused.
    async fn a_lock_of_no_job_is_refused(fixture) {
        let lock = unknown_lock();
        let finish = athyper::jobs::Finish { lock: lock.clone(), outcome: done() };
        let finished = fixture.queue.finish(vec![finish], None).await?;
        equal("the verdicts", finished.verdicts, [Verdict::LostLock])?;
        equal("the lost locks", fixture.queue.renew(std::slice::from_ref(&lock), LOCK).await?, [lock.clone()])?;
        ensure(fixture.queue.record_progress(&lock, "1".into()).await.is_err(), "progress of no job was accepted")?;
        equal("the number of completed jobs", fixture.counts().await?.completed, 0)
    }

    /// A token that is yet to be given out is refused: it must be equal, not just large enough.
    async fn a_token_from_the_future_is_refused(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        let lock = Lock { token: claimed.lock.token + 1, ..claimed.lock.clone() };
        let finish = athyper::jobs::Finish { lock, outcome: done() };
        equal("the verdicts", fixture.queue.finish(vec![finish], None).await?.verdicts, [Verdict::LostLock])?;
        fixture.settle(&claimed, done()).await
    }

    /// Verdicts come in the order of the outcomes; a refused one does not hold the others up.
    async fn verdicts_come_in_order(fixture) {
        let (stale, good) = taken_twice(&fixture).await?;
        let second = fixture.add_and_take("b").await?;
        let finishes = vec![finish_of(&stale, done()), finish_of(&second, done()), finish_of(&good, failed())];
        let verdicts = fixture.queue.finish(finishes, None).await?.verdicts;
        equal("the verdicts", verdicts, [Verdict::LostLock, Verdict::Applied, Verdict::Applied])?;
        fixture.expect_state("b", JobState::Completed).await?;
        fixture.expect_state("a", JobState::Failed).await
    }

    /// Renewing holds a job from now on for the whole time.
    async fn renewing_holds_a_job(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        for _ in 0..4 {
            fixture.pass(LOCK - TICK).await;
            equal("the lost locks", fixture.queue.renew(std::slice::from_ref(&claimed.lock), LOCK).await?, [])?;
            equal("what is taken back", fixture.recover(9).await?, [])?;
        }
        fixture.pass(LOCK - TICK).await;
        equal("what is taken back too early", fixture.recover(9).await?, [])?;
        fixture.pass(TICK * 2).await;
        equal("the number of jobs taken back", fixture.recover(9).await?.len(), 1)
    }

    /// Renewing many locks answers with exactly those that are lost, and holds the others.
    async fn renewing_answers_with_what_is_lost(fixture) {
        fixture.add_each(&["a", "b", "c"]).await?;
        let claimed = fixture.take(3).await?;
        fixture.settle(&claimed[1], done()).await?;
        fixture.pass(LOCK - TICK).await;
        let locks: Vec<Lock> = claimed.iter().map(|claimed| claimed.lock.clone()).collect();
        equal("the lost locks", fixture.queue.renew(&locks, LOCK).await?, [locks[1].clone()])?;
        fixture.pass(LOCK - TICK).await;
        equal("what is taken back", fixture.recover(9).await?, [])
    }

    /// A lock that ran out is good until the job is taken back: work that was done is not thrown away.
    async fn a_lock_that_ran_out_is_good_until_taken_back(fixture) {
        fixture.add_each(&["a", "b"]).await?;
        let claimed = fixture.take(2).await?;
        fixture.pass(LOCK * 3).await;
        fixture.queue.record_progress(&claimed[1].lock, "1".into()).await?;
        equal("the lost locks", fixture.queue.renew(std::slice::from_ref(&claimed[1].lock), LOCK).await?, [])?;
        fixture.settle(&claimed[0], done()).await?;
        equal("what is taken back", fixture.recover(9).await?, [])
    }

    /// A wall clock that jumps ends no lock.
    async fn a_wall_clock_that_jumps_ends_no_lock(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.time.jump_wall_clock(LOCK * 100).await;
        equal("what is taken back", fixture.recover(9).await?, [])?;
        fixture.settle(&claimed, done()).await
    }

    /// Locks of an earlier boot of the machine have run out, whatever the clock reads now.
    async fn a_restart_of_the_machine_ends_locks(fixture) {
        fixture.add_and_take("a").await?;
        if !fixture.time.restart_machine().await {
            return Ok(());
        }
        equal("the number of jobs taken back", fixture.recover(9).await?.len(), 1)
    }
}
