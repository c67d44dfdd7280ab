//! A job while its options are being said.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::Jobs;
use crate::foundation::clock::{Timestamp, to_microseconds};
use crate::foundation::context::Context;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{ChildFailure, Envelope, JobId, JobOptions, NewJob, Parent, QueueName, Unique};
use crate::runtime::current_context::current_context;

/// When a job becomes ready.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Now,
    After(Duration),
    At(Timestamp),
}

/// A job while its options are being said.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) kind: Cow<'static, str>,
    pub(super) version: u32,
    pub(super) options: JobOptions,
    pub(super) payload: Result<Bytes>,
    pub(super) when: When,
    pub(super) unique: Option<Unique>,
    pub(super) serial_key: Option<String>,
    pub(super) id: Option<JobId>,
    pub(super) context: Option<Context>,
    pub(super) when_failed: Option<ChildFailure>,
    pub(super) children: Vec<Self>,
    /// What is wrong with one of the children.
    pub(super) wrong: Option<Error>,
}

/// What every store, URL and log line can carry as an id or a key.
const LONGEST_ID: usize = 255;

impl Draft {
    pub(super) fn new(kind: Cow<'static, str>, version: u32, options: JobOptions, payload: Result<Bytes>) -> Self {
        Self {
            kind,
            version,
            options,
            payload,
            when: When::Now,
            unique: None,
            serial_key: None,
            id: None,
            context: None,
            when_failed: None,
            children: Vec::new(),
            wrong: None,
        }
    }

    /// The job with everything filled in.
    pub(super) fn into_job(mut self, jobs: &Jobs) -> Result<NewJob> {
        let payload = std::mem::replace(&mut self.payload, Ok(Bytes::new()))?;
        self.check()?;
        Ok(self.fill(payload, jobs))
    }

    /// The job and those below it, level by level.
    pub(super) fn into_flow(self, jobs: &Jobs) -> Result<Vec<NewJob>> {
        if self.when_failed.is_some() {
            return Err(invalid("`when_failed` is said of a child, and this job has no parent"));
        }
        let mut flow = Vec::new();
        let mut next: VecDeque<(Self, Option<(Parent, Context)>)> = VecDeque::from([(self, None)]);
        while let Some((mut draft, above)) = next.pop_front() {
            if let Some(wrong) = draft.wrong.take() {
                return Err(wrong);
            }
            let children = std::mem::take(&mut draft.children);
            let when_failed = draft.when_failed.unwrap_or_default();
            // Nobody else than its parent asks for a child: it is of the same unit of work.
            let (parent, context) = above.unzip();
            draft.context = draft.context.or(context);
            let mut job = draft.into_job(jobs)?;
            job.parent = parent.map(|parent| Parent { when_failed, ..parent });
            let own = Parent {
                queue: job.envelope.queue.clone(),
                id: job.envelope.id.clone(),
                when_failed: ChildFailure::default(),
            };
            let context = job.envelope.context.clone();
            next.extend(children.into_iter().map(|child| (child, Some((own.clone(), context.clone())))));
            flow.push(job);
        }
        Ok(flow)
    }

    /// A job for each payload, all with the same options.
    pub(super) fn into_jobs(self, payloads: Vec<Bytes>, jobs: &Jobs) -> Result<Vec<NewJob>> {
        self.check()?;
        Ok(payloads.into_iter().map(|payload| self.fill(payload, jobs)).collect())
    }

    fn check(&self) -> Result<()> {
        if self.options.attempts == 0 {
            return Err(invalid("a job needs at least one attempt"));
        }
        check_text("the id of a job", self.id.as_ref().map(JobId::as_str))?;
        check_text("the unique key of a job", self.unique.as_ref().map(|unique| unique.key.as_str()))?;
        check_text("the serial key of a job", self.serial_key.as_deref())
    }

    fn fill(&self, payload: Bytes, jobs: &Jobs) -> NewJob {
        let now = jobs.link.clock.now();
        // The deadline of a request says until when somebody waits for its answer; nobody waits for a job like that.
        let inherited = || current_context().map(Context::without_deadline).unwrap_or_else(Context::background);
        NewJob {
            envelope: Envelope {
                id: self.id.clone().unwrap_or_else(|| jobs.new_id(now)),
                queue: QueueName::new(&*self.options.queue),
                kind: self.kind.clone().into_owned(),
                version: self.version,
                payload,
                context: self.context.clone().unwrap_or_else(inherited),
                options: self.options.clone(),
            },
            due_at: match self.when {
                When::Now => now,
                When::After(delay) => chrono::Duration::from_std(delay)
                    .ok()
                    .and_then(|delay| now.checked_add_signed(delay))
                    .unwrap_or(Timestamp::MAX_UTC),
                When::At(instant) => to_microseconds(instant),
            },
            unique: self.unique.clone(),
            serial_key: self.serial_key.clone(),
            parent: None,
        }
    }
}

fn invalid(message: &'static str) -> Error {
    Error::invalid(message).with_code("job-options")
}

fn check_text(what: &str, text: Option<&str>) -> Result<()> {
    match text {
        Some(text) if text.is_empty() || text.len() > LONGEST_ID => {
            Err(Error::invalid(format!("{what} has 1 to {LONGEST_ID} bytes, not {}", text.len()))
                .with_code("job-options"))
        }
        _ => Ok(()),
    }
}
