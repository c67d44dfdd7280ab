//! The product's jobs, seen from a test.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use athyper::jobs::{AttemptReport, Job, JobAdministration, JobFilter, JobRecord, JobState, QueueName};

use super::driver::Driver;

/// The product's jobs: run them, and look at what was enqueued.
#[derive(Clone)]
pub struct TestJobs {
    driver: Arc<Driver>,
}

impl fmt::Debug for TestJobs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TestJobs")
    }
}

const NOT_FINISHED: [JobState; 5] =
    [JobState::Waiting, JobState::Delayed, JobState::Parked, JobState::WaitingChildren, JobState::Active];

impl TestJobs {
    pub(super) fn new(driver: Arc<Driver>) -> Self {
        Self { driver }
    }

    /// Runs every job that is due, and every job that becomes due by that, each to its end; answers with what was run.
    ///
    /// Jobs that are due later wait for [`clock().advance(…)`](super::TestClock::advance).
    ///
    /// # Panics
    /// When a job neither ends nor waits for the clock within ten seconds of real time.
    pub async fn run_until_idle(&self) -> Vec<AttemptReport> {
        self.driver.run_jobs().await
    }

    /// The payloads of one kind that were enqueued and are not finished, in the order they would run.
    ///
    /// # Panics
    /// When a payload does not fit its type.
    pub async fn enqueued<J: Job>(&self) -> Vec<J> {
        let records = self.records::<J>(&NOT_FINISHED).await;
        records
            .iter()
            .map(|record| match serde_json::from_slice(&record.envelope.payload) {
                Ok(payload) => payload,
                Err(error) => panic!("a payload of `{}` does not fit: {error}", J::KIND),
            })
            .collect()
    }

    /// Fails the test unless a job of this kind that fits waits to be run.
    ///
    /// # Panics
    /// When there is none; the message shows those there are.
    pub async fn assert_enqueued<J: Job>(&self, fits: impl Fn(&J) -> bool) {
        let enqueued = self.enqueued::<J>().await;
        if !enqueued.iter().any(fits) {
            let shown: Vec<_> = enqueued.iter().filter_map(|job| serde_json::to_string(job).ok()).collect();
            panic!("no enqueued `{}` fits; there are {}: [{}]", J::KIND, shown.len(), shown.join(", "));
        }
    }

    /// Fails the test if a job of this kind waits to be run.
    ///
    /// # Panics
    /// When there is one; the message shows them.
    pub async fn assert_none_enqueued<J: Job>(&self) {
        let enqueued = self.enqueued::<J>().await;
        let shown: Vec<_> = enqueued.iter().filter_map(|job| serde_json::to_string(job).ok()).collect();
        assert!(shown.is_empty(), "expected no enqueued `{}`, there are: [{}]", J::KIND, shown.join(", "));
    }

    /// Fails the test unless a handler, named by its function, ended successfully this many times.
    ///
    /// # Panics
    /// When it ran another number of times.
    #[track_caller]
    pub fn assert_ran<F: 'static>(&self, _handler: F, times: usize) {
        let ran = self.driver.completed(TypeId::of::<F>());
        assert!(ran == times, "expected `{}` to have run {times} times, it ran {ran}", std::any::type_name::<F>());
    }

    /// What the queue knows of the jobs of one kind in some states.
    ///
    /// # Panics
    /// When the queue cannot be read.
    pub async fn records<J: Job>(&self, states: &[JobState]) -> Vec<JobRecord> {
        let filter = JobFilter { states: states.to_vec(), kind: Some(J::KIND.to_owned()), offset: 0, limit: 10_000 };
        let queue = QueueName::from(J::OPTIONS.queue.as_ref());
        self.driver.move_outbox().await;
        match self.driver.assembly.jobs().queue().list(&queue, &filter).await {
            Ok(records) => records,
            Err(error) => panic!("the queue cannot be read: {}", error.report()),
        }
    }

    /// The queue's administration: counts, lists, retries, pauses.
    #[must_use]
    pub fn administration(&self) -> &dyn JobAdministration {
        self.driver.assembly.jobs().administration()
    }
}
