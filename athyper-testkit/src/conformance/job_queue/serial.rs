//! Jobs that run one after another.

use athyper::jobs::Outcome;

use super::define_cases;
use super::fixture::{JobExt, QUEUE, done, equal, failed, finish_of, ids, request, request_from, retry_in, seconds};

const NONE: [&str; 0] = [];

define_cases! {
    /// While one job with a key is active, no other one is handed out.
    async fn one_job_of_a_key_at_a_time(fixture) {
        for id in ["a", "b", "c"] {
            fixture.add(fixture.job(id).serial("k")).await?;
        }
        for wanted in ["a", "b", "c"] {
            let claimed = fixture.take_one().await?;
            equal("the job", claimed.envelope.id.as_str(), wanted)?;
            equal("what is handed out beside it", fixture.take_ids(9).await?, NONE)?;
            fixture.settle(&claimed, done()).await?;
        }
        Ok(())
    }

    /// One call hands out at most one job of a key.
    async fn one_job_of_a_key_a_call(fixture) {
        for (id, key) in [("a", "k"), ("b", "k"), ("c", "l"), ("d", "k"), ("e", "l")] {
            fixture.add(fixture.job(id).serial(key)).await?;
        }
        equal("the jobs", fixture.take_ids(9).await?, ["a", "c"])
    }

    /// Jobs without the key pass by those that wait for it.
    async fn jobs_without_the_key_pass_by(fixture) {
        for id in ["a", "b"] {
            fixture.add(fixture.job(id).serial("k")).await?;
        }
        fixture.add(fixture.job("c").serial("l")).await?;
        fixture.add_each(&["d", "e"]).await?;
        equal("the first", fixture.take_ids(1).await?, ["a"])?;
        equal("the second", fixture.take_ids(1).await?, ["c"])?;
        equal("the others", fixture.take_ids(9).await?, ["d", "e"])
    }

    /// Whatever becomes of the job, its key is free afterwards.
    async fn every_outcome_frees_the_key(fixture) {
        let delay = seconds(3_600);
        let outcomes = [
            done(),
            failed(),
            retry_in(delay),
            Outcome::Snooze { delay },
            Outcome::Park { reason: "unknown".to_owned(), delay },
        ];
        for (number, outcome) in outcomes.into_iter().enumerate() {
            let key = format!("k{number}");
            let (first, second) = (format!("{key}-first"), format!("{key}-second"));
            fixture.add(fixture.job(&first).serial(&key)).await?;
            fixture.add(fixture.job(&second).serial(&key)).await?;
            let claimed = fixture.take_one().await?;
            fixture.settle(&claimed, outcome).await?;
            let next = fixture.take_one().await?;
            equal("the next", next.envelope.id.as_str(), &*second)?;
            fixture.settle(&next, done()).await?;
        }
        Ok(())
    }

    /// The next job of a key may come with the verdict on the one before.
    async fn the_next_of_a_key_comes_with_the_verdict(fixture) {
        for id in ["a", "b"] {
            fixture.add(fixture.job(id).serial("k")).await?;
        }
        let claimed = fixture.take_one().await?;
        let finished = fixture.queue.finish(vec![finish_of(&claimed, done())], Some(&request(9))).await?;
        equal("the next", ids(&finished.next), ["b"])
    }

    /// A job that is taken back from a silent worker frees its key and goes first.
    async fn a_stall_frees_the_key(fixture) {
        for id in ["a", "b"] {
            fixture.add(fixture.job(id).serial("k")).await?;
        }
        fixture.take_one().await?;
        fixture.stall(9).await?;
        equal("the next", fixture.take_ids(9).await?, ["a"])?;
        fixture.stall(0).await?;
        equal("the next", fixture.take_ids(9).await?, ["b"])
    }

    /// A job that waits for its next attempt does not hold the others up.
    async fn a_waiting_retry_does_not_hold_others_up(fixture) {
        for id in ["a", "b"] {
            fixture.add(fixture.job(id).serial("k")).await?;
        }
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, retry_in(seconds(10))).await?;
        let second = fixture.take_one().await?;
        equal("the next", second.envelope.id.as_str(), "b")?;
        fixture.pass(seconds(10)).await;
        equal("what is handed out beside it", fixture.take_ids(9).await?, NONE)?;
        fixture.settle(&second, done()).await?;
        equal("the last", fixture.take_ids(9).await?, ["a"])
    }

    /// Of the jobs with a key, the better priority goes first.
    async fn priority_holds_within_a_key(fixture) {
        fixture.add(fixture.job("a").serial("k").priority(100)).await?;
        fixture.add(fixture.job("b").serial("k").priority(10)).await?;
        equal("the first", fixture.take_ids(9).await?, ["b"])
    }

    /// A key belongs to its queue.
    async fn a_serial_key_belongs_to_its_queue(fixture) {
        fixture.add(fixture.job("a").serial("k")).await?;
        fixture.add(fixture.job("b").serial("k").in_queue("print")).await?;
        fixture.take_one().await?;
        equal("the other queue's", ids(&fixture.queue.take(&request_from("print", 9)).await?), ["b"])
    }

    /// A key holds in another process too.
    async fn a_serial_key_holds_in_another_process(fixture) {
        for id in ["a", "b"] {
            fixture.add(fixture.job(id).serial("k")).await?;
        }
        fixture.take_one().await?;
        equal("what is handed out there", ids(&fixture.other.take(&request_from(QUEUE, 9)).await?), NONE)
    }
}
