//! What a queue shows.

use athyper::jobs::{JobFilter, JobState, Outcome};

use super::Violation;
use super::define_cases;
use super::fixture::{JobExt, JobQueueFixture, QUEUE, TICK, done, equal, failed, seconds};

async fn list(fixture: &JobQueueFixture, filter: JobFilter) -> Result<Vec<String>, Violation> {
    let records = fixture.queue.list(&QUEUE.into(), &filter).await?;
    Ok(records.iter().map(|record| record.envelope.id.to_string()).collect())
}

fn in_state(state: JobState) -> JobFilter {
    JobFilter { states: vec![state], ..JobFilter::default() }
}

define_cases! {
    /// The queues that hold or held jobs are shown, sorted.
    async fn queues_are_shown_sorted(fixture) {
        for queue in ["print", "mail", "archive"] {
            fixture.add(fixture.job("a").in_queue(queue)).await?;
        }
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, done()).await?;
        let queues: Vec<String> = fixture.queue.queues().await?.iter().map(ToString::to_string).collect();
        equal("the queues", queues, ["archive", "mail", "print"])
    }

    /// Waiting jobs are listed in the order they would run.
    async fn waiting_jobs_are_listed_as_they_would_run(fixture) {
        fixture.add(fixture.job("c").priority(100)).await?;
        fixture.add(fixture.job("b").priority(10).due_in(seconds(5))).await?;
        fixture.add(fixture.job("a").priority(10)).await?;
        fixture.pass(seconds(6)).await;
        equal("the list", list(&fixture, in_state(JobState::Waiting)).await?, ["a", "b", "c"])?;
        equal("the jobs as they run", fixture.take_ids(9).await?, ["a", "b", "c"])
    }

    /// Delayed jobs are listed by when they become ready.
    async fn delayed_jobs_are_listed_by_their_time(fixture) {
        for (id, delay) in [("c", 30), ("a", 10), ("b", 20)] {
            fixture.add(fixture.job(id).priority(delay * 7 % 40).due_in(seconds(delay.into()))).await?;
        }
        equal("the list", list(&fixture, in_state(JobState::Delayed)).await?, ["a", "b", "c"])
    }

    /// Finished jobs are listed with the latest first.
    async fn finished_jobs_are_listed_latest_first(fixture) {
        fixture.add_each(&["a", "b", "c", "d"]).await?;
        let claimed = fixture.take(4).await?;
        for index in [2, 0, 3] {
            fixture.settle(&claimed[index], done()).await?;
            fixture.pass(TICK).await;
        }
        fixture.settle(&claimed[1], failed()).await?;
        equal("the completed", list(&fixture, in_state(JobState::Completed)).await?, ["d", "a", "c"])?;
        equal("the failed", list(&fixture, in_state(JobState::Failed)).await?, ["b"])
    }

    /// A list is narrowed to states.
    async fn a_list_is_narrowed_to_states(fixture) {
        let parked = Outcome::Park { reason: "unknown".to_owned(), delay: seconds(60) };
        for (id, outcome) in [("parked", parked), ("completed", done()), ("failed", failed())] {
            let claimed = fixture.add_and_take(id).await?;
            fixture.settle(&claimed, outcome).await?;
        }
        fixture.add(fixture.job("delayed").due_in(seconds(60))).await?;
        fixture.add_and_take("active").await?;
        fixture.add(fixture.job("waiting")).await?;
        let child = fixture.job("child").in_queue("elsewhere").child_of("waiting-children");
        fixture.queue.add(vec![fixture.job("waiting-children"), child]).await?;
        for state in JobState::ALL {
            equal("the list", list(&fixture, in_state(state)).await?, [state.as_str()])?;
        }
        let two = JobFilter { states: vec![JobState::Failed, JobState::Active], ..JobFilter::default() };
        let mut found = list(&fixture, two).await?;
        found.sort();
        equal("the list of two states", found, ["active", "failed"])?;
        equal("the length of the whole list", list(&fixture, JobFilter::default()).await?.len(), 7)
    }

    /// A list is narrowed to a kind.
    async fn a_list_is_narrowed_to_a_kind(fixture) {
        for (id, kind) in [("a", "one"), ("b", "two"), ("c", "one")] {
            fixture.add(fixture.job(id).of_kind(kind)).await?;
        }
        let filter = JobFilter { kind: Some("one".to_owned()), ..JobFilter::default() };
        equal("the list", list(&fixture, filter).await?, ["a", "c"])
    }

    /// A list is read page by page.
    async fn a_list_is_read_page_by_page(fixture) {
        let wanted: Vec<String> = (0..25).map(|number| format!("job-{number:02}")).collect();
        fixture.queue.add(wanted.iter().map(|id| fixture.job(id)).collect()).await?;
        let mut found = Vec::new();
        for page in 0..4 {
            let filter = JobFilter { offset: page * 10, limit: 10, ..JobFilter::default() };
            let ids = list(&fixture, filter).await?;
            equal("the length of a page", ids.len(), [10, 10, 5, 0][usize::try_from(page).unwrap_or_default()])?;
            found.extend(ids);
        }
        equal("the pages together", found, wanted)
    }

    /// A list is of one queue.
    async fn a_list_is_of_one_queue(fixture) {
        fixture.add(fixture.job("a")).await?;
        fixture.add(fixture.job("b").in_queue("print")).await?;
        equal("the list", list(&fixture, JobFilter::default()).await?, ["a"])
    }
}
