//! `bullmq-rust URL CELL JOBS`: prints how many seconds the Rust port of BullMQ takes for a cell of `job_throughput`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bullmq::options::{JobOptions, QueueOptions, RedisConnectionOptions, WorkerOptions};
use bullmq::types::RemoveOnFinish;
use bullmq::worker::CancellationToken;
use bullmq::{BulkJob, Job, Queue, Worker};
use serde_json::{Value, json};
use tokio::sync::Notify;

const QUEUE: &str = "work";

fn payload() -> Value {
    json!({ "text": "x".repeat(1_000) })
}

fn options() -> JobOptions {
    JobOptions { remove_on_complete: Some(RemoveOnFinish::Bool(true)), attempts: Some(3), ..JobOptions::default() }
}

async fn add_bulk(queue: &Queue, jobs: usize) {
    for _ in 0..jobs / 1_000 {
        let batch = (0..1_000).map(|_| BulkJob::new("work", payload()).options(options())).collect();
        queue.add_bulk(batch).await.expect("jobs are added");
    }
}

async fn process(connection: RedisConnectionOptions, jobs: usize, concurrency: usize) {
    let (left, done) = (Arc::new(AtomicUsize::new(jobs)), Arc::new(Notify::new()));
    let (counter, bell) = (left.clone(), done.clone());
    let handler = move |_: Job, _: CancellationToken| {
        let (left, done) = (counter.clone(), bell.clone());
        async move {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                done.notify_one();
            }
            Ok::<Value, bullmq::Error>(Value::Null)
        }
    };
    let options = WorkerOptions { connection, concurrency, autorun: true, ..WorkerOptions::default() };
    let worker = Worker::with_options(QUEUE, handler, options).await.expect("a worker starts");
    done.notified().await;
    // Includes that what ran last is recorded.
    worker.close(10_000).await.expect("a worker ends");
}

#[tokio::main]
async fn main() {
    // On a thread of the runtime, as handlers are.
    tokio::spawn(measure()).await.expect("it measures");
}

async fn measure() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, cell, jobs] = arguments.as_slice() else { panic!("bullmq-rust URL CELL JOBS") };
    let jobs: usize = jobs.parse().expect("a number of jobs");
    let connection = RedisConnectionOptions { url: url.clone(), ..RedisConnectionOptions::default() };
    let queue = QueueOptions { connection: connection.clone(), ..QueueOptions::default() };
    let queue = Arc::new(Queue::with_options(QUEUE, queue).await.expect("a queue opens"));
    if cell.starts_with("process") {
        add_bulk(&queue, jobs).await;
    }
    let begin = Instant::now();
    match cell.as_str() {
        "enqueue-1" => {
            for _ in 0..jobs {
                queue.add("work", payload()).options(options()).await.expect("a job is added");
            }
        }
        "enqueue-64" => {
            let tasks = (0..64).map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    for _ in 0..jobs / 64 {
                        queue.add("work", payload()).options(options()).await.expect("a job is added");
                    }
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.expect("a producer ends");
            }
        }
        "bulk" => add_bulk(&queue, jobs).await,
        "process-64" => process(connection, jobs, 64).await,
        "process-1" => process(connection, jobs, 1).await,
        other => panic!("there is no cell {other}"),
    }
    println!("{}", begin.elapsed().max(Duration::from_nanos(1)).as_secs_f64());
}
