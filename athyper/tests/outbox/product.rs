//! A whole product whose queue is not in its database.

use std::time::Duration;

use athyper::command_line::{Invocation, Output, execute};
use athyper::config::{Mode, Profile};
use athyper::kernel::{Kernel, KernelBuilder, RunningKernel};
use athyper::prelude::*;
use athyper_testkit::services::RedisServer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Square(u64);

#[job(queue = "numbers")]
async fn square(job: Square) -> Result<u64> {
    Ok(job.0 * job.0)
}

fn product(folder: &TempDir, jobs: &str) -> KernelBuilder {
    let database = format!("sqlite://{}", folder.path().join("app.db").display());
    Kernel::builder()
        .without_inventory()
        .job::<Square>()
        .profile(Profile::Test)
        .set("http.port", 0)
        .set("database.url", database)
        .set("jobs.url", jobs)
}

async fn redis() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let url = tokio::task::spawn_blocking(|| RedisServer::shared().url()).await.unwrap();
    format!("{url}?prefix=product-{number}")
}

async fn enqueue(running: &RunningKernel, number: u64) -> athyper::jobs::JobHandle<Square> {
    let container = running.handle().container().clone();
    let (db, jobs): (Arc<Db>, Arc<Jobs>) = (container.resolve().await.unwrap(), container.resolve().await.unwrap());
    let enqueued = db.transaction(Isolation::Default, async |tx| jobs.enqueue(Square(number)).in_tx(tx).await);
    enqueued.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_job_runs_in_one_process() {
    let folder = tempfile::tempdir().unwrap();
    for url in [redis().await, "memory:".to_owned()] {
        let running = product(&folder, &url).build().unwrap().start().await.unwrap();
        for number in 2..6 {
            let handle = enqueue(&running, number).await;
            let answer = handle.result().within(Duration::from_secs(30)).await.unwrap();
            assert_eq!(answer, number * number);
        }
        assert!(running.stop().await.unwrap().is_clean());
    }
}

/// Producers need no worker of ours to reach the queue: a process that serves HTTP alone moves what it committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_each_mode_moves_what_is_committed() {
    for mode in [Mode::Api, Mode::Worker, Mode::Scheduler] {
        let (folder, url) = (tempfile::tempdir().unwrap(), redis().await);
        let writes = product(&folder, &url).mode(Mode::Api).build().unwrap().assemble().await.unwrap();
        let (db, jobs) = (writes.database().unwrap().clone(), writes.jobs().clone());
        let enqueued = db.transaction(Isolation::Default, async |tx| jobs.enqueue(Square(3)).in_tx(tx).await);
        let handle = enqueued.await.unwrap();
        let moves = product(&folder, &url).mode(mode).build().unwrap().start().await.unwrap();
        let there = async {
            while writes.jobs().queue().get(handle.queue(), handle.id()).await.unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), there).await.expect("it is moved");
        assert!(moves.stop().await.unwrap().is_clean());
        assert!(writes.close().await.is_clean());
    }
}

#[tokio::test]
async fn a_product_whose_queue_is_in_its_database_has_no_relay() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("app.db").display());
    let assembly = product(&folder, &url).build().unwrap().assemble().await.unwrap();
    assert!(assembly.relay().is_none());
    assembly.close().await;
    // Unless something was left in the outbox: the queue has moved, and what was committed before follows.
    let before = product(&folder, "memory:").build().unwrap().assemble().await.unwrap();
    let (db, jobs) = (before.database().unwrap().clone(), before.jobs().clone());
    let enqueued = db.transaction(Isolation::Default, async |tx| jobs.enqueue(Square(3)).in_tx(tx).await);
    let handle = enqueued.await.unwrap();
    before.close().await;
    let after = product(&folder, &url).build().unwrap().assemble().await.unwrap();
    assert_eq!(after.relay().unwrap().move_all().await.unwrap(), 1);
    assert!(after.jobs().queue().get(handle.queue(), handle.id()).await.unwrap().is_some());
    after.close().await;
}

fn in_test(kernel: KernelBuilder) -> KernelBuilder {
    kernel.without_inventory().job::<Square>().set("jobs.url", "memory:")
}

