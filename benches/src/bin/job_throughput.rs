//! How many jobs a second go through one Redis server (`appendfsync everysec`), beside BullMQ in Node and its port to Rust.
//!
//! `job_throughput [JOBS] [REPEATS] [PORT]`: how many jobs a cell (20,000), how often each cell is measured (5), and the binary of
//! the port, if it is to be measured. Handlers do nothing, payloads have 1 KiB, each job is acknowledged and removed when it is
//! completed. Each contender is a process of its own on an empty server. They run one after the other in each round: the medians
//! of the rates are shown, and the median of what the rates of one round make of each other, for the machine may be faster in one
//! round than in another. `scripts/bench jobs` builds what it needs and runs it.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "it measures real servers in real time")]

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use athyper::clock::SystemClock;
use athyper::config::{Mode, Profile};
use athyper::driver::{DriverContext, SharedConnections, drivers};
use athyper::jobs::{Finish, JobQueue, Outcome, Take};
use athyper::kernel::{Kernel, KernelBuilder};
use athyper::prelude::*;
use athyper_testkit::services::RedisServer;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

type Failure = Box<dyn Error + Send + Sync>;

const CELLS: [&str; 5] = ["enqueue-1", "enqueue-64", "bulk", "process-64", "process-1"];

#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Work {
    text: String,
}

/// Counts down to the last job.
#[derive(Debug)]
struct Left {
    jobs: AtomicUsize,
    none: Notify,
}

#[job(queue = "work", keep_completed = "0")]
async fn work(_: Work, #[inject] left: Arc<Left>) {
    if left.jobs.fetch_sub(1, Ordering::Relaxed) == 1 {
        left.none.notify_one();
    }
}

fn payload() -> Work {
    Work { text: "x".repeat(1_000) }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["ours", url, cell, jobs] => {
            // On a thread of the runtime, as handlers are.
            let (url, cell, jobs) = (url.to_string(), cell.to_string(), jobs.parse()?);
            runtime.block_on(runtime.spawn(async move { ours(&url, &cell, jobs).await }))?
        }
        ["bare", url, at_once, jobs] => runtime.block_on(bare(url, at_once.parse()?, jobs.parse()?)),
        [] => compare(20_000, 5, None),
        [jobs] => compare(jobs.parse()?, 5, None),
        [jobs, repeats] => compare(jobs.parse()?, repeats.parse()?, None),
        [jobs, repeats, port] => compare(jobs.parse()?, repeats.parse()?, Some(port.into())),
        _ => Err("job_throughput [JOBS] [REPEATS] [PORT]".into()),
    }
}

fn product(kernel: KernelBuilder, url: &str, mode: Mode, concurrency: i64, left: &Arc<Left>) -> KernelBuilder {
    kernel
        .without_inventory()
        .profile(Profile::Test)
        .environment([("REDIS_URL".to_owned(), url.to_owned()), ("RUST_LOG".to_owned(), "off".to_owned())])
        .mode(mode)
        .set("jobs.concurrency", concurrency)
        .provide_dyn(left.clone())
        .job::<Work>()
}

/// Our own time for a cell.
async fn ours(url: &str, cell: &str, jobs: usize) -> Result<(), Failure> {
    let left = Arc::new(Left { jobs: AtomicUsize::new(jobs), none: Notify::new() });
    let concurrency = if cell == "process-1" { 1 } else { 64 };
    let client = product(Kernel::builder(), url, Mode::Api, 1, &left).set("http.port", 0).build()?.start().await?;
    let queue = client.handle().container().resolve::<Arc<Jobs>>().await?;
    if cell.starts_with("process") {
        queue.enqueue_all((0..jobs).map(|_| payload())).await?;
    }
    let begin = Instant::now();
    match cell {
        "enqueue-1" => {
            for _ in 0..jobs {
                queue.enqueue(payload()).await?;
            }
        }
        "enqueue-64" => {
            let mut producers: Vec<JoinHandle<Result<()>>> = Vec::new();
            for _ in 0..64 {
                let queue = queue.clone();
                producers.push(tokio::spawn(async move {
                    for _ in 0..jobs / 64 {
                        queue.enqueue(payload()).await?;
                    }
                    Ok(())
                }));
            }
            for producer in producers {
                producer.await??;
            }
        }
        "bulk" => {
            queue.enqueue_all((0..jobs).map(|_| payload())).await?;
        }
        _ => {
            let worker = product(Kernel::builder(), url, Mode::Worker, concurrency, &left).build()?.start().await?;
            left.none.notified().await;
            // Includes that what ran last is recorded.
            worker.stop().await?;
        }
    }
    println!("{}", begin.elapsed().as_secs_f64());
    client.stop().await?;
    Ok(())
}

