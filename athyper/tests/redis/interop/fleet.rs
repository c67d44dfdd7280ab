//! A mixed fleet on one queue, some of whose workers are killed.

use std::env;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use athyper::jobs::{Claimed, JobFilter, JobQueue, JobState, RecoveryPolicy, Retention};
use athyper_testkit::services::RedisServer;
use futures_util::future::join;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::scenario::{Cell, Side};
use super::session::Session;
use crate::support::{done, job, jobs, outcome_of, queue, take, within_a_minute};

const JOBS: u64 = 2_000;
/// Says to this program, run once more, on which queue it shall work.
const WORK_ON: &str = "ATHYPER_TEST_FLEET_WORKS_ON";

/// A worker of ours in a process of its own: this test alone, which does nothing when nobody asked for a worker.
#[tokio::test]
async fn a_worker_of_ours() {
    let Ok(url) = env::var(WORK_ON) else { return };
    let ours = jobs(&url).await;
    let mut held: Vec<Claimed> = Vec::new();
    let mut request = take(5, Duration::from_secs(1));
    request.lock_for = Duration::from_secs(2);
    // Until it is killed.
    loop {
        if held.is_empty() {
            held = ours.take(&request).await.unwrap();
            ours.recover(&queue(), RecoveryPolicy::default()).await.unwrap();
            continue;
        }
        let claimed = held.remove(0);
        let mut one_more = request.clone();
        one_more.max = 1;
        let finished = ours.finish(vec![outcome_of(&claimed, done())], Some(&one_more)).await.unwrap();
        held.extend(finished.next);
    }
}

fn start_worker_of_ours(url: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "interop::fleet::a_worker_of_ours"]).env(WORK_ON, url);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

async fn start_worker_of_node(cell: &Cell<'_>) -> Session {
    let node = Session::start(cell.server);
    let options = json!({"concurrency": 10, "lockDuration": 2_000, "stalledInterval": 1_000});
    let _never = node.begin(&cell.prefix, "work", json!({"attempts": JOBS + 1, "options": options})).await;
    node
}

async fn we_produce(queue: &Arc<dyn JobQueue>) {
    for batch in 0..10 {
        let new = |number: u64| {
            let mut new = job(&format!("ours-{batch}-{number}"));
            new.envelope.options.keep_completed = Retention { count: 10_000, ..Retention::COMPLETED };
            new
        };
        queue.add((0..JOBS / 20).map(new).collect()).await.unwrap();
    }
}

async fn node_produces(cell: &Cell<'_>) {
    for batch in 0..10 {
        let new =
            |number: u64| json!(["send", {"sleep": 2}, {"jobId": format!("node-{batch}-{number}"), "priority": 1_000}]);
        let all: Vec<Value> = (0..JOBS / 20).map(new).collect();
        cell.ask_node("add", json!({"bulk": true, "jobs": all})).await;
    }
}

async fn until_completed(cell: &Cell<'_>, count: u64) {
    within_a_minute(async {
        while cell.queue.counts(&queue()).await.unwrap().completed < count {
            cell.queue.next_due(&queue()).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_is_lost_when_workers_of_both_sides_are_killed() {
    let producer = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Node, Side::Node, &producer).await;
    let url = format!("{}?prefix={}", cell.server.url(), cell.prefix);
    let (mut our_victim, _our_survivor) = (start_worker_of_ours(&url), start_worker_of_ours(&url));
    let (mut nodes_victim, _nodes_survivor) = join(start_worker_of_node(&cell), start_worker_of_node(&cell)).await;
    join(we_produce(&cell.queue), node_produces(&cell)).await;
    until_completed(&cell, JOBS / 5).await;
    our_victim.kill().await.unwrap();
    nodes_victim.kill().await;
    until_completed(&cell, JOBS).await;

    let counts = cell.queue.counts(&queue()).await.unwrap();
    assert_eq!((counts.completed, counts.active, counts.waiting, counts.failed), (JOBS, 0, 0, 0));
    let all = JobFilter { states: vec![JobState::Completed], limit: 10_000, ..JobFilter::default() };
    let all = cell.queue.list(&queue(), &all).await.unwrap();
    let mut ids: Vec<&str> = all.iter().map(|record| record.envelope.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len() as u64, JOBS);
    assert!(all.iter().all(|record| record.result.is_some()));
    let by_node = all.iter().filter(|record| record.result.as_ref().unwrap().starts_with(b"{\"did\"")).count();
    let again = all.iter().filter(|record| record.attempts_started > 1).count();
    println!("{by_node} of {JOBS} were run by Node, {again} a second time");
    assert!(by_node > 0 && (by_node as u64) < JOBS, "{by_node} of {JOBS} were run by Node");
    // What the killed ones held.
    assert!(again > 0, "nobody was killed while it held something");
}
