//! The suite that every job queue passes, with two stores on one file.

use std::sync::Arc;

use athyper_testkit::conformance::job_queue::JobQueueFixture;

use crate::clock::{MachineClock, TimeOf};
use crate::support::{Folder, context_with, database, jobs, open};

async fn fixture() -> JobQueueFixture {
    let folder = Folder::new();
    let url = folder.url("jobs.db?synchronous=normal");
    let clock = MachineClock::new();
    let (here, there) = (context_with(&url, clock.clone()), context_with(&url, clock.clone()));
    JobQueueFixture {
        queue: jobs(&here).await,
        other: jobs(&there).await,
        database: Some(database(&open(&here).await.unwrap())),
        clock: clock.clone(),
        time: Arc::new(TimeOf { clock, _folder: folder }),
    }
}

athyper_testkit::job_queue_conformance!(fixture);