/// The scripts without the pool: what the server and the connection allow.
async fn bare(url: &str, at_once: usize, jobs: usize) -> Result<(), Failure> {
    let left = Arc::new(Left { jobs: AtomicUsize::new(jobs), none: Notify::new() });
    let client = product(Kernel::builder(), url, Mode::Api, 1, &left).set("http.port", 0).build()?.start().await?;
    client.handle().container().resolve::<Arc<Jobs>>().await?.enqueue_all((0..jobs).map(|_| payload())).await?;
    let driver = drivers().find(|driver| driver.scheme == "redis").ok_or("no driver")?;
    let context = DriverContext {
        url: url.to_owned(),
        clock: Arc::new(SystemClock::new()),
        shared: Arc::new(SharedConnections::default()),
    };
    let queue = (driver.jobs.ok_or("no queues")?)(&context).await?;
    let begin = Instant::now();
    // Two that take turns keep the server busy.
    let halves = (0..2).map(|_| tokio::spawn(work_through(queue.clone(), at_once / 2)));
    for half in halves.collect::<Vec<_>>() {
        half.await??;
    }
    println!("{}", begin.elapsed().as_secs_f64());
    client.stop().await?;
    Ok(())
}

async fn work_through(queue: Arc<dyn JobQueue>, at_once: usize) -> Result<()> {
    let request = Take {
        queue: "work".into(),
        worker: "bare".to_owned(),
        max: at_once,
        lock_for: Duration::from_secs(30),
        wait: Duration::ZERO,
    };
    let mut claimed = queue.take(&request).await?;
    while !claimed.is_empty() {
        let ended =
            |claimed: athyper::jobs::Claimed| Finish { lock: claimed.lock, outcome: Outcome::Complete("null".into()) };
        claimed = queue.finish(claimed.into_iter().map(ended).collect(), Some(&request)).await?.next;
    }
    Ok(())
}

/// Who is measured: a name, and how it is started.
struct Contender {
    name: &'static str,
    program: PathBuf,
    before: Vec<String>,
    environment: Vec<(&'static str, PathBuf)>,
}

impl Contender {
    /// The jobs a second of one run.
    fn run(&self, server: &RedisServer, cell: &str, jobs: usize) -> Result<f64, Failure> {
        server.ask(&["FLUSHALL"]);
        let mut command = Command::new(&self.program);
        command.args(&self.before).arg(server.url()).arg(cell).arg(jobs.to_string());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("{} {cell}: {}", self.name, String::from_utf8_lossy(&output.stderr)).into());
        }
        let seconds: f64 = String::from_utf8(output.stdout)?.lines().last().ok_or("no answer")?.trim().parse()?;
        #[allow(clippy::cast_precision_loss, reason = "a number of jobs is small")]
        let rate = jobs as f64 / seconds;
        Ok(rate)
    }
}

fn contenders(port: Option<PathBuf>) -> Result<Vec<Contender>, Failure> {
    let own = env::current_exe()?;
    let tools = env::var_os("ATHYPER_TOOLS")
        .map_or_else(|| own.ancestors().nth(2).unwrap_or(&own).join("tools"), PathBuf::from);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/bullmq/throughput.mjs");
    let mut all = vec![
        Contender { name: "athyper", program: own, before: vec!["ours".to_owned()], environment: Vec::new() },
        Contender {
            name: "BullMQ",
            program: tools.join("bin/node"),
            before: vec![script.display().to_string()],
            environment: vec![("BULLMQ_HOME", tools.join("node"))],
        },
    ];
    all.extend(port.map(|program| Contender {
        name: "Rust port",
        program,
        before: Vec::new(),
        environment: Vec::new(),
    }));
    Ok(all)
}

/// The value in the middle.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn compare(jobs: usize, repeats: usize, port: Option<PathBuf>) -> Result<(), Failure> {
    let server = RedisServer::start();
    let contenders = contenders(port)?;
    println!("{:<12} {:>12} {:>22} {:>22}", "jobs/s", "athyper", "BullMQ", "Rust port");
    for cell in CELLS {
        let mut rounds: Vec<BTreeMap<&str, f64>> = Vec::new();
        for _ in 0..repeats {
            let rate = |contender: &Contender| Ok((contender.name, contender.run(&server, cell, jobs)?));
            rounds.push(contenders.iter().map(rate).collect::<Result<_, Failure>>()?);
        }
        let rate = |name: &str| median(rounds.iter().filter_map(|round| round.get(name).copied()));
        let beside = |name: &str| {
            let ratios = rounds.iter().filter_map(|round| Some(round["athyper"] / round.get(name)?));
            let ratio = median(ratios);
            if ratio.is_nan() { "not measured".to_owned() } else { format!("{:.0} (× {ratio:.2})", rate(name)) }
        };
        println!("{cell:<12} {:>12.0} {:>22} {:>22}", rate("athyper"), beside("BullMQ"), beside("Rust port"));
    }
    let own = |name, first: &str| -> Result<Contender, Failure> {
        Ok(Contender { name, program: env::current_exe()?, before: vec![first.to_owned()], environment: Vec::new() })
    };
    let (bare, whole) = (own("bare", "bare")?, own("athyper", "ours")?);
    let mut rounds = Vec::new();
    for _ in 0..repeats {
        rounds.push((bare.run(&server, "64", jobs)?, whole.run(&server, "process-64", jobs)?));
    }
    let ceiling = median(rounds.iter().map(|round| round.0));
    let reached = median(rounds.iter().map(|round| round.1 / round.0));
    println!(
        "{:<12} {ceiling:>12.0}   the scripts without the pool, 64 at once; process-64 reaches × {reached:.2}",
        "ceiling"
    );
    Ok(())
}
