//! Which handler runs which job, and what keeps a kernel from starting.

use std::any::TypeId;
use std::num::NonZeroU32;
use std::sync::LazyLock;

use athyper::container::Place;
use athyper::jobs::{JobDescriptor, JobOptions, JobRegistry, Limit, QueueLimits, QueueOrdering};
use athyper::problem::Problems;

use crate::support::{Sum, Work, descriptor, in_queue};

fn at_line(line: u32, mut job: JobDescriptor) -> JobDescriptor {
    job.place = Place { line, ..job.place };
    job
}

fn refused(jobs: impl IntoIterator<Item = JobDescriptor>) -> Problems {
    JobRegistry::new(jobs).expect_err("the registry was accepted")
}

fn codes(problems: &Problems) -> Vec<&'static str> {
    problems.iter().map(|problem| problem.code).collect()
}

static MAIL: JobOptions = in_queue("mail", 3);
static SPACED: JobOptions = in_queue("my mail", 0);

/// Another handler of the kind `sum`.
fn another_sum() -> JobDescriptor {
    JobDescriptor { kind: "sum", handler: TypeId::of::<u8>, ..at_line(30, descriptor::<Work>()) }
}

#[test]
fn handlers_are_found_by_queue_kind_version_and_alias() {
    let mut sum = descriptor::<Sum>();
    sum.aliases = &["add", "plus"];
    let in_mail = JobDescriptor { options: &MAIL, version: 2, ..another_sum() };
    let registry = JobRegistry::new([in_mail, sum, descriptor::<Work>()]).unwrap();
    let order: Vec<(&str, &str)> = registry.jobs().map(|job| (&*job.options.queue, job.kind)).collect();
    assert_eq!(order, [("default", "sum"), ("default", "work"), ("mail", "sum")]);
    assert_eq!(registry.kinds(&"default".into()), ["add", "plus", "sum", "work"]);
    assert_eq!(registry.find("plus").unwrap().kind, "sum");
    assert_eq!(registry.find("mail/sum").unwrap().version, 2);
    let error = registry.find("sum").unwrap_err();
    assert_eq!(error.message(), "several queues have a job `sum`: say `default/sum` or `mail/sum`");
}

#[test]
fn a_handler_that_is_given_twice_counts_once() {
    let registry = JobRegistry::new([descriptor::<Sum>(), descriptor::<Sum>()]).unwrap();
    assert_eq!(registry.jobs().count(), 1);
}

#[test]
fn two_handlers_for_one_job_are_a_problem_with_both_places() {
    let problems = refused([descriptor::<Sum>(), another_sum()]);
    assert_eq!(codes(&problems), ["ATH-JOB-DUPLICATE"]);
    let text = problems.to_string();
    for part in ["two handlers for job `sum` version 1 in queue `default`", "src/jobs.rs:12", "src/jobs.rs:30"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn an_alias_that_is_somebodys_name_is_a_problem() {
    let mut work = descriptor::<Work>();
    work.aliases = &["sum"];
    assert_eq!(codes(&refused([descriptor::<Sum>(), work])), ["ATH-JOB-DUPLICATE"]);
}

#[test]
fn another_version_or_queue_is_another_job() {
    let newer = JobDescriptor { version: 2, ..another_sum() };
    let elsewhere = JobDescriptor { options: &MAIL, ..another_sum() };
    JobRegistry::new([descriptor::<Sum>(), newer, elsewhere]).unwrap();
}

#[test]
fn two_values_for_the_concurrency_of_a_queue_are_a_problem() {
    let with = |concurrency, job| JobDescriptor { concurrency, ..job };
    let problems = refused([with(Some(5), descriptor::<Sum>()), with(Some(9), at_line(40, descriptor::<Work>()))]);
    assert_eq!(codes(&problems), ["ATH-JOB-CONCURRENCY"]);
    let text = problems.to_string();
    for part in ["queue `default`", "wants 5", "wants 9", "src/jobs.rs:40"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    for agreeing in [[Some(5), Some(5)], [None, Some(5)], [Some(5), None]] {
        let registry =
            JobRegistry::new([with(agreeing[0], descriptor::<Sum>()), with(agreeing[1], descriptor::<Work>())])
                .unwrap();
        let (queue, concurrency) = registry.queues().next().unwrap();
        assert_eq!((queue.as_str(), concurrency.unwrap().get()), ("default", 5));
    }
}

fn limited(queue: u32, tenant: u32) -> QueueLimits {
    let limit = |concurrency| Limit { concurrency: NonZeroU32::new(concurrency), rate: None };
    QueueLimits { queue: limit(queue), tenant: limit(tenant) }
}

#[test]
fn two_values_for_the_limits_of_a_queue_are_a_problem() {
    let with = |limits, job| JobDescriptor { limits, ..job };
    let problems =
        refused([with(limited(5, 0), descriptor::<Sum>()), with(limited(9, 0), at_line(40, descriptor::<Work>()))]);
    assert_eq!(codes(&problems), ["ATH-JOB-LIMITS"]);
    let text = problems.to_string();
    for part in ["queue `default`", "wants total_concurrency = 5", "wants total_concurrency = 9", "src/jobs.rs:40"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let jobs = [descriptor::<Sum>(), with(limited(9, 0), descriptor::<Work>())];
    assert_eq!(JobRegistry::new(jobs).unwrap().limits(&"default".into()), Some(limited(9, 0)));
    assert_eq!(JobRegistry::new([descriptor::<Sum>()]).unwrap().limits(&"default".into()), None);
}

#[test]
fn limits_of_tenants_who_take_no_turns_are_a_problem() {
    let problems = refused([JobDescriptor { limits: limited(0, 2), ..at_line(40, descriptor::<Work>()) }]);
    assert_eq!(codes(&problems), ["ATH-JOB-LIMITS"]);
    let text = problems.to_string();
    assert!(text.contains("ordering = fair") && text.contains("src/jobs.rs:40"), "{text}");
}

#[test]
fn two_orderings_of_a_queue_are_a_problem() {
    static FAIR: LazyLock<JobOptions> = LazyLock::new(|| {
        let mut options = JobOptions::DEFAULT;
        options.ordering = QueueOrdering::Fair;
        options
    });
    let fair = |job| JobDescriptor { options: &FAIR, ..job };
    let problems = refused([descriptor::<Sum>(), fair(at_line(40, descriptor::<Work>()))]);
    assert_eq!(codes(&problems), ["ATH-JOB-ORDERING"]);
    let text = problems.to_string();
    for part in ["queue `default`", "wants priority", "wants fair", "src/jobs.rs:40", "ordering = fair"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    JobRegistry::new([fair(descriptor::<Sum>()), fair(descriptor::<Work>())]).unwrap();
}

#[test]
fn everything_wrong_is_in_one_report() {
    let spaced = JobDescriptor { options: &SPACED, concurrency: Some(0), kind: "a/b", ..descriptor::<Work>() };
    let mut found = codes(&refused([spaced, descriptor::<Sum>(), another_sum()]));
    found.sort_unstable();
    let wanted = ["ATH-JOB-ATTEMPTS", "ATH-JOB-CONCURRENCY", "ATH-JOB-DUPLICATE", "ATH-JOB-KIND", "ATH-JOB-QUEUE"];
    assert_eq!(found, wanted);
}
