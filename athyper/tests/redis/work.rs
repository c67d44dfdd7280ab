//! Jobs that are added and run while something happens to the servers, and who ran them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::Error;
use athyper::config::{Mode, Profile};
use athyper::jobs::JobQueue;
use athyper::kernel::{Kernel, RunningKernel};
use athyper::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::support::{job, queue, within_a_minute};

/// How often each job ran.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<String, u32>>);

impl Ledger {
    pub(crate) fn ran(&self, id: &str) -> bool {
        self.0.lock().unwrap().contains_key(id)
    }
}

#[derive(Debug, Serialize, Deserialize, Job)]
struct Welcome {}

#[job(queue = "email", concurrency = 4)]
async fn welcome(_: Welcome, ctx: JobContext, #[inject] ledger: Arc<Ledger>) {
    *ledger.0.lock().unwrap().entry(ctx.id().to_string()).or_default() += 1;
}

pub(crate) async fn worker(url: &str, ledger: &Arc<Ledger>) -> RunningKernel {
    let product = Kernel::builder()
        .without_inventory()
        .profile(Profile::Test)
        .environment([("REDIS_URL".to_owned(), url.to_owned())])
        .mode(Mode::Worker)
        // A job whose hand-over was cut off by the server's death is held until its lock runs out.
        .set("jobs.lock", "2s")
        .set("jobs.stalled_interval", "1s")
        .provide_dyn(ledger.clone())
        .job::<Welcome>();
    product.build().expect("a sound product").start().await.expect("it starts")
}

/// Waits until a job has run.
pub(crate) async fn await_run(ledger: &Ledger, id: &str) {
    within_a_minute(async {
        while !ledger.ran(id) {
            rest(5).await;
        }
    })
    .await;
}

#[allow(clippy::disallowed_methods, reason = "a server is waited for in real time")]
pub(crate) async fn rest(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Adds a job, again until the server has taken it.
pub(crate) async fn add_surely(jobs: &dyn JobQueue, id: &str) {
    within_a_minute(async {
        while jobs.add(vec![job(id)]).await.is_err() {
            rest(5).await;
        }
    })
    .await;
}

/// Adds one job after another, and notes what was accepted.
pub(crate) struct Producer {
    notes: Arc<Notes>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Notes {
    stopped: AtomicBool,
    accepted: Mutex<Vec<String>>,
    refused: Mutex<Vec<Error>>,
}

impl Producer {
    pub(crate) fn start(jobs: Arc<dyn JobQueue>) -> Self {
        let notes = Arc::<Notes>::default();
        let task = tokio::spawn({
            let notes = notes.clone();
            async move {
                for number in 0.. {
                    if notes.stopped.load(Ordering::Acquire) {
                        return;
                    }
                    let id = format!("job-{number}");
                    match jobs.add(vec![job(&id)]).await {
                        Ok(_) => notes.accepted.lock().unwrap().push(id),
                        Err(error) => notes.refused.lock().unwrap().push(error),
                    }
                }
            }
        });
        Self { notes, task }
    }

    /// Waits until so many more were accepted.
    pub(crate) async fn await_more(&self, count: usize) {
        let wanted = self.notes.accepted.lock().unwrap().len() + count;
        within_a_minute(async {
            while self.notes.accepted.lock().unwrap().len() < wanted {
                rest(5).await;
            }
        })
        .await;
    }

    /// Stops, and tells what was accepted and what was answered otherwise.
    pub(crate) async fn stop(self) -> (Vec<String>, Vec<Error>) {
        self.notes.stopped.store(true, Ordering::Release);
        within_a_minute(self.task).await.unwrap();
        (
            std::mem::take(&mut self.notes.accepted.lock().unwrap()),
            std::mem::take(&mut self.notes.refused.lock().unwrap()),
        )
    }
}

/// Waits until every one of these has run, and nothing is left of them but their results.
pub(crate) async fn await_all(jobs: &dyn JobQueue, ledger: &Ledger, accepted: &[String]) {
    for id in accepted {
        let ran = tokio::time::timeout(Duration::from_secs(30), await_run(ledger, id)).await;
        assert!(ran.is_ok(), "{id} was accepted and is lost: {:?}", jobs.counts(&queue()).await);
    }
    within_a_minute(async {
        loop {
            let counts = jobs.counts(&queue()).await;
            if counts.is_ok_and(|counts| counts.waiting + counts.active + counts.delayed == 0) {
                return;
            }
            rest(5).await;
        }
    })
    .await;
}
