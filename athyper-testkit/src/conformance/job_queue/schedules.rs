//! Ticks that are remembered with the jobs.

use std::sync::Arc;

use athyper::clock::Timestamp;
use athyper::jobs::{JobId, JobState};
use athyper::schedule::{Fire, Fired, Overlap, ScheduleRecord};
use tokio::task::JoinSet;

use super::Violation;
use super::define_cases;
use super::fixture::{Checked, JobExt, JobQueueFixture, QUEUE, done, equal, failed, retry_in, seconds, violation};

const DAILY: &str = "0 0 * * * UTC";

async fn declare(fixture: &JobQueueFixture, epoch: u64, schedules: &[(&str, &str)]) -> Result<bool, Violation> {
    declare_since(fixture, epoch, fixture.clock.now(), schedules).await
}

/// As a process that began at `since`.
async fn declare_since(
    fixture: &JobQueueFixture,
    epoch: u64,
    since: Timestamp,
    schedules: &[(&str, &str)],
) -> Result<bool, Violation> {
    let schedules: Vec<(String, String)> =
        schedules.iter().map(|(name, definition)| ((*name).to_owned(), (*definition).to_owned())).collect();
    Ok(fixture.queue.schedules().declare(epoch, since, fixture.clock.now(), &schedules).await?)
}

/// A tick of `report` so many seconds from now, with the job `id`.
fn tick(fixture: &JobQueueFixture, epoch: u64, after: u64, id: &str) -> Fire {
    Fire {
        schedule: "report".to_owned(),
        epoch,
        tick: fixture.clock.now() + seconds(after),
        overlap: Overlap::Allow,
        job: Some(fixture.job(id)),
    }
}

async fn fire(fixture: &JobQueueFixture, fire: Fire) -> Result<Fired, Violation> {
    Ok(fixture.queue.schedules().fire(fire).await?)
}

async fn record(fixture: &JobQueueFixture, name: &str) -> Result<ScheduleRecord, Violation> {
    let records = fixture.queue.schedules().records().await?;
    records
        .into_iter()
        .find(|record| record.name == name)
        .ok_or_else(|| violation(format_args!("no schedule `{name}`")))
}

async fn expect_mark(fixture: &JobQueueFixture, mark: Timestamp) -> Checked {
    equal("the mark", record(fixture, "report").await?.high_water, mark)
}

fn added(id: &str) -> Fired {
    Fired::Added(JobId::from(id))
}

