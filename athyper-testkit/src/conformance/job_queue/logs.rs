//! What attempts log.

use std::time::Duration;

use athyper::ErrorKind;
use athyper::jobs::{JobId, LOG_ROWS, Retention};

use super::super::case::Violation;
use super::define_cases;
use super::fixture::{JobQueueFixture, QUEUE, done, equal, retry_in, unknown_lock, violation};

async fn logs(fixture: &JobQueueFixture, id: &str) -> Result<Vec<String>, Violation> {
    fixture.queue.logs(&QUEUE.into(), &JobId::from(id)).await.map_err(violation)
}

define_cases! {
    /// The rows of all attempts stand one behind the other, as they are.
    async fn a_log_has_its_rows_in_order(fixture) {
        let first = fixture.add_and_take("a").await?;
        equal("a log without rows", logs(&fixture, "a").await?, Vec::<String>::new())?;
        fixture.queue.append_log(&first.lock, "two\nlines".to_owned()).await?;
        fixture.queue.append_log(&first.lock, String::new()).await?;
        fixture.settle(&first, retry_in(Duration::ZERO)).await?;
        let second = fixture.take_one().await?;
        fixture.queue.append_log(&second.lock, "NUL \0, \u{1f980}".to_owned()).await?;
        fixture.settle(&second, done()).await?;
        equal("the log", logs(&fixture, "a").await?, ["two\nlines", "", "NUL \0, \u{1f980}"])
    }

    /// A job that is gone has no log, also when another one has its id.
    async fn a_log_goes_with_its_job(fixture) {
        for is_removed in [true, false] {
            let mut job = fixture.job("a");
            job.envelope.options.keep_completed = Retention { count: u32::from(is_removed), age: Duration::from_secs(60) };
            fixture.add(job).await?;
            let claimed = fixture.take_one().await?;
            equal("what is logged of a new job", logs(&fixture, "a").await?, Vec::<String>::new())?;
            fixture.queue.append_log(&claimed.lock, "row".to_owned()).await?;
            fixture.settle(&claimed, done()).await?;
            if is_removed {
                fixture.queue.remove(&QUEUE.into(), &JobId::from("a")).await?;
            }
            let asked = fixture.queue.logs(&QUEUE.into(), &JobId::from("a")).await;
            equal("the log of no job", asked.map_err(|error| error.kind()), Err::<Vec<String>, _>(ErrorKind::NotFound))?;
        }
        fixture.add_and_take("a").await?;
        equal("what is logged of a new job", logs(&fixture, "a").await?, Vec::<String>::new())
    }

    /// Of a long log the latest rows stay.
    async fn a_long_log_keeps_its_latest_rows(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        for number in 0..LOG_ROWS + 3 {
            fixture.queue.append_log(&claimed.lock, number.to_string()).await?;
        }
        let rows = logs(&fixture, "a").await?;
        equal("how many rows stay", rows.len(), LOG_ROWS)?;
        let ends = (rows.first().map(String::as_str), rows.last().cloned());
        equal("the first and the last", ends, (Some("3"), Some((LOG_ROWS + 2).to_string())))
    }

    /// Whoever does not hold a job logs nothing.
    async fn a_stale_worker_logs_nothing(fixture) {
        let stale = fixture.add_and_take("a").await?;
        fixture.stall(9).await?;
        let refused = async |lock| fixture.queue.append_log(&lock, "row".to_owned()).await.map_err(|error| error.kind());
        equal("while it waits", refused(stale.lock.clone()).await, Err(ErrorKind::Conflict))?;
        fixture.take_one().await?;
        equal("in other hands", refused(stale.lock.clone()).await, Err(ErrorKind::Conflict))?;
        equal("of no job", refused(unknown_lock()).await, Err(ErrorKind::Conflict))?;
        equal("the log", logs(&fixture, "a").await?, Vec::<String>::new())
    }
}