#[tokio::test]
async fn a_test_sees_what_was_committed() {
    let app = athyper_testkit::TestApp::start(in_test).await.unwrap();
    let (db, jobs): (Arc<Db>, Arc<Jobs>) = (app.resolve().await, app.resolve().await);
    let enqueued = db.transaction(Isolation::Default, async |tx| jobs.enqueue(Square(3)).in_tx(tx).await);
    enqueued.await.unwrap();
    app.jobs().assert_enqueued::<Square>(|job| job.0 == 3).await;
    assert_eq!(app.jobs().run_until_idle().await.len(), 1);
    app.stop().await;
}

async fn call(folder: &TempDir, jobs: &str, arguments: &[&str]) -> Output {
    let mut invocation = Invocation::new(arguments.iter().copied());
    invocation.environment =
        vec![("DATABASE_URL".to_owned(), format!("sqlite://{}", folder.path().join("app.db").display()))];
    let jobs = jobs.to_owned();
    execute(|kernel| kernel.without_inventory().job::<Square>().set("jobs.url", jobs), invocation).await
}

fn json_of(output: &Output) -> Value {
    assert_eq!((output.exit_code, output.stderr.as_str()), (0, ""));
    serde_json::from_str(&output.stdout).unwrap()
}

#[tokio::test]
async fn check_says_how_jobs_take_part_in_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = call(&folder, &redis().await, &["check", "--connect"]).await.stdout;
    assert!(elsewhere.contains("through its outbox"), "{elsewhere}");
    let url = format!("sqlite://{}?busy_timeout=7s", folder.path().join("app.db").display());
    for (jobs, through) in [(redis().await, "outbox"), (url.replace("?busy_timeout=7s", ""), "queue")] {
        let report = json_of(&call(&folder, &jobs, &["check", "--connect", "--json"]).await);
        assert_eq!(
            (&report["transactional_jobs"], &report["transactional_jobs_through"]),
            (&json!(true), &json!(through)),
            "{jobs}"
        );
    }
}

#[tokio::test]
async fn the_command_line_looks_after_the_outbox() {
    let (folder, url) = (tempfile::tempdir().unwrap(), redis().await);
    let empty = call(&folder, &url, &["outbox", "list"]).await;
    assert_eq!(empty.stdout, "the outbox holds no such messages\n", "{}", empty.stderr);
    let assembly = product(&folder, &url).build().unwrap().assemble().await.unwrap();
    let (db, jobs) = (assembly.database().unwrap().clone(), assembly.jobs().clone());
    for number in 1..4 {
        let enqueued = db.transaction(Isolation::Default, async |tx| jobs.enqueue(Square(number)).in_tx(tx).await);
        enqueued.await.unwrap();
    }
    // Somebody's hand has made one unreadable.
    let break_one = "UPDATE athyper_outbox SET payload = CAST('nothing' AS BLOB) WHERE seq = 2";
    db.execute(athyper::sql::Statement::text(break_one)).await.unwrap();
    let listed = json_of(&call(&folder, &url, &["outbox", "list", "--json"]).await);
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert_eq!(
        (&listed[0]["state"], &listed[0]["destination"], &listed[0]["key"], &listed[0]["jobs"][0]["name"]),
        (&json!("waiting"), &json!("jobs"), &json!("numbers"), &json!("square"))
    );
    assert_eq!(assembly.relay().unwrap().move_all().await.unwrap(), 2);
    let failed = call(&folder, &url, &["outbox", "list", "--state", "failed"]).await.stdout;
    assert!(failed.lines().count() == 2 && failed.contains("holds no jobs"), "{failed}");
    let id = listed[1]["id"].as_str().unwrap();
    let wrong = call(&folder, &url, &["outbox", "retry", "nobody"]).await;
    assert_ne!(wrong.exit_code, 0);
    assert!(wrong.stderr.contains("no message nobody"), "{}", wrong.stderr);
    assert_eq!(call(&folder, &url, &["outbox", "retry", id]).await.stdout, "1 message retried\n");
    assert_eq!(assembly.relay().unwrap().move_all().await.unwrap(), 0);
    assert_eq!(json_of(&call(&folder, &url, &["outbox", "retry", "--all", "--json"]).await), json!({ "retried": 1 }));
    assembly.relay().unwrap().move_all().await.unwrap();
    assert_eq!(call(&folder, &url, &["outbox", "purge", "--older-than", "1d"]).await.stdout, "0 messages removed\n");
    assert_eq!(call(&folder, &url, &["outbox", "purge"]).await.stdout, "1 message removed\n");
    assert_eq!(json_of(&call(&folder, &url, &["outbox", "list", "--json"]).await), json!([]));
    assembly.close().await;
}
