//! What workers cost that have nothing to do, and how soon they begin a job that comes.
//!
//! `idle [WORKERS] [SECONDS]`: how many worker processes there are (10), and for how long each is watched (20). Then one of them
//! alone is given 20 jobs a second for as long, by another process. Measured on Redis, PostgreSQL and SQLite. Commands are those
//! that Redis counts, the transactions that PostgreSQL counts; SQLite has no server that could. `scripts/bench idle` runs it.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "it measures real servers in real time")]

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use athyper::config::{Mode, Profile};
use athyper::kernel::{Kernel, KernelBuilder};
use athyper::prelude::*;
use athyper_testkit::services::{PostgresServer, RedisServer};
use serde::{Deserialize, Serialize};

type Failure = Box<dyn Error + Send + Sync>;

const A_SECOND: u32 = 20;

#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Ping {
    /// When it was enqueued, in microseconds since 1970.
    mark: i64,
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

/// Tells how many microseconds it waited.
#[job(queue = "ping", keep_completed = "0")]
async fn ping(job: Ping) {
    println!("{}", now() - job.mark);
}

fn product(url: &str, mode: Mode) -> KernelBuilder {
    Kernel::builder()
        .without_inventory()
        .profile(Profile::Test)
        .environment([("RUST_LOG".to_owned(), "off".to_owned())])
        .mode(mode)
        .set("jobs.url", url)
        .set("http.port", 0)
        .job::<Ping>()
}

/// A worker in a process of its own, until its input ends.
struct Worker {
    process: Child,
    _input: Option<ChildStdin>,
    waits: Arc<Mutex<Vec<f64>>>,
}

impl Worker {
    fn start(url: &str) -> Result<Self, Failure> {
        let mut command = Command::new(env::current_exe()?);
        let mut process = command.args(["worker", url]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let waits = Arc::<Mutex<Vec<f64>>>::default();
        let mut lines = BufReader::new(process.stdout.take().ok_or("no output")?).lines();
        lines.next().ok_or("the worker has not started")??;
        let noted = waits.clone();
        std::thread::spawn(move || {
            for wait in lines.map_while(Result::ok).filter_map(|line| line.parse::<f64>().ok()) {
                noted.lock().unwrap_or_else(PoisonError::into_inner).push(wait / 1e3);
            }
        });
        Ok(Self { _input: process.stdin.take(), process, waits })
    }

    /// The processor time that it has used so far, in ticks of 10 ms.
    fn ticks(&self) -> Result<u64, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The name may have blanks; it ends with the last bracket.
        let fields = stat.rsplit(')').next().ok_or("no fields")?.split_whitespace();
        let used: Vec<u64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        Ok(used.iter().sum())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

async fn work(url: &str) -> Result<(), Failure> {
    let worker = product(url, Mode::Worker).build()?.start().await?;
    println!("started");
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await?;
    worker.stop().await?;
    Ok(())
}

/// The wait that so many of a hundred do not exceed, in milliseconds.
fn percentile(waits: &mut [f64], of_hundred: usize) -> f64 {
    waits.sort_by(f64::total_cmp);
    waits.get((waits.len() * of_hundred).div_ceil(100).saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[allow(clippy::cast_precision_loss, reason = "the counts of some seconds are small")]
async fn measure(
    name: &str,
    url: &str,
    workers: usize,
    seconds: u32,
    commands: &dyn Fn() -> Option<u64>,
) -> Result<(), Failure> {
    let client = product(url, Mode::Api).build()?.start().await?;
    let jobs = client.handle().container().resolve::<Arc<Jobs>>().await?;
    let mut all: Vec<Worker> = (0..workers).map(|_| Worker::start(url)).collect::<Result<_, _>>()?;
    let ticks = |all: &[Worker]| all.iter().map(Worker::ticks).sum::<Result<u64, _>>();
    // What they do at their start is over.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = (commands(), ticks(&all)?);
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    let after = (commands(), ticks(&all)?);
    let per = f64::from(seconds) * workers as f64;
    let asked =
        before.0.zip(after.0).map_or_else(|| "–".to_owned(), |(from, to)| format!("{:.2}", (to - from) as f64 / per));
    let cpu = (after.1 - before.1) as f64 * 10.0 / per;

    all.truncate(1);
    let mut ticker = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
    for _ in 0..seconds * A_SECOND {
        ticker.tick().await;
        jobs.enqueue(Ping { mark: now() }).await?;
    }
    ticker.tick().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut waits = std::mem::take(&mut *all[0].waits.lock().unwrap_or_else(PoisonError::into_inner));
    let arrived = waits.len();
    println!(
        "{name:<12} {asked:>16} {cpu:>18.2} {:>10.2} {:>10.2} {:>10.2} {arrived:>8}",
        percentile(&mut waits, 50),
        percentile(&mut waits, 99),
        percentile(&mut waits, 100),
    );
    client.stop().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [role, url] = arguments.as_slice()
        && role == "worker"
    {
        return work(url).await;
    }
    let workers = arguments.first().map_or(Ok(10), |text| text.parse())?;
    let seconds = arguments.get(1).map_or(Ok(20), |text| text.parse())?;
    println!(
        "{:<12} {:>16} {:>18} {:>10} {:>10} {:>10} {:>8}",
        "idle workers", "commands/s each", "ms of CPU/s each", "p50, ms", "p99, ms", "most, ms", "jobs"
    );
    let redis = RedisServer::start();
    let counted = || {
        let told = redis.ask(&["INFO", "stats"]).text();
        told.lines().find_map(|line| line.trim().strip_prefix("total_commands_processed:")?.parse().ok())
    };
    measure("Redis", &redis.url(), workers, seconds, &counted).await?;
    let postgres = PostgresServer::start();
    let question = "SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_stat_database";
    let counted = || postgres.ask(&postgres.url(), question).trim().parse().ok();
    measure("PostgreSQL", &postgres.url(), workers, seconds, &counted).await?;
    let folder = env::temp_dir().join(format!("athyper-idle-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = format!("sqlite:{}", folder.join("jobs.db").display());
    let measured = measure("SQLite", &file, workers, seconds, &|| None).await;
    fs::remove_dir_all(&folder)?;
    measured
}
