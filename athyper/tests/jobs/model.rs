//! Queues compared with a model of one, for any steps in any order.

use athyper_testkit::conformance::job_queue::{Ending, JobQueueFixture, Step, follow};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::{TestCaseError, TestRunner};

use crate::conformance::{memory_fixture, sqlite_fixture};

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        3 => Just(Ending::Complete),
        2 => Just(Ending::Fail),
        3 => Just(Ending::Retry),
        1 => Just(Ending::Snooze),
        2 => Just(Ending::Park),
        2 => Just(Ending::Release),
    ]
}

fn add() -> impl Strategy<Value = Step> {
    let unique = proptest::option::weighted(0.3, (0..2_u8, 0..60_u64));
    let serial = proptest::option::weighted(0.4, 0..2_u8);
    let delay = prop_oneof![3 => Just(0), 1 => 0..40_u64];
    (0..2_u8, 0..9_u8, 0..3_u32, delay, unique, serial, 0..3_u32).prop_map(
        |(queue, job, priority, delay, unique, serial, keep_completed)| Step::Add {
            queue,
            job,
            priority,
            delay,
            unique,
            serial,
            keep_completed,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let (queue, job) = (0..2_u8, 0..9_u8);
    let delay = prop_oneof![1 => Just(0), 2 => 0..40_u64];
    prop_oneof![
        8 => add(),
        5 => (queue.clone(), 0..4_usize).prop_map(|(queue, max)| Step::Take { queue, max }),
        7 => (0..5_usize, ending(), delay, 0..3_usize)
            .prop_map(|(claim, ending, delay, next)| Step::Finish { claim, ending, delay, next }),
        1 => (0..5_usize).prop_map(|claim| Step::Renew { claim }),
        3 => (queue.clone(), 0..3_u32).prop_map(|(queue, max_stalls)| Step::Recover { queue, max_stalls }),
        4 => (0..40_u64).prop_map(|seconds| Step::Pass { seconds }),
        1 => (queue.clone(), job.clone()).prop_map(|(queue, job)| Step::Remove { queue, job }),
        1 => (queue.clone(), job.clone()).prop_map(|(queue, job)| Step::Retry { queue, job }),
        1 => (queue.clone(), job).prop_map(|(queue, job)| Step::Promote { queue, job }),
        1 => (queue.clone(), any::<bool>()).prop_map(|(queue, paused)| Step::Pause { queue, paused }),
        1 => queue.prop_map(|queue| Step::ReleaseParked { queue }),
    ]
}

/// Compares a queue with the model, so many times.
fn compare<F: Future<Output = JobQueueFixture>>(cases: u32, open: impl Fn() -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let steps = proptest::collection::vec(step(), 1..60);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        runtime
            .block_on(async { follow(open().await, &steps).await })
            .map_err(|violation| TestCaseError::fail(violation.to_string()))
    });
    if let Err(difference) = outcome {
        panic!("{difference}");
    }
}

#[test]
fn the_queue_in_memory_does_as_the_model() {
    compare(400, memory_fixture);
}

#[test]
fn the_queue_in_sqlite_does_as_the_model() {
    compare(60, sqlite_fixture);
}
