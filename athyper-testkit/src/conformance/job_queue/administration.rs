//! What people do with a queue.

use athyper::jobs::{JobState, Outcome};
use athyper::{ErrorKind, Result};

use super::define_cases;
use super::fixture::{
    Checked, JobExt, JobQueueFixture, LOCK, QUEUE, done, equal, failed, retry_in, seconds, unknown_lock, violation,
};

fn refused(what: &str, answer: Result<()>, kind: ErrorKind) -> Checked {
    match answer {
        Err(error) => equal(&format!("the kind of error of {what}"), error.kind(), kind),
        Ok(()) => Err(violation(format_args!("{what} was allowed"))),
    }
}

/// One job in each state, named after it.
async fn one_in_each_state(fixture: &JobQueueFixture) -> Checked {
    let endings = [
        ("completed", done()),
        ("failed", failed()),
        ("parked", Outcome::Park { reason: "unknown".to_owned(), delay: seconds(60) }),
        ("delayed", retry_in(seconds(60))),
    ];
    for (id, outcome) in endings {
        let claimed = fixture.add_and_take(id).await?;
        fixture.settle(&claimed, outcome).await?;
    }
    fixture.add_and_take("active").await?;
    fixture.add(fixture.job("waiting")).await?;
    let child = fixture.job("child").in_queue("elsewhere").due_in(seconds(60)).child_of("waiting-children");
    fixture.queue.add(vec![fixture.job("waiting-children"), child]).await?;
    Ok(())
}

