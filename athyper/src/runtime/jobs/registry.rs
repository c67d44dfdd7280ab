//! Which handler runs which job.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::JobDescriptor;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Envelope, QueueLimits, QueueName, QueueOrdering};
use crate::foundation::problem::{Problem, ProblemClass, Problems};

/// What identifies a handler: the queue, the kind and the version of the payload's shape.
type Identity = (QueueName, String, u32);

/// Which handler runs which job, checked when the kernel is built.
///
/// Two handlers for one queue, kind and version, aliases included, are a problem; so are two that want different
/// concurrency, limits or another ordering for one queue, a queue that no store could carry, and numbers that mean nothing.
#[derive(Debug, Clone, Default)]
pub struct JobRegistry {
    handlers: BTreeMap<Identity, JobDescriptor>,
    concurrency: BTreeMap<QueueName, Option<NonZeroU32>>,
    limits: BTreeMap<QueueName, QueueLimits>,
    jobs: Vec<JobDescriptor>,
}

impl JobRegistry {
    /// Gathers handlers. One that is given twice counts once.
    ///
    /// # Errors
    /// Every collision and every wrong declaration, in one report.
    pub fn new(descriptors: impl IntoIterator<Item = JobDescriptor>) -> Result<Self, Problems> {
        let mut registry = Self::default();
        let mut problems = Problems::new();
        for job in descriptors {
            if registry.jobs.iter().any(|known| is_same(known, &job)) {
                continue;
            }
            registry.add(job, &mut problems);
        }
        registry.jobs.sort_by_key(|job| (job.options.queue.clone(), job.kind, job.version));
        if problems.is_empty() { Ok(registry) } else { Err(problems) }
    }

    fn add(&mut self, job: JobDescriptor, problems: &mut Problems) {
        check_declaration(&job, problems);
        let queue = QueueName::new(&*job.options.queue);
        for kind in std::iter::once(&job.kind).chain(job.aliases) {
            for version in job.versions() {
                let identity = (queue.clone(), (*kind).to_owned(), version);
                if let Some(other) = self.handlers.get(&identity) {
                    problems.push(collision(&job, other, kind, version));
                } else {
                    self.handlers.insert(identity, job);
                }
            }
        }
        self.agree_on_concurrency(queue.clone(), &job, problems);
        self.agree_on_limits(queue, &job, problems);
        self.agree_on_ordering(&job, problems);
        self.jobs.push(job);
    }

    fn agree_on_concurrency(&mut self, queue: QueueName, job: &JobDescriptor, problems: &mut Problems) {
        let wanted = job.concurrency.and_then(NonZeroU32::new);
        let agreed = self.concurrency.entry(queue.clone()).or_default();
        match (*agreed, wanted) {
            (None, _) => *agreed = wanted,
            (Some(agreed), Some(wanted)) if agreed != wanted => {
                let other = self
                    .jobs
                    .iter()
                    .find(|other| other.options.queue == job.options.queue && other.concurrency == Some(agreed.get()));
                problems.push(disagreement(&CONCURRENCY, job, other));
            }
            (Some(_), _) => {}
        }
    }

    fn agree_on_limits(&mut self, queue: QueueName, job: &JobDescriptor, problems: &mut Problems) {
        if job.limits.is_none() {
            return;
        }
        let agreed = *self.limits.entry(queue).or_insert(job.limits);
        if agreed != job.limits {
            let is_other = |other: &&JobDescriptor| other.options.queue == job.options.queue && other.limits == agreed;
            problems.push(disagreement(&LIMITS, job, self.jobs.iter().find(is_other)));
        }
    }

    fn agree_on_ordering(&self, job: &JobDescriptor, problems: &mut Problems) {
        let other = self.jobs.iter().find(|other| other.options.queue == job.options.queue);
        if let Some(other) = other.filter(|other| other.options.ordering != job.options.ordering) {
            problems.push(disagreement(&ORDERING, job, Some(other)));
        }
    }

    /// The handler of a job; `None` when this fleet does not know its kind or version.
    #[must_use]
    pub fn handler_of(&self, envelope: &Envelope) -> Option<&JobDescriptor> {
        self.handlers.get(&(envelope.queue.clone(), envelope.kind.clone(), envelope.version))
    }

    /// Whether a handler of some other version knows the kind in that queue.
    #[must_use]
    pub(super) fn versions_of(&self, queue: &QueueName, kind: &str) -> Vec<u32> {
        let from = (queue.clone(), kind.to_owned(), 0);
        let to = (queue.clone(), kind.to_owned(), u32::MAX);
        self.handlers.range(from..=to).map(|((_, _, version), _)| *version).collect()
    }

