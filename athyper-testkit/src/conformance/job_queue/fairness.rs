//! Queues that are first come, first served, and queues where tenants take turns.
//!
//! Whose job comes first among those of one turn is open. Here it is the one that came first, and whose id is smaller.

use std::time::Duration;

use athyper::jobs::{NewJob, Outcome, QueueOrdering};

use super::super::case::Violation;
use super::define_cases;
use super::fixture::{
    Checked, JobExt, JobQueueFixture, QUEUE, done, equal, failed, finish_of, request, retry_in, seconds,
};

/// A job whose tenant is the first letter of its id.
fn of_tenant(fixture: &JobQueueFixture, id: &str) -> NewJob {
    let job = fixture.job(id).ordering(QueueOrdering::Fair);
    let tenant = &id[..1];
    job.tenant(tenant)
}

async fn add_turns(fixture: &JobQueueFixture, ids: &[&str]) -> Checked {
    for id in ids {
        fixture.add(of_tenant(fixture, id)).await?;
    }
    Ok(())
}

/// Takes jobs one after another, and completes each.
async fn run_all(fixture: &JobQueueFixture) -> Result<Vec<String>, Violation> {
    let mut order = Vec::new();
    let mut next = fixture.take(1).await?.pop();
    while let Some(claimed) = next {
        order.push(claimed.envelope.id.to_string());
        let finished = fixture.queue.finish(vec![finish_of(&claimed, done())], Some(&request(1))).await?;
        next = finished.next.into_iter().next();
    }
    Ok(order)
}