define_cases! {
    /// A record tells everything that is known of a job, and nothing of one that never was.
    async fn a_record_tells_everything(fixture) {
        let queue = QUEUE.into();
        equal("an unknown job", fixture.queue.get(&queue, &"a".into()).await?, None)?;
        let now = fixture.clock.now();
        let job = fixture.job("a").due_in(seconds(5));
        let envelope = job.envelope.clone();
        fixture.add(job).await?;
        let record = fixture.record("a").await?;
        equal("the job", record.envelope, envelope)?;
        equal("when it was enqueued", record.created_at, now)?;
        equal("when it becomes ready", record.due_at, now + seconds(5))?;
        equal("when it started and ended", (record.started_at, record.finished_at), (None, None))?;
        let numbers = (record.attempts_started, record.attempts_made, record.stalls);
        equal("attempts started, attempts made, stalls", numbers, (0, 0, 0))?;
        equal("progress, result, error", (record.progress, record.result, record.error), (None, None, None))
    }

    /// Each state is counted.
    async fn each_state_is_counted(fixture) {
        one_in_each_state(&fixture).await?;
        let counts = fixture.counts().await?;
        for state in JobState::ALL {
            equal(&format!("the {} jobs", state.as_str()), counts.get(state), 1)?;
            fixture.expect_state(state.as_str(), state).await?;
        }
        equal("the counts of no queue", fixture.queue.counts(&"print".into()).await?, Default::default())
    }

    /// A job that nobody holds can be removed, in any state, and is gone.
    async fn a_job_that_nobody_holds_can_be_removed(fixture) {
        let queue = QUEUE.into();
        one_in_each_state(&fixture).await?;
        for id in ["completed", "failed", "parked", "delayed", "waiting-children", "waiting"] {
            fixture.queue.remove(&queue, &id.into()).await?;
            equal(&format!("whether the {id} job is there"), fixture.exists(id).await?, false)?;
        }
        let counts = fixture.counts().await?;
        let sum: u64 = JobState::ALL.into_iter().map(|state| counts.get(state)).sum();
        equal("the number of jobs", sum, 1)?;
        fixture.pass(seconds(600)).await;
        equal("what is handed out", fixture.take_ids(9).await?, Vec::<String>::new())?;
        equal("whether its id is a duplicate", fixture.add(fixture.job("waiting")).await?.duplicate, false)
    }

    /// A job that a worker holds cannot be removed.
    async fn a_held_job_cannot_be_removed(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        refused("removing it", fixture.queue.remove(&QUEUE.into(), &"a".into()).await, ErrorKind::Conflict)?;
        fixture.settle(&claimed, done()).await?;
        fixture.queue.remove(&QUEUE.into(), &"a".into()).await?;
        Ok(())
    }

    /// A job that never was cannot be removed, retried or promoted.
    async fn an_unknown_job_is_not_found(fixture) {
        let (queue, id) = (QUEUE.into(), unknown_lock().id);
        fixture.add(fixture.job("nobody").in_queue("print")).await?;
        refused("removing it", fixture.queue.remove(&queue, &id).await, ErrorKind::NotFound)?;
        refused("retrying it", fixture.queue.retry(&queue, &id).await, ErrorKind::NotFound)?;
        refused("promoting it", fixture.queue.promote(&queue, &id).await, ErrorKind::NotFound)
    }

    /// A failed job that is retried has all its attempts again, and its token goes on.
    async fn a_retried_job_begins_anew(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.settle(&claimed, retry_in(seconds(0))).await?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, failed()).await?;
        fixture.pass(seconds(5)).await;
        fixture.queue.retry(&QUEUE.into(), &"a".into()).await?;
        let record = fixture.record("a").await?;
        equal("the state", record.state, JobState::Waiting)?;
        equal("the attempts made", record.attempts_made, 0)?;
        equal("when it ended", record.finished_at, None)?;
        equal("the failed jobs", fixture.counts().await?.failed, 0)?;
        let again = fixture.take_one().await?;
        equal("the attempts made", again.attempts_made, 0)?;
        equal("the token", again.lock.token, claimed.lock.token + 1)
    }

    /// A retried job goes behind those that wait.
    async fn a_retried_job_goes_to_the_end(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        fixture.settle(&claimed, failed()).await?;
        fixture.pass(seconds(1)).await;
        fixture.add(fixture.job("b")).await?;
        fixture.pass(seconds(1)).await;
        fixture.queue.retry(&QUEUE.into(), &"a".into()).await?;
        equal("the order", fixture.take_ids(9).await?, ["b", "a"])
    }

    /// Retrying forgives the stalls that failed a job.
    async fn retrying_forgives_stalls(fixture) {
        fixture.add_and_take("a").await?;
        fixture.stall(0).await?;
        fixture.queue.retry(&QUEUE.into(), &"a".into()).await?;
        equal("the stalls", fixture.record("a").await?.stalls, 0)?;
        fixture.take_one().await?;
        equal("the state", fixture.stall(1).await?.first().map(|back| back.state), Some(JobState::Waiting))
    }

    /// Only a failed job can be retried.
    async fn only_a_failed_job_can_be_retried(fixture) {
        one_in_each_state(&fixture).await?;
        for state in [JobState::Waiting, JobState::Delayed, JobState::Parked, JobState::Active, JobState::Completed] {
            let answer = fixture.queue.retry(&QUEUE.into(), &state.as_str().into()).await;
            refused(&format!("retrying the {} job", state.as_str()), answer, ErrorKind::Conflict)?;
            fixture.expect_state(state.as_str(), state).await?;
        }
        Ok(())
    }

    /// A delayed job that is promoted is ready now, behind those that wait.
    async fn a_promoted_job_is_ready(fixture) {
        fixture.add(fixture.job("a").due_in(seconds(600))).await?;
        fixture.add(fixture.job("b")).await?;
        fixture.pass(seconds(1)).await;
        fixture.queue.promote(&QUEUE.into(), &"a".into()).await?;
        fixture.expect_state("a", JobState::Waiting).await?;
        equal("when the next is due", fixture.queue.next_due(&QUEUE.into()).await?, None)?;
        equal("the order", fixture.take_ids(9).await?, ["b", "a"])
    }

    /// Only a delayed or parked job can be promoted.
    async fn only_a_delayed_job_can_be_promoted(fixture) {
        one_in_each_state(&fixture).await?;
        for state in [JobState::Waiting, JobState::Active, JobState::Completed, JobState::Failed] {
            let answer = fixture.queue.promote(&QUEUE.into(), &state.as_str().into()).await;
            refused(&format!("promoting the {} job", state.as_str()), answer, ErrorKind::Conflict)?;
            fixture.expect_state(state.as_str(), state).await?;
        }
        Ok(())
    }

    /// A job that is due is no longer delayed, and cannot be promoted.
    async fn a_due_job_cannot_be_promoted(fixture) {
        fixture.add(fixture.job("a").due_in(seconds(5))).await?;
        fixture.pass(seconds(5)).await;
        refused("promoting it", fixture.queue.promote(&QUEUE.into(), &"a".into()).await, ErrorKind::Conflict)
    }

    /// Since when the oldest waiting job waits can be asked.
    async fn the_oldest_waiting_job_can_be_asked_for(fixture) {
        let queue = QUEUE.into();
        equal("the oldest of an empty queue", fixture.queue.oldest_waiting(&queue).await?, None)?;
        let start = fixture.clock.now();
        fixture.add(fixture.job("a").priority(5_000)).await?;
        fixture.add(fixture.job("late").due_in(LOCK)).await?;
        fixture.pass(seconds(5)).await;
        fixture.add(fixture.job("b").priority(1)).await?;
        equal("the oldest", fixture.queue.oldest_waiting(&queue).await?, Some(start))?;
        fixture.take(2).await?;
        equal("the oldest while all are held", fixture.queue.oldest_waiting(&queue).await?, None)?;
        fixture.pass(LOCK).await;
        equal("the oldest once the late one is due", fixture.queue.oldest_waiting(&queue).await?, Some(start + LOCK))
    }

    /// The store answers when it is asked whether it is there.
    async fn the_store_answers(fixture) {
        fixture.queue.ping().await?;
        fixture.other.ping().await?;
        Ok(())
    }
}
