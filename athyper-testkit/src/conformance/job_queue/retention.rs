//! For how long finished jobs are kept.

use std::time::Duration;

use athyper::jobs::{Outcome, Retention};

use super::define_cases;
use super::fixture::{Checked, JobExt, JobQueueFixture, QUEUE, TICK, done, equal, failed, seconds};

const FOR_EVER: Retention = Retention { count: u32::MAX, age: Duration::from_secs(100_000_000) };

const fn at_most(count: u32) -> Retention {
    Retention { count, age: FOR_EVER.age }
}

const fn younger_than(age: Duration) -> Retention {
    Retention { count: FOR_EVER.count, age }
}

/// Runs a job to its end.
async fn run(
    fixture: &JobQueueFixture,
    id: &str,
    completed: Retention,
    kept_failed: Retention,
    outcome: Outcome,
) -> Checked {
    fixture.add(fixture.job(id).keep(completed, kept_failed)).await?;
    let claimed = fixture.take_one().await?;
    fixture.settle(&claimed, outcome).await
}

async fn kept(fixture: &JobQueueFixture, ids: &[&str]) -> Result<Vec<bool>, super::Violation> {
    let mut kept = Vec::new();
    for id in ids {
        kept.push(fixture.exists(id).await?);
    }
    Ok(kept)
}

define_cases! {
    /// The latest completed jobs stay, as many as the job that ends says.
    async fn the_latest_completed_jobs_stay(fixture) {
        for id in ["a", "b", "c", "d"] {
            run(&fixture, id, at_most(2), FOR_EVER, done()).await?;
            fixture.pass(TICK).await;
        }
        equal("which are kept", kept(&fixture, &["a", "b", "c", "d"]).await?, [false, false, true, true])?;
        equal("the count", fixture.counts().await?.completed, 2)
    }

    /// The latest failed jobs stay, counted apart from the completed ones.
    async fn failed_jobs_are_counted_apart(fixture) {
        run(&fixture, "a", at_most(1), at_most(2), done()).await?;
        for id in ["b", "c", "d"] {
            run(&fixture, id, at_most(1), at_most(2), failed()).await?;
        }
        equal("which are kept", kept(&fixture, &["a", "b", "c", "d"]).await?, [true, false, true, true])
    }

    /// A count of zero keeps nothing, and the id is free again.
    async fn a_count_of_zero_keeps_nothing(fixture) {
        run(&fixture, "a", at_most(0), FOR_EVER, done()).await?;
        equal("whether it is kept", fixture.exists("a").await?, false)?;
        equal("whether the id is a duplicate", fixture.add(fixture.job("a")).await?.duplicate, false)
    }

    /// A count of zero leaves what other jobs asked to be kept only if it is beyond that count.
    async fn the_count_is_that_of_the_job_that_ends(fixture) {
        for id in ["a", "b", "c"] {
            run(&fixture, id, FOR_EVER, FOR_EVER, done()).await?;
        }
        run(&fixture, "d", at_most(3), FOR_EVER, done()).await?;
        equal("which are kept", kept(&fixture, &["a", "b", "c", "d"]).await?, [false, true, true, true])
    }

    /// A job that has been kept long enough goes when the next one ends, and not before its time.
    async fn an_old_job_goes(fixture) {
        run(&fixture, "a", younger_than(seconds(60)), FOR_EVER, done()).await?;
        run(&fixture, "b", younger_than(seconds(600)), FOR_EVER, done()).await?;
        fixture.pass(seconds(60) - TICK).await;
        run(&fixture, "c", FOR_EVER, FOR_EVER, done()).await?;
        equal("which are kept", kept(&fixture, &["a", "b", "c"]).await?, [true, true, true])?;
        fixture.pass(TICK * 2).await;
        run(&fixture, "d", FOR_EVER, FOR_EVER, done()).await?;
        equal("which are kept", kept(&fixture, &["a", "b", "c", "d"]).await?, [false, true, true, true])
    }

    /// An old failed job goes when a completed one ends, too.
    async fn an_old_failed_job_goes(fixture) {
        run(&fixture, "a", FOR_EVER, younger_than(seconds(60)), failed()).await?;
        fixture.pass(seconds(61)).await;
        run(&fixture, "b", FOR_EVER, FOR_EVER, done()).await?;
        equal("which are kept", kept(&fixture, &["a", "b"]).await?, [false, true])
    }

    /// Retention is each queue's own.
    async fn retention_is_each_queues_own(fixture) {
        run(&fixture, "a", at_most(1), FOR_EVER, done()).await?;
        fixture.add(fixture.job("b").in_queue("print").keep(at_most(1), FOR_EVER)).await?;
        let claimed = fixture.queue.take(&super::fixture::request_from("print", 1)).await?;
        fixture.settle(&claimed[0], done()).await?;
        equal("whether the first is kept", fixture.exists("a").await?, true)
    }

    /// Jobs that have not finished are never removed, however many and old they are.
    async fn unfinished_jobs_are_never_removed(fixture) {
        let keep = Retention { count: 1, age: seconds(1) };
        let claimed = fixture.add_and_take("held").await?;
        fixture.add(fixture.job("late").due_in(seconds(500)).keep(keep, keep)).await?;
        fixture.add(fixture.job("second").priority(5_000).keep(keep, keep)).await?;
        fixture.pass(seconds(100)).await;
        for id in ["a", "b", "c"] {
            run(&fixture, id, keep, keep, done()).await?;
        }
        equal("which are kept", kept(&fixture, &["held", "late", "second"]).await?, [true, true, true])?;
        fixture.settle(&claimed, done()).await
    }

    /// Jobs that failed by stalling are kept by the same rule.
    async fn stalled_failures_are_kept_by_the_same_rule(fixture) {
        for id in ["a", "b", "c"] {
            fixture.add(fixture.job(id).keep(FOR_EVER, at_most(2))).await?;
            fixture.take_one().await?;
            fixture.stall(0).await?;
        }
        equal("which are kept", kept(&fixture, &["a", "b", "c"]).await?, [false, true, true])?;
        equal("the count", fixture.queue.counts(&QUEUE.into()).await?.failed, 2)
    }
}
