//! At most one job with a key within a time.

use athyper::jobs::Added;

use super::define_cases;
use super::fixture::{JobExt, QUEUE, TICK, done, equal, failed, seconds};

define_cases! {
    /// Within the period a second job is answered with the first one's id, and is not added.
    async fn a_second_job_is_answered_with_the_first(fixture) {
        let first = fixture.add(fixture.job("a").unique("k", seconds(60))).await?;
        equal("the first", first, Added { id: "a".into(), duplicate: false })?;
        fixture.pass(seconds(60) - TICK).await;
        let second = fixture.add(fixture.job("b").unique("k", seconds(60))).await?;
        equal("the second", second, Added { id: "a".into(), duplicate: true })?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])?;
        equal("whether the second is there", fixture.exists("b").await?, false)
    }

    /// After the period a job is added again.
    async fn after_the_period_a_job_is_added(fixture) {
        fixture.add(fixture.job("a").unique("k", seconds(60))).await?;
        fixture.pass(seconds(60)).await;
        let second = fixture.add(fixture.job("b").unique("k", seconds(60))).await?;
        equal("the second", second, Added { id: "b".into(), duplicate: false })?;
        let third = fixture.add(fixture.job("c").unique("k", seconds(60))).await?;
        equal("the third", third, Added { id: "b".into(), duplicate: true })
    }

    /// The period is that of the job that holds the key, and a duplicate does not prolong it.
    async fn the_period_is_the_holders(fixture) {
        fixture.add(fixture.job("a").unique("k", seconds(60))).await?;
        fixture.pass(seconds(50)).await;
        let second = fixture.add(fixture.job("b").unique("k", seconds(600))).await?;
        equal("whether the second is a duplicate", second.duplicate, true)?;
        fixture.pass(seconds(10)).await;
        let third = fixture.add(fixture.job("c").unique("k", seconds(1))).await?;
        equal("whether the third is a duplicate", third.duplicate, false)
    }

    /// The key holds for the period, also when the job is taken and finishes before.
    async fn the_key_outlasts_the_job(fixture) {
        for (id, key, outcome) in [("a", "k", done()), ("b", "l", failed())] {
            fixture.add(fixture.job(id).unique(key, seconds(60))).await?;
            let claimed = fixture.take_one().await?;
            let during = fixture.add(fixture.job("x").unique(key, seconds(60))).await?;
            equal("the answer while it runs", during, Added { id: id.into(), duplicate: true })?;
            fixture.settle(&claimed, outcome).await?;
            let after = fixture.add(fixture.job("x").unique(key, seconds(60))).await?;
            equal("the answer after it ran", after, Added { id: id.into(), duplicate: true })?;
        }
        Ok(())
    }

    /// Removing the job by hand frees its key.
    async fn removing_a_job_frees_its_key(fixture) {
        fixture.add(fixture.job("a").unique("k", seconds(60))).await?;
        fixture.queue.remove(&QUEUE.into(), &"a".into()).await?;
        let second = fixture.add(fixture.job("b").unique("k", seconds(60))).await?;
        equal("the second", second, Added { id: "b".into(), duplicate: false })
    }

    /// Removing a job whose key has passed to another one leaves the key with that one.
    async fn a_key_that_passed_on_stays(fixture) {
        fixture.add(fixture.job("a").unique("k", seconds(60))).await?;
        fixture.pass(seconds(61)).await;
        fixture.add(fixture.job("b").unique("k", seconds(60))).await?;
        fixture.queue.remove(&QUEUE.into(), &"a".into()).await?;
        let third = fixture.add(fixture.job("c").unique("k", seconds(60))).await?;
        equal("the third", third, Added { id: "b".into(), duplicate: true })
    }

    /// A key belongs to its queue, and keys are separate.
    async fn keys_are_separate(fixture) {
        fixture.add(fixture.job("a").unique("k", seconds(60))).await?;
        let elsewhere = fixture.add(fixture.job("b").in_queue("print").unique("k", seconds(60))).await?;
        equal("whether the key of another queue is taken", elsewhere.duplicate, false)?;
        let another = fixture.add(fixture.job("c").unique("l", seconds(60))).await?;
        equal("whether another key is taken", another.duplicate, false)
    }

    /// Duplicates of a key within one call are found.
    async fn keys_within_one_call_are_found(fixture) {
        let jobs = ["a", "b", "c"].map(|id| fixture.job(id).unique("k", seconds(60)));
        let added = fixture.queue.add(jobs.to_vec()).await?;
        let wanted = [false, true, true].map(|duplicate| Added { id: "a".into(), duplicate });
        equal("the answers", added, wanted)
    }

    /// A job that is a duplicate by its id takes no key.
    async fn a_duplicate_id_takes_no_key(fixture) {
        fixture.add(fixture.job("a")).await?;
        let second = fixture.add(fixture.job("a").unique("k", seconds(60))).await?;
        equal("whether the second is a duplicate", second.duplicate, true)?;
        let third = fixture.add(fixture.job("b").unique("k", seconds(60))).await?;
        equal("the third", third, Added { id: "b".into(), duplicate: false })
    }

    /// A key holds in another process too.
    async fn a_key_holds_in_another_process(fixture) {
        fixture.add(fixture.job("a").unique("k", seconds(60))).await?;
        let second = fixture.other.add(vec![fixture.job("b").unique("k", seconds(60))]).await?;
        equal("the second", second, [Added { id: "a".into(), duplicate: true }])
    }
}
