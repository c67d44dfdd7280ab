//! A small product with something of everything.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use athyper::clock::{Clock, SystemClock};
use athyper::config::{Config, Secret};
use athyper::driver::{DriverContext, SharedConnections, drivers};
use athyper::http::{Router, get, post};
use athyper::jobs::{JobId, JobQueue, QueueName};
use athyper::kernel::KernelBuilder;
use athyper::prelude::*;
use athyper::schedule::{MissedTicks, Schedule};
use athyper::sql::Migration;
use athyper_testkit::clock::VirtualClock;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Greet {
    name: String,
}

#[job(queue = "mail", concurrency = 4, attempts = 5, backoff = "exponential 1s max 1h", timeout = "90s")]
async fn greet(job: Greet) -> Result<String> {
    Ok(format!("Hello {}", job.name))
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tidy;

#[job(queue = "mail")]
async fn tidy(_job: Tidy) -> Result<()> {
    Ok(())
}

#[port]
pub(crate) trait Phrase: Send + Sync {
    fn phrase(&self) -> String;
}

struct Polite;

impl Phrase for Polite {
    fn phrase(&self) -> String {
        "Good day".to_owned()
    }
}

#[inject]
pub(crate) struct Greeter {
    phrase: Arc<dyn Phrase>,
}

#[derive(Debug, Config)]
#[config(section = "greeting")]
struct Greeting {
    key: Option<Secret<String>>,
}

async fn hello() -> &'static str {
    "hello"
}

/// The product.
pub(crate) fn app(kernel: KernelBuilder) -> KernelBuilder {
    let clock = VirtualClock::starting_at("2026-03-28T22:59:00Z");
    let schedule =
        Schedule::cron("tidy-up", "0 0 * * *").tz("Europe/Berlin").missed(MissedTicks::All).enqueue(|_| Tidy);
    let _ = |greeter: Greeter, greeting: Greeting| (greeter.phrase.phrase(), greeting.key);
    kernel
        .without_inventory()
        .clock(clock)
        .config::<Greeting>()
        .component::<Greeter>()
        .provide_dyn::<dyn Phrase>(Arc::new(Polite))
        .job::<Greet>()
        .job::<Tidy>()
        .schedule(schedule)
        .migrations(MIGRATIONS)
        .routes(Router::new().route("/hello", get(hello)).route("/hello/{name}", post(hello)))
}

const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "greetings", sql: "CREATE TABLE greetings (name TEXT PRIMARY KEY)" }];

/// The folder's queue, as another process opens it.
pub(crate) async fn queue_of(folder: &Folder) -> Arc<dyn JobQueue> {
    let driver = drivers().find(|driver| driver.scheme == "sqlite").unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let url = format!("sqlite://{}", folder.path().join("data/app.db").display());
    let context = DriverContext { url, clock, shared: Arc::new(SharedConnections::default()) };
    driver.jobs.unwrap()(&context).await.unwrap()
}

/// The payload of a job in the folder's queue, as another process reads it.
pub(crate) async fn payload_of(folder: &Folder, id: &str) -> Vec<u8> {
    let record = queue_of(folder).await.get(&QueueName::new("mail"), &JobId::from(id)).await.unwrap().unwrap();
    record.envelope.payload.to_vec()
}

/// A folder of its own, removed when it is dropped.
pub(crate) struct Folder(PathBuf);

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Folder {
    pub(crate) fn new() -> Self {
        let name = format!("command-line-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
