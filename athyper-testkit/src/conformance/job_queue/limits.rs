//! How much of a queue may run, in all and of each tenant.

use std::num::NonZeroU32;
use std::time::Duration;

use athyper::jobs::{Claimed, Finish, JobId, Limit, NewJob, Outcome, QueueLimits, QueueOrdering, Rate};

use super::super::case::Violation;
use super::concurrency::at_once;
use super::define_cases;
use super::fixture::{
    Checked, JobExt, JobQueueFixture, QUEUE, done, equal, failed, finish_of, ids, request, request_from, retry_in,
    seconds,
};
use super::waiting::{LONG, Waiter, woken};

const NONE: [&str; 0] = [];

fn at_most(count: u32) -> Limit {
    Limit { concurrency: NonZeroU32::new(count), rate: None }
}

fn within(count: u32, period: Duration) -> Limit {
    let rate = NonZeroU32::new(count).map(|count| Rate { count, period });
    Limit { concurrency: None, rate }
}

const fn of_queue(queue: Limit) -> QueueLimits {
    QueueLimits { queue, tenant: Limit::NONE }
}

const fn of_each_tenant(tenant: Limit) -> QueueLimits {
    QueueLimits { queue: Limit::NONE, tenant }
}

async fn limit(fixture: &JobQueueFixture, limits: QueueLimits) -> Checked {
    Ok(fixture.queue.set_limits(&QUEUE.into(), &limits).await?)
}

/// Adds jobs whose tenant is the first letter of their id.
async fn add_of_tenants(fixture: &JobQueueFixture, ids: &[&str]) -> Checked {
    let job = |id: &&str| fixture.job(id).ordering(QueueOrdering::Fair).tenant(&id[..1]);
    Ok(fixture.queue.add(ids.iter().map(job).collect()).await.map(drop)?)
}

/// Completes a job and takes what may run then.
async fn complete(fixture: &JobQueueFixture, claimed: &Claimed) -> Result<Vec<Claimed>, Violation> {
    Ok(fixture.queue.finish(vec![finish_of(claimed, done())], Some(&request(9))).await?.next)
}