define_cases! {
    /// Declared schedules begin with their mark at now, and are shown sorted by name.
    async fn declared_schedules_begin_now(fixture) {
        equal("the answer", declare(&fixture, 3, &[("report", DAILY), ("clean", "x")]).await?, true)?;
        let now = fixture.clock.now();
        let wanted = [("clean", "x"), ("report", DAILY)].map(|(name, definition)| ScheduleRecord {
            name: name.to_owned(),
            definition: definition.to_owned(),
            high_water: now,
            epoch: 3,
            since: now,
            last_job: None,
        });
        equal("the records", fixture.other.schedules().records().await?, wanted)
    }

    /// Declaring again keeps the marks of what stayed the same.
    async fn declaring_again_keeps_the_marks(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        let mark = fixture.clock.now();
        fixture.pass(seconds(100)).await;
        equal("the answer", declare(&fixture, 2, &[("report", DAILY)]).await?, true)?;
        expect_mark(&fixture, mark).await?;
        equal("the epoch", record(&fixture, "report").await?.epoch, 2)
    }

    /// A changed schedule begins anew.
    async fn a_changed_schedule_begins_anew(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        fixture.pass(seconds(100)).await;
        declare(&fixture, 1, &[("report", "0 1 * * * UTC")]).await?;
        expect_mark(&fixture, fixture.clock.now()).await?;
        equal("the definition", &*record(&fixture, "report").await?.definition, "0 1 * * * UTC")
    }

    /// A schedule that is not declared any more disappears; its job stays.
    async fn a_removed_schedule_disappears(fixture) {
        declare(&fixture, 1, &[("report", DAILY), ("clean", "x")]).await?;
        equal("the tick", fire(&fixture, tick(&fixture, 1, 5, "a")).await?, added("a"))?;
        declare(&fixture, 1, &[("clean", "x")]).await?;
        equal("how many there are", fixture.queue.schedules().records().await?.len(), 1)?;
        equal("a further tick", fire(&fixture, tick(&fixture, 1, 10, "b")).await?, Fired::Unknown)?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])
    }

    /// A leader that was replaced cannot declare, and changes nothing.
    async fn a_replaced_leader_cannot_declare(fixture) {
        declare(&fixture, 5, &[("report", DAILY)]).await?;
        let before = fixture.queue.schedules().records().await?;
        fixture.pass(seconds(9)).await;
        equal("the answer", declare(&fixture, 4, &[("report", "changed"), ("clean", "x")]).await?, false)?;
        equal("the records", fixture.queue.schedules().records().await?, before)?;
        equal("the answer to nothing", declare(&fixture, 4, &[]).await?, false)?;
        equal("how many there are", fixture.queue.schedules().records().await?.len(), 1)
    }

    /// A leader that began before the one whose schedules are there changes none of them, and fences it all the same.
    async fn an_older_version_changes_no_schedule(fixture) {
        let older = fixture.clock.now();
        fixture.pass(seconds(60)).await;
        declare(&fixture, 1, &[("report", DAILY), ("new", "x")]).await?;
        let before = fixture.queue.schedules().records().await?;
        fixture.pass(seconds(9)).await;
        let outdated = [("report", "changed"), ("removed", "x")];
        equal("the answer", declare_since(&fixture, 2, older, &outdated).await?, true)?;
        let wanted: Vec<_> = before.into_iter().map(|record| ScheduleRecord { epoch: 2, ..record }).collect();
        equal("the records", fixture.queue.schedules().records().await?, wanted)?;
        equal("the stale leader's tick", fire(&fixture, tick(&fixture, 1, 5, "a")).await?, Fired::StaleLeader)?;
        // Restarted, the same version is the newer one.
        equal("the answer to a restart", declare(&fixture, 3, &outdated).await?, true)?;
        equal("the definition", &*record(&fixture, "report").await?.definition, "changed")?;
        equal("how many there are", fixture.queue.schedules().records().await?.len(), 2)
    }

    /// A process that began in the future had a clock that was wrong: it must not keep the others from declaring for ever.
    async fn a_beginning_in_the_future_is_not_believed(fixture) {
        declare_since(&fixture, 1, fixture.clock.now() + seconds(3_600), &[("report", DAILY)]).await?;
        equal("the answer", declare(&fixture, 2, &[("report", "changed")]).await?, true)?;
        equal("the definition", &*record(&fixture, "report").await?.definition, "changed")
    }

    /// Firing a tick adds its job and moves the mark.
    async fn a_tick_adds_its_job(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        let due = fixture.clock.now() + seconds(5);
        equal("the tick", fire(&fixture, tick(&fixture, 1, 5, "a")).await?, added("a"))?;
        expect_mark(&fixture, due).await?;
        equal("the last job", record(&fixture, "report").await?.last_job, Some("a".into()))?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])
    }

    /// The job of a tick is a job like any other: its delay, key and priority hold.
    async fn the_job_of_a_tick_is_like_any_other(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        fixture.add(fixture.job("b")).await?;
        let mut first = tick(&fixture, 1, 5, "a");
        first.job = Some(fixture.job("a").priority(1).due_in(seconds(60)));
        fire(&fixture, first).await?;
        fixture.expect_state("a", JobState::Delayed).await?;
        fixture.pass(seconds(60)).await;
        equal("what is handed out", fixture.take_ids(9).await?, ["a", "b"])
    }

    /// A tick at or before the mark never fires again, whoever asks.
    async fn a_tick_fires_once(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        let again = tick(&fixture, 1, 5, "again");
        let earlier = tick(&fixture, 1, 4, "earlier");
        let at_the_start = tick(&fixture, 1, 0, "start");
        equal("a tick at the first mark", fire(&fixture, at_the_start).await?, Fired::AlreadyFired)?;
        equal("the tick", fire(&fixture, tick(&fixture, 1, 5, "a")).await?, added("a"))?;
        equal("the same tick", fixture.other.schedules().fire(again).await?, Fired::AlreadyFired)?;
        equal("an earlier tick", fire(&fixture, earlier).await?, Fired::AlreadyFired)?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])?;
        equal("the next tick", fire(&fixture, tick(&fixture, 1, 6, "b")).await?, added("b"))
    }

    /// A leader that was replaced cannot fire, also a tick that nobody has fired.
    async fn a_replaced_leader_cannot_fire(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        declare(&fixture, 2, &[("report", DAILY)]).await?;
        let mark = fixture.clock.now();
        equal("the stale leader's tick", fire(&fixture, tick(&fixture, 1, 5, "a")).await?, Fired::StaleLeader)?;
        expect_mark(&fixture, mark).await?;
        equal("what is handed out", fixture.take_ids(9).await?, Vec::<String>::new())?;
        equal("the leader's tick", fire(&fixture, tick(&fixture, 2, 5, "a")).await?, added("a"))
    }

    /// A schedule that nobody declared does not fire.
    async fn an_unknown_schedule_does_not_fire(fixture) {
        equal("the tick", fire(&fixture, tick(&fixture, 1, 5, "a")).await?, Fired::Unknown)?;
        equal("whether its job is there", fixture.exists("a").await?, false)
    }

    /// A tick without a job is passed over: the mark moves, and the tick does not fire later.
    async fn a_tick_without_a_job_is_passed_over(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        let due = fixture.clock.now() + seconds(5);
        let over = Fire { job: None, ..tick(&fixture, 1, 5, "a") };
        equal("the tick", fire(&fixture, over).await?, Fired::Skipped)?;
        expect_mark(&fixture, due).await?;
        equal("the same tick", fire(&fixture, tick(&fixture, 1, 5, "a")).await?, Fired::AlreadyFired)?;
        equal("the last job", record(&fixture, "report").await?.last_job, None)
    }

    /// Without overlap a tick is passed over while the earlier one's job is not finished, in whatever state.
    async fn an_unfinished_job_passes_ticks_over(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        let skipping = |after, id| Fire { overlap: Overlap::Skip, ..tick(&fixture, 1, after, id) };
        equal("the first", fire(&fixture, skipping(1, "a")).await?, added("a"))?;
        equal("while it waits", fire(&fixture, skipping(2, "b")).await?, Fired::Skipped)?;
        let claimed = fixture.take_one().await?;
        equal("while it runs", fire(&fixture, skipping(3, "b")).await?, Fired::Skipped)?;
        fixture.settle(&claimed, retry_in(seconds(0))).await?;
        equal("while it is retried", fire(&fixture, skipping(4, "b")).await?, Fired::Skipped)?;
        expect_mark(&fixture, fixture.clock.now() + seconds(4)).await?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, done()).await?;
        equal("once it is done", fire(&fixture, skipping(5, "b")).await?, added("b"))?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, failed()).await?;
        equal("once it failed", fire(&fixture, skipping(6, "c")).await?, added("c"))?;
        fixture.queue.remove(&QUEUE.into(), &"c".into()).await?;
        equal("once it was removed", fire(&fixture, skipping(7, "d")).await?, added("d"))
    }

    /// With overlap, or queueing, a tick fires although the earlier one's job is not finished.
    async fn overlap_lets_ticks_fire(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        for (after, overlap, id) in [(1, Overlap::Allow, "a"), (2, Overlap::Allow, "b"), (3, Overlap::Queue, "c")] {
            let fired = fire(&fixture, Fire { overlap, ..tick(&fixture, 1, after, id) }).await?;
            equal("the tick", fired, added(id))?;
        }
        equal("what is handed out", fixture.take_ids(9).await?, ["a", "b", "c"])
    }

    /// Of many who fire one tick at the same time, one adds its job.
    async fn one_of_many_fires_a_tick(fixture) {
        declare(&fixture, 1, &[("report", DAILY)]).await?;
        let mut tasks = JoinSet::new();
        for number in 0..8 {
            let queue = Arc::clone(if number % 2 == 0 { &fixture.queue } else { &fixture.other });
            let fire = tick(&fixture, 1, 5, &format!("job-{number}"));
            tasks.spawn(async move { queue.schedules().fire(fire).await });
        }
        let mut fired = 0;
        while let Some(answer) = tasks.join_next().await {
            let answer = answer.map_err(|error| violation(format_args!("firing panicked: {error}")))??;
            fired += usize::from(matches!(answer, Fired::Added(_)));
        }
        equal("how many fired it", fired, 1)?;
        equal("the waiting jobs", fixture.counts().await?.waiting, 1)
    }
}
