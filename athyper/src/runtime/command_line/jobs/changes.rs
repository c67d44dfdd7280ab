//! Doing something to jobs.

use std::time::Duration;

use serde_json::json;

use super::Desk;
use super::arguments::Which;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{JobFilter, JobId, JobRecord, JobState, QueueName};
use crate::runtime::command_line::Output;

/// How many are looked at at once.
const PAGE: u64 = 100;

/// What is done to a job.
#[derive(Debug, Clone, Copy)]
enum Change {
    Retry,
    Promote,
    Cancel,
    Remove,
}

impl Change {
    const fn done(self) -> &'static str {
        match self {
            Self::Retry => "retried",
            Self::Promote => "promoted",
            Self::Cancel => "cancelled",
            Self::Remove => "removed",
        }
    }
}

impl Desk<'_> {
    pub(super) async fn retry(&self, which: Which) -> Result<Output> {
        self.change_which(which, Change::Retry, &[JobState::Failed]).await
    }

    pub(super) async fn promote(&self, which: Which) -> Result<Output> {
        self.change_which(which, Change::Promote, &[JobState::Delayed, JobState::Parked]).await
    }

    pub(super) async fn cancel(&self, queue: &str, ids: Vec<String>) -> Result<Output> {
        let queue = self.named(queue).await?;
        self.change_each(&queue, ids, Change::Cancel).await
    }

    pub(super) async fn remove(&self, queue: &str, ids: Vec<String>) -> Result<Output> {
        let queue = self.named(queue).await?;
        self.change_each(&queue, ids, Change::Remove).await
    }

    pub(super) async fn purge(&self, queue: &str, state: JobState, older_than: Option<Duration>) -> Result<Output> {
        let queue = self.named(queue).await?;
        let now = self.kernel.clock().now();
        let is_old = |record: &JobRecord| {
            let age = record.finished_at.and_then(|at| (now - at).to_std().ok()).unwrap_or_default();
            older_than.is_none_or(|least| age >= least)
        };
        self.change_all(&queue, &[state], is_old, Change::Remove).await
    }

    pub(super) async fn drain(&self, queue: &str, delayed: bool) -> Result<Output> {
        let queue = self.named(queue).await?;
        let states: &[JobState] =
            if delayed { &[JobState::Waiting, JobState::Delayed, JobState::Parked] } else { &[JobState::Waiting] };
        self.change_all(&queue, states, |_| true, Change::Remove).await
    }

    async fn change_which(&self, which: Which, change: Change, states: &[JobState]) -> Result<Output> {
        let queue = self.named(&which.queue).await?;
        if which.all {
            self.change_all(&queue, states, |_| true, change).await
        } else {
            self.change_each(&queue, which.ids, change).await
        }
    }

    async fn change(&self, queue: &QueueName, id: &JobId, change: Change) -> Result<()> {
        match change {
            Change::Retry => self.queue.retry(queue, id).await,
            Change::Promote => self.queue.promote(queue, id).await,
            Change::Cancel => self.queue.cancel(queue, id).await,
            Change::Remove => self.queue.remove(queue, id).await,
        }
    }

    /// Changes these, and says which could not be changed.
    async fn change_each(&self, queue: &QueueName, ids: Vec<String>, change: Change) -> Result<Output> {
        let (mut done, mut refusals) = (0, Vec::new());
        for id in ids.into_iter().map(JobId::from) {
            match self.change(queue, &id, change).await {
                Ok(()) => done += 1,
                Err(error) if is_refusal(&error) => refusals.push(error.report()),
                Err(error) => return Err(error),
            }
        }
        if refusals.is_empty() {
            return Ok(self.changed(change, done, 0));
        }
        let told = format!("{done} {}; {}", change.done(), refusals.join("; "));
        Err(Error::new(ErrorKind::Conflict, told))
    }

    /// Changes all in these states that are wanted, at most as many as there are in them when it begins: what is retried may soon
    /// have failed again.
    async fn change_all(
        &self,
        queue: &QueueName,
        states: &[JobState],
        is_wanted: impl Fn(&JobRecord) -> bool,
        change: Change,
    ) -> Result<Output> {
        let counts = self.queue.counts(queue).await?;
        let mut left: u64 = states.iter().map(|state| counts.get(*state)).sum();
        let (mut done, mut refused, mut passed) = (0, 0, 0);
        while left > 0 {
            let filter = JobFilter { states: states.to_vec(), kind: None, offset: passed, limit: PAGE };
            let page = self.queue.list(queue, &filter).await?;
            if page.is_empty() {
                break;
            }
            for record in page {
                if !is_wanted(&record) {
                    passed += 1;
                    continue;
                }
                if left == 0 {
                    break;
                }
                left -= 1;
                match self.change(queue, &record.envelope.id, change).await {
                    Ok(()) => done += 1,
                    // A worker was faster.
                    Err(error) if is_refusal(&error) => refused += 1,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(self.changed(change, done, refused))
    }

    fn changed(&self, change: Change, done: u64, refused: u64) -> Output {
        if self.json {
            return Output::json(&json!({ change.done(): done, "refused": refused }));
        }
        let jobs = if done == 1 { "job" } else { "jobs" };
        let rest = match refused {
            0 => String::new(),
            _ => format!(", {refused} changed meanwhile and were left alone"),
        };
        Output::text(format!("{done} {jobs} {}{rest}\n", change.done()))
    }
}

/// The job is gone, or in another state.
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict)
}
