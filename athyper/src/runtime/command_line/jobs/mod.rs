//! `jobs`: which handlers there are, and what people do with the jobs in the queues.

mod arguments;
mod changes;
mod kinds;
mod limits;
mod queues;
mod records;

pub(super) use self::arguments::Jobs;

use std::collections::BTreeSet;

use self::arguments::Action;
use super::Output;
use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{JobFilter, JobId, JobQueue, QueueName};
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::runtime::kernel::Kernel;

pub(super) async fn jobs(kernel: &Kernel, arguments: Jobs) -> Output {
    let Jobs { action, json } = arguments;
    let Some(action) = action else { return kinds::list(kernel, json) };
    let queue = match kernel.open_jobs().await {
        Ok(queue) => queue,
        Err(problems) => return Output::problems(&problems),
    };
    let desk = Desk { kernel, queue: &*queue, json };
    desk.act(action).await.unwrap_or_else(|error| Output::problems(&problem(&error)))
}

/// Where the jobs of all queues are looked after.
struct Desk<'kernel> {
    kernel: &'kernel Kernel,
    queue: &'kernel dyn JobQueue,
    json: bool,
}

impl Desk<'_> {
    async fn act(&self, action: Action) -> Result<Output> {
        match action {
            Action::Stats { queue } => self.stats(queue.as_deref()).await,
            Action::List { queue, state: states, kind, offset, limit } => {
                self.list(&queue, JobFilter { states, kind, offset, limit }).await
            }
            Action::Show { queue, id } => self.show(&queue, &JobId::from(id)).await,
            Action::Logs { queue, id } => self.logs(&queue, &JobId::from(id)).await,
            Action::Retry(which) => self.retry(which).await,
            Action::Promote(which) => self.promote(which).await,
            Action::Cancel { queue, ids } => self.cancel(&queue, ids).await,
            Action::Remove { queue, ids } => self.remove(&queue, ids).await,
            Action::Purge { queue, state, older_than } => self.purge(&queue, state, older_than).await,
            Action::Drain { queue, delayed } => self.drain(&queue, delayed).await,
            Action::Limit { queue, total_concurrency, rate, tenant_concurrency, tenant_rate } => {
                let changes = limits::Changes { total_concurrency, rate, tenant_concurrency, tenant_rate };
                self.limit(&queue, changes).await
            }
            Action::Pause { queue } => self.pause(&queue).await,
            Action::Resume { queue } => self.resume(&queue).await,
        }
    }

    /// All queues: those of the handlers, and those that hold jobs of others.
    async fn names(&self) -> Result<BTreeSet<QueueName>> {
        let mut names: BTreeSet<QueueName> = self.kernel.jobs().queues().map(|(queue, _)| queue.clone()).collect();
        names.extend(self.queue.queues().await?);
        Ok(names)
    }

    /// A queue that exists, so that a misspelt one is not answered with nothing.
    async fn named(&self, name: &str) -> Result<QueueName> {
        let names = self.names().await?;
        if let Some(queue) = names.iter().find(|queue| queue.as_str() == name) {
            return Ok(queue.clone());
        }
        let known: Vec<&str> = names.iter().map(QueueName::as_str).collect();
        let hint =
            if known.is_empty() { "there is none".to_owned() } else { format!("there are: {}", known.join(", ")) };
        Err(Error::not_found(format!("no queue is named `{name}`; {hint}")))
    }
}

/// For people: to the second, in UTC.
fn shown(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.format("%F %T").to_string())
}

fn problem(error: &Error) -> Problems {
    let class = match error.kind() {
        ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Conflict => (ProblemClass::Usage, "ATH-USAGE"),
        _ => (ProblemClass::Unavailable, "ATH-STORE-OPEN"),
    };
    Problem::new(class.0, class.1, error.report()).into()
}