define_cases! {
    /// A queue without limits has none; those that were set are told, also by another process.
    async fn limits_are_told(fixture) {
        let queue = QUEUE.into();
        equal("the limits of a new queue", fixture.queue.limits(&queue).await?, QueueLimits::NONE)?;
        let rate = NonZeroU32::new(100).map(|count| Rate { count, period: Duration::from_millis(60_500) });
        let wanted = QueueLimits { queue: Limit { rate, ..at_most(7) }, tenant: Limit { rate, ..at_most(2) } };
        limit(&fixture, wanted).await?;
        equal("the limits", fixture.queue.limits(&queue).await?, wanted)?;
        equal("the limits in another process", fixture.other.limits(&queue).await?, wanted)?;
        limit(&fixture, of_queue(at_most(3))).await?;
        equal("the limits", fixture.other.limits(&queue).await?, of_queue(at_most(3)))?;
        limit(&fixture, QueueLimits::NONE).await?;
        equal("the limits", fixture.queue.limits(&queue).await?, QueueLimits::NONE)
    }

    /// No more jobs of a queue run at once than it allows, in all processes together.
    async fn no_more_run_at_once_than_the_queue_allows(fixture) {
        limit(&fixture, of_queue(at_most(2))).await?;
        fixture.add_each(&["a", "b", "c", "d"]).await?;
        let claimed = fixture.take(9).await?;
        equal("what is handed out", ids(&claimed), ["a", "b"])?;
        equal("what another process gets", ids(&fixture.other.take(&request(9)).await?), NONE)?;
        equal("the waiting jobs", fixture.counts().await?.waiting, 2)?;
        equal("the next", ids(&complete(&fixture, &claimed[0]).await?), ["c"])?;
        equal("what another process gets", ids(&fixture.other.take(&request(9)).await?), NONE)
    }

    /// A queue starts so many jobs within a period, which begins with the first of them.
    async fn a_queue_starts_so_many_within_a_period(fixture) {
        limit(&fixture, of_queue(within(2, seconds(10)))).await?;
        fixture.add_each(&["a", "b", "c", "d", "e"]).await?;
        let claimed = fixture.take(9).await?;
        equal("what is handed out", ids(&claimed), ["a", "b"])?;
        for claimed in &claimed {
            equal("the next", ids(&complete(&fixture, claimed).await?), NONE)?;
        }
        fixture.pass(seconds(9)).await;
        equal("what another process gets in the period", ids(&fixture.other.take(&request(9)).await?), NONE)?;
        fixture.pass(seconds(2)).await;
        equal("what is handed out after it", fixture.take_ids(9).await?, ["c", "d"])?;
        equal("what is handed out in the next", fixture.take_ids(9).await?, NONE)
    }

    /// A job that is tried again starts again.
    async fn each_attempt_counts_for_a_rate(fixture) {
        limit(&fixture, of_queue(within(2, seconds(10)))).await?;
        fixture.add(fixture.job("a")).await?;
        for _ in 0..2 {
            let claimed = fixture.take_one().await?;
            fixture.settle(&claimed, retry_in(Duration::ZERO)).await?;
        }
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(seconds(11)).await;
        equal("what is handed out in the next period", fixture.take_ids(9).await?, ["a"])
    }

    /// No more jobs of a tenant run at once than each may, and others are not held up.
    async fn no_more_of_a_tenant_run_at_once(fixture) {
        limit(&fixture, of_each_tenant(at_most(2))).await?;
        add_of_tenants(&fixture, &["a1", "a2", "a3", "a4", "b1", "a5"]).await?;
        let claimed = fixture.take(9).await?;
        equal("what is handed out", ids(&claimed), ["a1", "b1", "a2"])?;
        equal("what another process gets", ids(&fixture.other.take(&request(9)).await?), NONE)?;
        equal("the waiting jobs", fixture.counts().await?.waiting, 3)?;
        add_of_tenants(&fixture, &["a6", "b2", "c1"]).await?;
        let more = ids(&fixture.other.take(&request(9)).await?);
        equal("how many more", more.len(), 2)?;
        equal("whether they are of the others", more.contains(&"b2".to_owned()) && more.contains(&"c1".to_owned()), true)?;
        equal("the next", ids(&complete(&fixture, &claimed[0]).await?), ["a3"])?;
        equal("the next", ids(&complete(&fixture, &claimed[2]).await?), ["a4"])
    }

    /// Each tenant starts so many within a period of its own.
    async fn each_tenant_starts_so_many_within_a_period(fixture) {
        limit(&fixture, of_each_tenant(within(2, seconds(10)))).await?;
        add_of_tenants(&fixture, &["a1", "a2", "a3", "a4", "a5"]).await?;
        for claimed in fixture.take(9).await? {
            equal("the next", ids(&complete(&fixture, &claimed).await?), NONE)?;
        }
        equal("how many completed", fixture.counts().await?.completed, 2)?;
        fixture.pass(seconds(6)).await;
        add_of_tenants(&fixture, &["b1", "b2", "b3"]).await?;
        equal("what another process gets", ids(&fixture.other.take(&request(9)).await?), ["b1", "b2"])?;
        fixture.pass(seconds(5)).await;
        equal("what the first one's next period gives", fixture.take_ids(9).await?, ["a3", "a4"])?;
        fixture.pass(seconds(6)).await;
        equal("what the second one's next period gives", fixture.take_ids(9).await?, ["b3"])
    }

    /// Jobs without a tenant count as those of one more; in a queue where tenants take no turns nobody is limited by them.
    async fn no_tenant_is_limited_as_one(fixture) {
        limit(&fixture, of_each_tenant(at_most(1))).await?;
        for id in ["1", "2"] {
            fixture.add(fixture.job(id).ordering(QueueOrdering::Fair)).await?;
        }
        equal("what is handed out", fixture.take_ids(9).await?, ["1"])?;
        fixture.queue.set_limits(&"print".into(), &of_each_tenant(at_most(1))).await?;
        for id in ["3", "4"] {
            fixture.add(fixture.job(id).tenant("a").in_queue("print")).await?;
        }
        equal("what is handed out", ids(&fixture.queue.take(&request_from("print", 9)).await?), ["3", "4"])
    }

    /// However many jobs of a tenant are beyond its limit, the others come.
    async fn jobs_beyond_a_limit_hold_nobody_up(fixture) {
        limit(&fixture, of_each_tenant(at_most(1))).await?;
        let many = (0..500).map(|number| fixture.job(&format!("a{number:03}")).priority(10).tenant("a"));
        let last = fixture.job("b").tenant("b");
        let jobs: Vec<NewJob> = many.chain([last]).map(|job| job.ordering(QueueOrdering::Fair)).collect();
        fixture.queue.add(jobs).await?;
        let mut taken = Vec::new();
        for _ in 0..20 {
            taken.extend(fixture.take(2).await?);
        }
        equal("what is handed out", ids(&taken), ["a000", "b"])?;
        equal("the next", ids(&complete(&fixture, &taken[0]).await?), ["a001"])
    }

    /// Jobs beyond a limit are listed in their places, and told with everything else.
    async fn jobs_beyond_a_limit_wait_in_their_places(fixture) {
        limit(&fixture, QueueLimits { queue: at_most(3), tenant: at_most(1) }).await?;
        add_of_tenants(&fixture, &["a1", "a2", "a3", "b1", "b2"]).await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a1", "b1"])?;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.expect_state("a2", athyper::jobs::JobState::Waiting).await?;
        let filter = athyper::jobs::JobFilter { states: vec![athyper::jobs::JobState::Waiting], ..Default::default() };
        let listed = fixture.queue.list(&QUEUE.into(), &filter).await?;
        let listed: Vec<&str> = listed.iter().map(|record| record.envelope.id.as_str()).collect();
        equal("what waits", listed, ["a2", "b2", "a3"])?;
        let began = fixture.record("a2").await?.due_at;
        equal("the oldest", fixture.queue.oldest_waiting(&QUEUE.into()).await?.map(|at| (at - began).num_seconds()), Some(0))
    }

    /// What runs when limits are set counts.
    async fn what_runs_already_counts(fixture) {
        add_of_tenants(&fixture, &["a1", "a2", "a3", "b1"]).await?;
        let claimed = fixture.take(3).await?;
        equal("what is handed out", ids(&claimed), ["a1", "b1", "a2"])?;
        limit(&fixture, of_each_tenant(at_most(2))).await?;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        equal("the next", ids(&complete(&fixture, &claimed[1]).await?), NONE)?;
        equal("the next", ids(&complete(&fixture, &claimed[0]).await?), ["a3"])
    }

    /// When limits are lifted, what was beyond them is handed out in its place.
    async fn limits_can_be_lifted(fixture) {
        limit(&fixture, of_each_tenant(at_most(1))).await?;
        add_of_tenants(&fixture, &["a1", "a2", "a3", "b1", "b2"]).await?;
        let first = fixture.take(9).await?;
        equal("what is handed out", ids(&first), ["a1", "b1"])?;
        limit(&fixture, QueueLimits::NONE).await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a2", "b2", "a3"])?;
        for claimed in &first {
            fixture.settle(claimed, done()).await?;
        }
        limit(&fixture, of_each_tenant(at_most(1))).await?;
        add_of_tenants(&fixture, &["c1", "c2"]).await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["c1"])
    }

    /// A rate begins anew when it is set.
    async fn a_rate_that_is_set_begins_anew(fixture) {
        for limits in [of_queue(within(1, seconds(100))), of_each_tenant(within(1, seconds(100)))] {
            add_of_tenants(&fixture, &["a1", "a2"]).await?;
            limit(&fixture, limits).await?;
            equal("how many are handed out", fixture.take_ids(9).await?.len(), 1)?;
            equal("how many are handed out", fixture.take_ids(9).await?.len(), 0)?;
            limit(&fixture, limits).await?;
            equal("how many are handed out", fixture.take_ids(9).await?.len(), 1)?;
            limit(&fixture, QueueLimits::NONE).await?;
            for record in fixture.queue.list(&QUEUE.into(), &Default::default()).await? {
                let lock = athyper::jobs::Lock {
                    queue: QUEUE.into(),
                    id: record.envelope.id.clone(),
                    token: record.attempts_started,
                };
                fixture.queue.finish(vec![Finish { lock, outcome: done() }], None).await?;
                fixture.queue.remove(&QUEUE.into(), &record.envelope.id).await?;
            }
        }
        Ok(())
    }

    /// Whatever becomes of an attempt, another job may run.
    async fn every_outcome_frees_a_slot(fixture) {
        let park = Outcome::Park { reason: "unknown".to_owned(), delay: seconds(9_000) };
        let outcomes = [done(), failed(), retry_in(seconds(9_000)), Outcome::Snooze { delay: seconds(9_000) }, park];
        for limits in [of_queue(at_most(1)), of_each_tenant(at_most(1))] {
            let name = if limits.tenant.is_none() { "aq" } else { "at" };
            limit(&fixture, limits).await?;
            let names: Vec<String> = (0..=outcomes.len()).map(|number| format!("{name}{number}")).collect();
            add_of_tenants(&fixture, &names.iter().map(String::as_str).collect::<Vec<_>>()).await?;
            for (number, outcome) in outcomes.iter().enumerate() {
                let claimed = fixture.take(9).await?;
                equal("what is handed out", ids(&claimed), [names[number].as_str()])?;
                fixture.settle(&claimed[0], outcome.clone()).await?;
            }
            let claimed = fixture.take_one().await?;
            fixture.settle(&claimed, Outcome::Release).await?;
            let claimed = fixture.take_one().await?;
            equal("what was released", claimed.lock.id.as_str(), names[outcomes.len()].as_str())?;
            equal("how many are taken back", fixture.stall(9).await?.len(), 1)?;
            let claimed = fixture.take_one().await?;
            equal("what was taken back", claimed.lock.id.as_str(), names[outcomes.len()].as_str())?;
            fixture.settle(&claimed, done()).await?;
        }
        Ok(())
    }

    /// A job that is beyond its tenant's limit can be removed, and is not handed out later.
    async fn a_job_beyond_a_limit_can_be_removed(fixture) {
        limit(&fixture, of_each_tenant(at_most(1))).await?;
        add_of_tenants(&fixture, &["a1", "a2", "a3"]).await?;
        let claimed = fixture.take(9).await?;
        equal("what is handed out", ids(&claimed), ["a1"])?;
        fixture.queue.remove(&QUEUE.into(), &JobId::from("a2")).await?;
        let next = complete(&fixture, &claimed[0]).await?;
        equal("the next", ids(&next), ["a3"])?;
        // Also one that was let go already in the place of others.
        add_of_tenants(&fixture, &["a4", "a5", "a6"]).await?;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.settle(&next[0], done()).await?;
        fixture.queue.remove(&QUEUE.into(), &JobId::from("a4")).await?;
        fixture.queue.cancel(&QUEUE.into(), &JobId::from("a5")).await?;
        equal("the next", fixture.take_ids(9).await?, ["a6"])
    }

    /// A job that waits for its serial key uses up no room of its tenant.
    async fn a_serial_key_uses_up_no_room(fixture) {
        limit(&fixture, of_each_tenant(at_most(1))).await?;
        let job = |id: &str| fixture.job(id).ordering(QueueOrdering::Fair).tenant(&id[..1]);
        fixture.add(job("a1").serial("s")).await?;
        fixture.add(job("b1")).await?;
        let claimed = fixture.take(9).await?;
        equal("what is handed out", ids(&claimed), ["a1", "b1"])?;
        fixture.add(job("b2").serial("s")).await?;
        fixture.add(job("b3")).await?;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        equal("the next", ids(&complete(&fixture, &claimed[1]).await?), ["b3"])
    }

    /// A queue that has nothing to do begins no period.
    async fn a_period_begins_with_the_first_start(fixture) {
        limit(&fixture, of_queue(within(1, seconds(10)))).await?;
        for _ in 0..4 {
            equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
            fixture.pass(seconds(4)).await;
        }
        fixture.add_each(&["a", "b"]).await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])?;
        fixture.pass(seconds(9)).await;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(seconds(2)).await;
        equal("what is handed out", fixture.take_ids(9).await?, ["b"])
    }

    /// A limit is one queue's.
    async fn limits_are_each_queues_own(fixture) {
        fixture.queue.set_limits(&"print".into(), &of_queue(at_most(1))).await?;
        fixture.add_each(&["a", "b"]).await?;
        for id in ["c", "d"] {
            fixture.add(fixture.job(id).in_queue("print")).await?;
        }
        equal("what is handed out", fixture.take_ids(9).await?, ["a", "b"])?;
        equal("what is handed out", ids(&fixture.queue.take(&request_from("print", 9)).await?), ["c"])
    }

    /// A job may have a serial key and a tenant with a limit: both hold.
    async fn a_serial_key_and_a_limit_hold_together(fixture) {
        limit(&fixture, of_each_tenant(at_most(2))).await?;
        for (id, key) in [("a1", "k"), ("a2", "k"), ("a3", "l"), ("a4", "m")] {
            let job = fixture.job(id).ordering(QueueOrdering::Fair).tenant("a").serial(key);
            fixture.add(job).await?;
        }
        let claimed = fixture.take(9).await?;
        equal("what is handed out", ids(&claimed), ["a1", "a3"])?;
        let next = complete(&fixture, &claimed[1]).await?;
        equal("the next", ids(&next), ["a4"])?;
        let next = complete(&fixture, &claimed[0]).await?;
        equal("the next", ids(&next), ["a2"])?;
        equal("how many run", fixture.counts().await?.active, 2)
    }

    /// Many workers together keep to the limits.
    async fn many_workers_keep_to_the_limits(fixture) {
        limit(&fixture, QueueLimits { queue: at_most(5), tenant: at_most(1) }).await?;
        let ids: Vec<String> = (0..60).map(|number| format!("{}{number}", ["a", "b", "c"][number % 3])).collect();
        add_of_tenants(&fixture, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        let mut done_ids = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let taken = at_once(&fixture, |_, queue| async move { queue.take(&request(2)).await });
            let taken: Vec<Claimed> = taken.await?.into_iter().flatten().collect();
            equal("whether too many run", taken.len() <= 5, true)?;
            for tenant in ["a", "b", "c"] {
                let own = taken.iter().filter(|claimed| claimed.lock.id.as_str().starts_with(tenant)).count();
                equal("whether too many of a tenant run", own <= 1, true)?;
            }
            for claimed in &taken {
                fixture.settle(claimed, done()).await?;
                done_ids.insert(claimed.lock.id.to_string());
            }
        }
        equal("how many ran", done_ids.len(), 60)
    }

    /// A worker that waits is woken by a slot that another one frees.
    async fn a_slot_that_is_freed_wakes_a_worker(fixture) {
        for limits in [of_queue(at_most(1)), of_each_tenant(at_most(1))] {
            limit(&fixture, limits).await?;
            add_of_tenants(&fixture, &["a1", "a2"]).await?;
            let claimed = fixture.take_one().await?;
            let waiter = Waiter::start(&fixture.queue, LONG);
            waiter.settle().await;
            fixture.queue.finish(vec![finish_of(&claimed, done())], None).await?;
            let second = woken(&fixture, waiter).await?;
            equal("what is handed out", second, ["a2"])?;
            for id in ["a1", "a2"] {
                let record = fixture.record(id).await?;
                let lock = athyper::jobs::Lock { queue: QUEUE.into(), id: id.into(), token: record.attempts_started };
                fixture.queue.finish(vec![Finish { lock, outcome: done() }], None).await?;
                fixture.queue.remove(&QUEUE.into(), &id.into()).await?;
            }
        }
        Ok(())
    }

    /// A worker that waits is woken by the end of a period.
    async fn a_period_that_ends_wakes_a_worker(fixture) {
        for (number, limits) in [of_queue(within(1, seconds(100))), of_each_tenant(within(1, seconds(100)))].into_iter().enumerate() {
            limit(&fixture, limits).await?;
            let names = [format!("a{number}1"), format!("a{number}2")];
            add_of_tenants(&fixture, &[&names[0], &names[1]]).await?;
            let claimed = fixture.take_one().await?;
            equal("what is handed out", claimed.lock.id.as_str(), names[0].as_str())?;
            fixture.settle(&claimed, done()).await?;
            let waiter = Waiter::start(&fixture.queue, LONG);
            waiter.settle().await;
            equal("what is handed out", woken(&fixture, waiter).await?, [names[1].as_str()])?;
        }
        Ok(())
    }

    /// A worker that waits is woken when limits are lifted.
    async fn lifting_limits_wakes_a_worker(fixture) {
        limit(&fixture, of_each_tenant(at_most(1))).await?;
        add_of_tenants(&fixture, &["a1", "a2"]).await?;
        fixture.take_one().await?;
        let waiter = Waiter::start(&fixture.queue, LONG);
        waiter.settle().await;
        limit(&fixture, QueueLimits::NONE).await?;
        equal("what is handed out", woken(&fixture, waiter).await?, ["a2"])
    }
}