define_cases! {
    /// Where it is first come, first served, no priority counts.
    async fn a_queue_may_be_first_come_first_served(fixture) {
        for (id, priority) in [("a", 1_000), ("b", 10), ("c", 0), ("d", 10_000), ("e", 10)] {
            fixture.add(fixture.job(id).ordering(QueueOrdering::Fifo).priority(priority)).await?;
        }
        equal("the order", fixture.take_ids(9).await?, ["a", "b", "c", "d", "e"])?;
        equal("what the record says", fixture.record("b").await?.envelope.options.priority.0, 10)
    }

    /// There, too, a job that was put off comes behind those that were ready before it.
    async fn first_come_counts_from_when_a_job_is_ready(fixture) {
        fixture.add(fixture.job("late").ordering(QueueOrdering::Fifo).due_in(seconds(5))).await?;
        fixture.add(fixture.job("first").ordering(QueueOrdering::Fifo).priority(9)).await?;
        fixture.pass(seconds(6)).await;
        fixture.add(fixture.job("last").ordering(QueueOrdering::Fifo).priority(0)).await?;
        equal("the order", fixture.take_ids(9).await?, ["first", "late", "last"])
    }

    /// Tenants take turns, however many jobs one of them has waiting.
    async fn tenants_take_turns(fixture) {
        add_turns(&fixture, &["a1", "a2", "a3", "a4", "a5", "b1", "b2", "c1"]).await?;
        equal("the order", fixture.take_ids(9).await?, ["a1", "b1", "c1", "a2", "b2", "a3", "a4", "a5"])
    }

    /// The same holds for jobs that are added by one call.
    async fn tenants_of_one_call_take_turns(fixture) {
        let ids: Vec<String> = (1..=300).map(|number| format!("a{number}")).collect();
        let jobs = ids.iter().map(String::as_str).chain(["b1", "c1", "b2"]).map(|id| of_tenant(&fixture, id));
        fixture.queue.add(jobs.collect()).await?;
        equal("the order", fixture.take_ids(7).await?, ["a1", "b1", "c1", "a2", "b2", "a3", "a4"])
    }

    /// A tenant that comes later waits for one job of each other tenant at most.
    async fn a_tenant_that_comes_later_is_next(fixture) {
        add_turns(&fixture, &["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"]).await?;
        equal("the first", fixture.take_ids(4).await?, ["a1", "a2", "a3", "a4"])?;
        add_turns(&fixture, &["b1", "b2"]).await?;
        equal("the next", fixture.take_ids(9).await?, ["a5", "b1", "a6", "b2", "a7", "a8"])
    }

    /// Tenants that always have one job waiting do not keep one with many from its turns.
    async fn nobody_is_passed_over_for_ever(fixture) {
        add_turns(&fixture, &["a1", "a2", "a3", "b0", "c0"]).await?;
        let mut order = Vec::new();
        let mut next = fixture.take(1).await?.pop();
        for number in 1..=9 {
            let Some(claimed) = next else { break };
            let id = claimed.envelope.id.to_string();
            if !id.starts_with('a') {
                add_turns(&fixture, &[&format!("{}{number}", &id[..1])]).await?;
            }
            order.push(id[..1].to_owned());
            next = fixture.queue.finish(vec![finish_of(&claimed, done())], Some(&request(1))).await?.next.pop();
        }
        equal("whose jobs ran", order, ["a", "b", "c", "a", "b", "c", "a", "b", "c"])
    }

    /// Jobs without a tenant are those of one more.
    async fn no_tenant_is_a_tenant(fixture) {
        for id in ["1", "2", "3"] {
            fixture.add(fixture.job(id).ordering(QueueOrdering::Fair)).await?;
        }
        add_turns(&fixture, &["b1", "b2"]).await?;
        equal("the order", fixture.take_ids(9).await?, ["1", "b1", "2", "b2", "3"])
    }

    /// Turns are taken among the jobs of one priority; a better one goes first.
    async fn priority_goes_before_turns(fixture) {
        add_turns(&fixture, &["a1", "a2", "b1"]).await?;
        for id in ["a3", "a4", "b2"] {
            fixture.add(of_tenant(&fixture, id).priority(10)).await?;
        }
        fixture.add(of_tenant(&fixture, "c1").priority(0)).await?;
        equal("the order", fixture.take_ids(9).await?, ["c1", "a3", "b2", "a4", "a1", "b1", "a2"])
    }

    /// The jobs of one tenant keep their order.
    async fn a_tenants_jobs_keep_their_order(fixture) {
        add_turns(&fixture, &["b1", "a1", "b2", "a2", "b3", "a3", "a4"]).await?;
        let order = run_all(&fixture).await?;
        for tenant in ["a", "b"] {
            let own: Vec<&String> = order.iter().filter(|id| id.starts_with(tenant)).collect();
            equal("whether they are in order", own.is_sorted(), true)?;
        }
        equal("how many ran", order.len(), 7)
    }

    /// A job that was put off takes its turn once it is due.
    async fn a_delayed_job_takes_its_turn_when_it_is_due(fixture) {
        for id in ["a1", "a2", "a3"] {
            fixture.add(of_tenant(&fixture, id).due_in(seconds(5))).await?;
        }
        add_turns(&fixture, &["b1", "b2", "b3"]).await?;
        fixture.pass(seconds(6)).await;
        equal("the order", fixture.take_ids(9).await?, ["a1", "b1", "a2", "b2", "a3", "b3"])
    }

    /// Another attempt takes a new turn, with a delay and without.
    async fn another_attempt_takes_a_new_turn(fixture) {
        add_turns(&fixture, &["a1", "a2", "a3", "b1"]).await?;
        let claimed = fixture.take_one().await?;
        equal("the first", claimed.envelope.id.as_str(), "a1")?;
        fixture.settle(&claimed, retry_in(Duration::ZERO)).await?;
        equal("the order", fixture.take_ids(9).await?, ["b1", "a2", "a3", "a1"])
    }

    /// A job that is handed back untouched keeps its turn.
    async fn a_released_job_keeps_its_turn(fixture) {
        add_turns(&fixture, &["a1", "a2", "b1"]).await?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, Outcome::Release).await?;
        equal("the order", fixture.take_ids(9).await?, ["a1", "b1", "a2"])
    }

    /// A job that is taken back from a silent worker keeps its turn.
    async fn a_job_that_is_taken_back_keeps_its_turn(fixture) {
        add_turns(&fixture, &["a1", "a2", "b1", "b2"]).await?;
        equal("the first", fixture.take_ids(2).await?, ["a1", "b1"])?;
        equal("how many are taken back", fixture.stall(9).await?.len(), 2)?;
        equal("the order", fixture.take_ids(9).await?, ["a1", "b1", "a2", "b2"])
    }

    /// A parked job that a worker can run takes its turn.
    async fn a_freed_job_takes_its_turn(fixture) {
        add_turns(&fixture, &["a1"]).await?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, Outcome::Park { reason: "unknown".to_owned(), delay: seconds(3_600) }).await?;
        add_turns(&fixture, &["b1", "b2"]).await?;
        fixture.pass(seconds(1)).await;
        let freed = fixture.queue.release_parked(&QUEUE.into(), &["welcome".to_owned()]).await?;
        equal("how many are freed", freed, 1)?;
        equal("the order", fixture.take_ids(9).await?, ["a1", "b1", "b2"])
    }

    /// So does one that is retried or promoted by hand.
    async fn a_job_takes_its_turn_when_it_is_made_ready_by_hand(fixture) {
        add_turns(&fixture, &["a1"]).await?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, failed()).await?;
        fixture.add(of_tenant(&fixture, "b1").due_in(seconds(3_600))).await?;
        add_turns(&fixture, &["c1", "c2", "c3"]).await?;
        fixture.pass(seconds(1)).await;
        fixture.queue.retry(&QUEUE.into(), &"a1".into()).await?;
        fixture.queue.promote(&QUEUE.into(), &"b1".into()).await?;
        equal("the order", fixture.take_ids(9).await?, ["a1", "b1", "c1", "c2", "c3"])
    }

    /// Turns count in each queue by themselves, and lists show them.
    async fn turns_are_each_queues_own(fixture) {
        for id in ["b2", "b3", "b4"] {
            fixture.add(of_tenant(&fixture, id).in_queue("elsewhere")).await?;
        }
        add_turns(&fixture, &["a1", "a2", "b1"]).await?;
        let listed = fixture.queue.list(&QUEUE.into(), &Default::default()).await?;
        let listed: Vec<&str> = listed.iter().map(|record| record.envelope.id.as_str()).collect();
        equal("what is listed", listed, ["a1", "b1", "a2"])?;
        equal("the order", fixture.take_ids(9).await?, ["a1", "b1", "a2"])
    }

    /// When the oldest became ready is told rightly, whatever its turn.
    async fn the_oldest_of_those_that_take_turns_can_be_asked_for(fixture) {
        let began = fixture.clock.now();
        add_turns(&fixture, &["a1", "a2", "a3"]).await?;
        fixture.pass(seconds(10)).await;
        add_turns(&fixture, &["b1"]).await?;
        let queue = QUEUE.into();
        let oldest = async || fixture.queue.oldest_waiting(&queue).await;
        let seconds_after = |instant: Option<athyper::clock::Timestamp>| instant.map(|then| (then - began).num_seconds());
        equal("the oldest", seconds_after(oldest().await?), Some(0))?;
        equal("the first", fixture.take_ids(1).await?, ["a1"])?;
        equal("the oldest, which is not the next", seconds_after(oldest().await?), Some(0))?;
        equal("the others", fixture.take_ids(4).await?, ["b1", "a2", "a3"])?;
        equal("the oldest of none", oldest().await?, None)?;
        add_turns(&fixture, &["a5"]).await?;
        equal("the oldest", seconds_after(oldest().await?), Some(10))
    }
}
