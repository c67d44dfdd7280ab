//! How many commands a job costs inside of Redis: what decides how many jobs a server can take.

use std::collections::BTreeMap;
use std::time::Duration;

use athyper::jobs::{JobQueue, Retention};
use athyper_testkit::services::RedisServer;

use crate::support::{done, job, jobs, outcome_of, take};

/// The commands since the last question, by name, those within scripts included.
fn commands(server: &RedisServer) -> BTreeMap<String, u64> {
    let info = server.ask(&["INFO", "commandstats"]).text();
    let count = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    let ours = |(name, _): &(String, u64)| !name.starts_with("info") && !name.starts_with("config");
    let counts = info.lines().filter_map(count).filter(ours).collect();
    server.ask(&["CONFIG", "RESETSTAT"]);
    counts
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn each(commands: &BTreeMap<String, u64>, jobs: u64) -> f64 {
    commands.values().sum::<u64>() as f64 / jobs as f64
}

async fn run_all(queue: &dyn JobQueue, at_once: usize) -> u64 {
    let request = take(at_once, Duration::ZERO);
    let mut claimed = queue.take(&request).await.unwrap();
    let mut ended = 0;
    while !claimed.is_empty() {
        ended += claimed.len() as u64;
        let outcomes = claimed.iter().map(|claimed| outcome_of(claimed, done())).collect();
        claimed = queue.finish(outcomes, Some(&request)).await.unwrap().next;
    }
    ended
}

#[tokio::test]
async fn a_job_costs_few_commands() {
    let server = RedisServer::start();
    let queue = jobs(&server.url()).await;
    let some = |count: u32| {
        let jobs = (0..count).map(|number| {
            let mut job = job(&format!("job-{number}"));
            job.envelope.options.keep_completed = Retention { count: 0, ..Retention::COMPLETED };
            job
        });
        jobs.collect::<Vec<_>>()
    };
    queue.add(some(1)).await.unwrap();
    run_all(&*queue, 1).await;
    commands(&server);
    queue.add(some(1_000)).await.unwrap();
    let bulk = commands(&server);
    assert!(each(&bulk, 1_000) < 3.1, "adding a thousand at once: {} a job, {bulk:?}", each(&bulk, 1_000));
    assert_eq!(run_all(&*queue, 64).await, 1_000);
    let many = commands(&server);
    assert!(each(&many, 1_000) < 7.3, "64 at once: {} a job, {many:?}", each(&many, 1_000));
    for job in some(100) {
        queue.add(vec![job]).await.unwrap();
    }
    let single = commands(&server);
    assert!(each(&single, 100) <= 10.0, "adding one by one: {} a job, {single:?}", each(&single, 100));
    assert_eq!(run_all(&*queue, 1).await, 100);
    let one = commands(&server);
    assert!(each(&one, 100) < 17.5, "one at a time: {} a job, {one:?}", each(&one, 100));
    println!(
        "bulk {} at-64 {} single {} at-1 {}",
        each(&bulk, 1_000),
        each(&many, 1_000),
        each(&single, 100),
        each(&one, 100)
    );
}

#[tokio::test]
async fn a_look_at_an_empty_queue_costs_two_commands() {
    let server = RedisServer::start();
    let queue = jobs(&server.url()).await;
    assert_eq!(run_all(&*queue, 1).await, 0);
    commands(&server);
    for _ in 0..10 {
        assert_eq!(run_all(&*queue, 1).await, 0);
    }
    let looks = commands(&server);
    assert_eq!(looks.values().sum::<u64>(), 20, "{looks:?}");
}
