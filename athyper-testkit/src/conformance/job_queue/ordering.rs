//! Which job is handed out first, and when.

use athyper::clock::Timestamp;
use athyper::jobs::JobState;

use super::define_cases;
use super::fixture::{JobExt, LOCK, QUEUE, TICK, done, equal, ids, request_from, retry_in, seconds};

const NONE: [&str; 0] = [];

define_cases! {
    /// Jobs of one priority are handed out in the order they were added.
    async fn first_come_first_served(fixture) {
        let wanted: Vec<String> = (0..30).map(|number| format!("job-{}", (number * 7) % 30)).collect();
        for id in &wanted {
            fixture.add(fixture.job(id)).await?;
        }
        let mut taken = Vec::new();
        for max in [1, 2, 30] {
            taken.extend(fixture.take_ids(max).await?);
        }
        equal("the order", taken, wanted)
    }

    /// Jobs added in one call are handed out in the order of the call.
    async fn the_order_of_one_call_is_kept(fixture) {
        let wanted: Vec<String> = (0..30).map(|number| format!("job-{}", (number * 11) % 30)).collect();
        fixture.queue.add(wanted.iter().map(|id| fixture.job(id)).collect()).await?;
        equal("the order", fixture.take_ids(100).await?, wanted)
    }

    /// A smaller priority number runs first, whenever it was added.
    async fn a_smaller_priority_number_runs_first(fixture) {
        for (id, priority) in [("low", 10_000), ("normal", 1_000), ("high", 100), ("critical", 10)] {
            fixture.add(fixture.job(id).priority(priority)).await?;
            fixture.pass(TICK).await;
        }
        equal("the order", fixture.take_ids(9).await?, ["critical", "high", "normal", "low"])
    }

    /// The smallest and the largest number are priorities like any other.
    async fn extreme_priorities_are_ordered(fixture) {
        for (id, priority) in [("last", u32::MAX), ("middle", 1_000), ("late", 1 << 31), ("first", 0)] {
            fixture.add(fixture.job(id).priority(priority)).await?;
        }
        equal("the order", fixture.take_ids(9).await?, ["first", "middle", "late", "last"])
    }

    /// Within one priority the order of adding holds.
    async fn equal_priorities_keep_their_order(fixture) {
        for (id, priority) in [("a", 5), ("x", 9), ("b", 5), ("y", 9), ("c", 5)] {
            fixture.add(fixture.job(id).priority(priority)).await?;
        }
        equal("the order", fixture.take_ids(9).await?, ["a", "b", "c", "x", "y"])
    }

    /// A job that comes later with a better priority overtakes those that wait.
    async fn a_better_priority_overtakes(fixture) {
        fixture.add(fixture.job("a").priority(100)).await?;
        fixture.add(fixture.job("b").priority(100)).await?;
        equal("the first", fixture.take_ids(1).await?, ["a"])?;
        fixture.add(fixture.job("c").priority(10)).await?;
        equal("the others", fixture.take_ids(9).await?, ["c", "b"])
    }

    /// A delayed job takes its place by when it became ready, not by when it was added.
    async fn a_delayed_job_takes_its_place_by_when_it_became_ready(fixture) {
        fixture.add(fixture.job("at-10").due_in(seconds(10))).await?;
        fixture.pass(seconds(5)).await;
        fixture.add(fixture.job("at-5")).await?;
        fixture.pass(seconds(7)).await;
        fixture.add(fixture.job("at-12")).await?;
        equal("the order", fixture.take_ids(9).await?, ["at-5", "at-10", "at-12"])
    }

    /// Delayed jobs become ready by their time, not by the order they were added.
    async fn delayed_jobs_are_ordered_by_their_time(fixture) {
        for (id, delay) in [("c", 30), ("a", 10), ("b", 20)] {
            fixture.add(fixture.job(id).due_in(seconds(delay))).await?;
        }
        fixture.pass(seconds(40)).await;
        equal("the order", fixture.take_ids(9).await?, ["a", "b", "c"])
    }

    /// Priority goes before time among jobs that are due.
    async fn priority_goes_before_time(fixture) {
        fixture.add(fixture.job("early").priority(100).due_in(seconds(1))).await?;
        fixture.add(fixture.job("late").priority(10).due_in(seconds(2))).await?;
        fixture.pass(seconds(3)).await;
        equal("the order", fixture.take_ids(9).await?, ["late", "early"])
    }

    /// A due time in the past counts as the time of adding: it does not jump the queue.
    async fn a_due_time_in_the_past_does_not_jump_the_queue(fixture) {
        fixture.add(fixture.job("a")).await?;
        fixture.pass(seconds(1)).await;
        let past = fixture.clock.now() - seconds(3_600);
        fixture.add(fixture.job("b").due_at(past)).await?;
        fixture.add(fixture.job("c").due_at(Timestamp::UNIX_EPOCH)).await?;
        equal("the order", fixture.take_ids(9).await?, ["a", "b", "c"])
    }

    /// Queues are separate.
    async fn queues_are_separate(fixture) {
        fixture.add(fixture.job("a").in_queue("print")).await?;
        equal("what another queue hands out", fixture.take_ids(9).await?, NONE)?;
        equal("what another queue counts", fixture.counts().await?.waiting, 0)?;
        equal("the job", ids(&fixture.queue.take(&request_from("print", 9)).await?), ["a"])
    }

    /// A delayed job is not handed out before its time, and is at its time.
    async fn a_delayed_job_is_handed_out_in_time(fixture) {
        fixture.add(fixture.job("a").due_in(seconds(60))).await?;
        equal("what is handed out at once", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(seconds(60) - TICK).await;
        equal("what is handed out too early", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(TICK).await;
        equal("what is handed out in time", fixture.take_ids(9).await?, ["a"])
    }

    /// A job counts as delayed until its time has come, and as waiting from then on.
    async fn a_delayed_job_becomes_a_waiting_one(fixture) {
        fixture.add(fixture.job("a").due_in(seconds(60))).await?;
        fixture.expect_state("a", JobState::Delayed).await?;
        let counts = fixture.counts().await?;
        equal("the delayed and waiting jobs", (counts.delayed, counts.waiting), (1, 0))?;
        fixture.pass(seconds(60)).await;
        fixture.expect_state("a", JobState::Waiting).await?;
        let counts = fixture.counts().await?;
        equal("the delayed and waiting jobs", (counts.delayed, counts.waiting), (0, 1))
    }

    /// A job whose delay is longer than locks last runs once.
    async fn a_delay_longer_than_a_lock_runs_once(fixture) {
        fixture.add(fixture.job("a").due_in(LOCK * 5)).await?;
        for _ in 0..5 {
            equal("what is taken back", fixture.recover(0).await?, [])?;
            fixture.pass(LOCK).await;
        }
        let claimed = fixture.take_one().await?;
        equal("what else is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.settle(&claimed, done()).await
    }

    /// A job may be due in a distant century.
    async fn a_job_may_be_due_in_a_distant_century(fixture) {
        let distant: Timestamp = "9999-12-31T23:59:59.999999Z".parse().map_err(|_| super::fixture::violation("no date"))?;
        fixture.add(fixture.job("a").due_at(distant)).await?;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        equal("when the next is due", fixture.queue.next_due(&QUEUE.into()).await?, Some(distant))
    }

    /// When the next delayed or backing-off job becomes ready can be asked.
    async fn the_next_due_time_can_be_asked(fixture) {
        let queue = QUEUE.into();
        equal("the next of an empty queue", fixture.queue.next_due(&queue).await?, None)?;
        let now = fixture.clock.now();
        let claimed = fixture.add_and_take("a").await?;
        fixture.settle(&claimed, retry_in(seconds(90))).await?;
        equal("the next", fixture.queue.next_due(&queue).await?, Some(now + seconds(90)))?;
        fixture.add(fixture.job("b").due_in(seconds(30))).await?;
        fixture.add(fixture.job("c").due_in(seconds(60))).await?;
        fixture.add(fixture.job("d")).await?;
        equal("the next", fixture.queue.next_due(&queue).await?, Some(now + seconds(30)))
    }

    /// A wall clock that jumps ahead makes delayed jobs due: due times are wall time.
    async fn a_wall_clock_that_jumps_makes_jobs_due(fixture) {
        fixture.add(fixture.job("a").due_in(seconds(3_600))).await?;
        fixture.time.jump_wall_clock(seconds(7_200)).await;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])
    }
}
