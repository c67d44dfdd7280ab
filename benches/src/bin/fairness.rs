//! How long a tenant that enqueues one job a second waits for it to begin, by itself and beside a tenant with a backlog.
//!
//! `fairness [BACKLOG] [SECONDS]`: how many jobs the other tenant enqueues (100,000), and for how long each is measured (60). The
//! workers have 32 slots in all, and a job takes 19 ms. Measured on Redis, on Redis with half of the slots in Node, and on
//! PostgreSQL; each once more where no tenant may have all of our slots (`tenant_concurrency`), and in a queue that is not fair.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "it measures real servers in real time")]

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use athyper::config::{Mode, Profile};
use athyper::context::{Context, in_context};
use athyper::jobs::{Limit, QueueLimits};
use athyper::kernel::{Kernel, KernelBuilder, RunningKernel};
use athyper::prelude::*;
use athyper_testkit::services::{PostgresServer, RedisServer};
use serde::{Deserialize, Serialize};

type Failure = Box<dyn Error + Send + Sync>;

const SLOTS: i64 = 32;
const TAKES: u64 = 19;

#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Fair {
    ms: u64,
    /// When it was enqueued, in microseconds since 1970; 0 for jobs of the backlog.
    mark: i64,
}

/// In a queue of its own, because PostgreSQL keeps what is left of the others.
#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Kept {
    ms: u64,
    mark: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Plain {
    ms: u64,
    mark: i64,
}

/// How long jobs with a mark waited, in milliseconds.
#[derive(Debug, Default)]
struct Waits(Mutex<Vec<f64>>);

impl Waits {
    #[allow(clippy::cast_precision_loss, reason = "microseconds of minutes are few")]
    fn note(&self, mark: i64, began: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((began - mark) as f64 / 1e3);
    }