    /// The handler that a name on the command line means: a kind, or `queue/kind` when several queues have the kind.
    /// Of several versions it is the latest.
    ///
    /// # Errors
    /// `NotFound`, naming what there is; `Invalid` when several queues have the kind.
    pub fn find(&self, name: &str) -> Result<&JobDescriptor> {
        let (queue, kind) = match name.split_once('/') {
            Some((queue, kind)) => (Some(queue), kind),
            None => (None, name),
        };
        let mut found: BTreeMap<&QueueName, &JobDescriptor> = BTreeMap::new();
        for ((own_queue, own_kind, _), job) in &self.handlers {
            if own_kind == kind && queue.is_none_or(|queue| queue == own_queue.as_str()) {
                found.insert(own_queue, job);
            }
        }
        match found.len() {
            1 => found.into_values().next().ok_or_else(|| Error::internal("one handler was found and is gone")),
            0 => Err(self.unknown(name)),
            _ => {
                let choices: Vec<String> = found.keys().map(|queue| format!("`{queue}/{kind}`")).collect();
                Err(Error::invalid(format!("several queues have a job `{kind}`: say {}", choices.join(" or ")))
                    .with_code("job-ambiguous"))
            }
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let nearest = self
            .jobs
            .iter()
            .map(|job| (strsim::damerau_levenshtein(name, job.kind), job.kind))
            .filter(|(distance, kind)| *distance <= kind.len().div_ceil(3))
            .min();
        let hint = match nearest {
            Some((_, kind)) => format!("; did you mean `{kind}`?"),
            None if self.jobs.is_empty() => "; the product has no jobs".to_owned(),
            None => {
                let kinds: Vec<&str> = self.jobs.iter().map(|job| job.kind).collect();
                format!("; there are: {}", kinds.join(", "))
            }
        };
        Error::not_found(format!("no job is named `{name}`{hint}")).with_code("job-unknown")
    }

    /// Every job, sorted by queue, kind and version.
    pub fn jobs(&self) -> impl Iterator<Item = &JobDescriptor> {
        self.jobs.iter()
    }

    /// The queues that have handlers, sorted, with how many jobs of each run at once in one process when a handler says so.
    pub fn queues(&self) -> impl Iterator<Item = (&QueueName, Option<NonZeroU32>)> {
        self.concurrency.iter().map(|(queue, concurrency)| (queue, *concurrency))
    }

    /// How much of a queue may run in all processes, when a handler says so.
    #[must_use]
    pub fn limits(&self, queue: &QueueName) -> Option<QueueLimits> {
        self.limits.get(queue).copied()
    }

    /// Every kind, aliases included, that has a handler in a queue.
    #[must_use]
    pub fn kinds(&self, queue: &QueueName) -> Vec<String> {
        let mut kinds: Vec<String> =
            self.handlers.keys().filter(|(own, _, _)| own == queue).map(|(_, kind, _)| kind.clone()).collect();
        kinds.dedup();
        kinds
    }
}

fn is_same(one: &JobDescriptor, other: &JobDescriptor) -> bool {
    one.payload == other.payload
        && (one.handler)() == (other.handler)()
        && (one.kind, one.version) == (other.kind, other.version)
        && one.options.queue == other.options.queue
}

fn check_declaration(job: &JobDescriptor, problems: &mut Problems) {
    let mut report = |code, what: String, fix: &str| {
        problems.push(
            Problem::new(ProblemClass::Wiring, code, what)
                .with_detail("declared by", job.label, Some(job.place.to_string()))
                .with_fix(fix),
        );
    };
    let queue = &job.options.queue;
    if !QueueName::is_legal(queue) {
        let fix = "name it with 1 to 100 ASCII letters, digits, `-`, `_` or `.`";
        report("ATH-JOB-QUEUE", format!("\"{queue}\" cannot be the name of a queue"), fix);
    }
    for kind in std::iter::once(&job.kind).chain(job.aliases) {
        if kind.is_empty() || kind.len() > 200 || kind.contains('/') {
            let fix = "name it with 1 to 200 bytes without `/`";
            report("ATH-JOB-KIND", format!("\"{kind}\" cannot be the name of a job"), fix);
        }
    }
    if job.concurrency == Some(0) {
        report("ATH-JOB-CONCURRENCY", format!("queue `{queue}` would run no job at all"), "`concurrency = 1` or more");
    }
    if !job.limits.tenant.is_none() && job.options.ordering != QueueOrdering::Fair {
        let what = format!("queue `{queue}` limits its tenants, who take no turns in it");
        report("ATH-JOB-LIMITS", what, "`ordering = fair`");
    }
    if job.options.attempts == 0 {
        report("ATH-JOB-ATTEMPTS", format!("job `{}` may never be tried", job.kind), "`attempts = 1` or more");
    }
}

fn collision(job: &JobDescriptor, other: &JobDescriptor, kind: &str, version: u32) -> Problem {
    let what = format!("two handlers for job `{kind}` version {version} in queue `{}`", job.options.queue);
    Problem::new(ProblemClass::Wiring, "ATH-JOB-DUPLICATE", what)
        .with_detail("first", other.label, Some(other.place.to_string()))
        .with_detail("second", job.label, Some(job.place.to_string()))
        .with_fix(
            "give one of the payloads another `name = \"…\"` or `version = …`, or take the alias or the upcast away",
        )
}

/// What all jobs of a queue have to agree on.
struct Property {
    name: &'static str,
    code: &'static str,
    fix: &'static str,
    value: fn(&JobDescriptor) -> String,
}

const CONCURRENCY: Property = Property {
    name: "concurrency",
    code: "ATH-JOB-CONCURRENCY",
    fix: "concurrency belongs to the queue: say it once, or the same everywhere",
    value: |job| job.concurrency.unwrap_or_default().to_string(),
};

const LIMITS: Property = Property {
    name: "limits",
    code: "ATH-JOB-LIMITS",
    fix: "limits belong to the queue: say them once, or the same everywhere",
    value: |job| job.limits.to_string(),
};

const ORDERING: Property = Property {
    name: "ordering",
    code: "ATH-JOB-ORDERING",
    fix: "the ordering belongs to the queue: every job of it says the same, such as `ordering = fair`",
    value: |job| job.options.ordering.to_string(),
};

fn disagreement(property: &Property, job: &JobDescriptor, other: Option<&JobDescriptor>) -> Problem {
    let what = format!("two values for the {} of queue `{}`", property.name, job.options.queue);
    let mut problem = Problem::new(ProblemClass::Wiring, property.code, what);
    for job in other.into_iter().chain([job]) {
        let wants = format!("{} wants {}", job.label, (property.value)(job));
        problem = problem.with_detail("handler", wants, Some(job.place.to_string()));
    }
    problem.with_fix(property.fix)
}