    /// The time that 95 of 100 waited at most.
    fn take_p95(&self) -> f64 {
        let mut waits = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        waits.sort_by(f64::total_cmp);
        waits.get((waits.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(f64::INFINITY)
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

async fn work(ms: u64, mark: i64, waits: &Waits) {
    if mark > 0 {
        waits.note(mark, now());
    }
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[job(queue = "fair", ordering = fair)]
async fn fair(job: Fair, #[inject] waits: Arc<Waits>) {
    work(job.ms, job.mark, &waits).await;
}

#[job(queue = "kept-fair", ordering = fair)]
async fn kept(job: Kept, #[inject] waits: Arc<Waits>) {
    work(job.ms, job.mark, &waits).await;
}

#[job(queue = "plain")]
async fn plain(job: Plain, #[inject] waits: Arc<Waits>) {
    work(job.ms, job.mark, &waits).await;
}

fn product(url: &str, mode: Mode, slots: i64, waits: &Arc<Waits>) -> KernelBuilder {
    Kernel::builder()
        .without_inventory()
        .profile(Profile::Test)
        .environment([("RUST_LOG".to_owned(), "off".to_owned())])
        .mode(mode)
        .set("jobs.url", url)
        .set("jobs.concurrency", slots)
        .set("http.port", 0)
        .provide_dyn(waits.clone())
        .job::<Fair>()
        .job::<Kept>()
        .job::<Plain>()
}

/// Node with some of the slots; killed when it is dropped.
struct Node(Child);

impl Node {
    fn start(url: &str, queue: &str, slots: i64, waits: &Arc<Waits>) -> Result<Self, Failure> {
        let own = env::current_exe()?;
        let below_target = own.ancestors().nth(2).unwrap_or(&own).join("tools");
        let tools = env::var_os("ATHYPER_TOOLS").map_or(below_target, PathBuf::from);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/bullmq/worker.mjs");
        let mut command = Command::new(tools.join("bin/node"));
        command.env("BULLMQ_HOME", tools.join("node")).arg(script).arg(url).arg(queue).arg(slots.to_string());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let (lines, waits) = (BufReader::new(child.stdout.take().ok_or("no output")?).lines(), waits.clone());
        std::thread::spawn(move || {
            for line in lines.map_while(std::io::Result::ok) {
                let mut words = line.split(' ').filter_map(|word| word.parse::<i64>().ok());
                if let (Some(mark), Some(began)) = (words.next(), words.next()) {
                    waits.note(mark, began);
                }
            }
        });
        Ok(Self(child))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// One store, and who works on it.
struct Scene {
    url: String,
    in_node: i64,
}

impl Scene {
    /// The 95th percentiles of a quiet queue and behind a backlog, in milliseconds.
    async fn measure<J: Job>(
        &self,
        make: fn(i64) -> J,
        tenant: Limit,
        backlog: usize,
        seconds: u64,
    ) -> Result<(f64, f64), Failure> {
        let waits = Arc::<Waits>::default();
        let client = product(&self.url, Mode::Api, SLOTS, &waits).build()?.start().await?;
        let worker = product(&self.url, Mode::Worker, SLOTS - self.in_node, &waits).build()?.start().await?;
        let queue = J::OPTIONS.queue;
        let limits = QueueLimits { tenant, ..QueueLimits::NONE };
        let jobs = client.handle().container().resolve::<Arc<Jobs>>().await?;
        jobs.administration().set_limits(&(&*queue).into(), &limits).await?;
        let node = (self.in_node > 0).then(|| Node::start(&self.url, &queue, self.in_node, &waits)).transpose()?;
        enqueue_for(&jobs, make, seconds).await?;
        let quiet = waits.take_p95();
        let busy = Context::background().with_tenant("busy");
        in_context(busy, async { jobs.enqueue_all((0..backlog).map(|_| make(0))).await }).await?;
        enqueue_for(&jobs, make, seconds).await?;
        if !queue.contains("fair") {
            // They come after the backlog: one that has begun tells enough.
            let began = Instant::now();
            while waits.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty() && began.elapsed().as_secs() < 120 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let behind = waits.take_p95();
        drop(node);
        stop(worker).await?;
        stop(client).await?;
        Ok((quiet, behind))
    }
}

async fn stop(kernel: RunningKernel) -> Result<(), Failure> {
    kernel.stop().await?;
    Ok(())
}

/// Enqueues a job a second for the tenant with few.
async fn enqueue_for<J: Job>(jobs: &Jobs, make: fn(i64) -> J, seconds: u64) -> Result<(), Failure> {
    let few = Context::background().with_tenant("few");
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..seconds {
        second.tick().await;
        in_context(few.clone(), async { jobs.enqueue(make(now())).await }).await?;
    }
    second.tick().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let backlog: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(60), |text| text.parse())?;
    let redis = RedisServer::start();
    let postgres = PostgresServer::start();
    let scenes = [
        ("Redis", Scene { url: redis.url(), in_node: 0 }),
        ("Redis, half of the slots in Node", Scene { url: redis.url(), in_node: SLOTS / 2 }),
        ("PostgreSQL", Scene { url: postgres.url(), in_node: 0 }),
    ];
    println!(
        "{:<34} {:>12} {:>16} {:>16} {:>16}",
        "p95 of the wait", "quiet", "behind backlog", "one slot kept", "not fair"
    );
    for (name, scene) in scenes {
        let make_fair = |mark| Fair { ms: TAKES, mark };
        let make_plain = |mark| Plain { ms: TAKES, mark };
        let (quiet, behind) = scene.measure(make_fair, Limit::NONE, backlog, seconds).await?;
        redis.ask(&["FLUSHALL"]);
        let keeps_one = NonZeroU32::new(u32::try_from(SLOTS - scene.in_node - 1)?);
        let keeps_one = Limit { concurrency: keeps_one, rate: None };
        let make_kept = |mark| Kept { ms: TAKES, mark };
        let (quiet_kept, kept) = scene.measure(make_kept, keeps_one, backlog, seconds).await?;
        redis.ask(&["FLUSHALL"]);
        let (_, unfair) = scene.measure(make_plain, Limit::NONE, backlog, seconds).await?;
        redis.ask(&["FLUSHALL"]);
        println!(
            "{name:<34} {quiet:>9.1} ms {behind:>7.1} ms × {:<4.1} {kept:>7.1} ms × {:<4.1} {unfair:>13.0} ms",
            behind / quiet,
            kept / quiet_kept
        );
    }
    Ok(())
}
