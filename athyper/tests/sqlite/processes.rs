//! Several processes on one file.
//!
//! The test starts its own binary again; [`the_other_process`] is what runs there.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use athyper::jobs::JobId;
use athyper::sql::{Db, Isolation, Statement};
use athyper::sqlite::SqliteDatabase;

use crate::support::{Folder, context, driver, job, jobs, number, open, run, within_a_minute};
use crate::{faults, migrations};

const TASK: &str = "ATHYPER_TEST_TASK";
const URL: &str = "ATHYPER_TEST_URL";

/// Runs a task in a process of its own.
pub(crate) fn start(task: &str, url: &str) -> Child {
    command(&std::env::current_exe().unwrap(), task, url).spawn().unwrap()
}

pub(crate) fn command(program: &Path, task: &str, url: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "processes::the_other_process", "--nocapture", "--test-threads=1"]);
    command.env(TASK, task).env(URL, url).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// The lines that a process wrote behind `> `, once it has ended.
pub(crate) fn lines(child: &mut Child) -> Vec<String> {
    let output = BufReader::new(child.stdout.take().unwrap());
    let lines = output.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix("> ").map(str::to_owned));
    let lines = lines.collect();
    child.wait().unwrap();
    lines
}

fn say(line: &str) {
    println!("\n> {line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_process() {
    let (Ok(task), Ok(url)) = (std::env::var(TASK), std::env::var(URL)) else { return };
    match task.as_str() {
        "count" => {
            let db = open(&context(&url)).await.unwrap();
            count_up(&db, 4).await;
            say("done");
        }
        "refusal" => say(&faults::say_refusal(&url).await),
        "write-until-refused" => say(&faults::write_until_refused(&url).await),
        "lead" => lead(&url).await,
        "work" => work(&url).await,
        "migrate" => {
            let db = open(&context(&url)).await.unwrap();
            let applied = migrations::migrate(&db, &[migrations::FIRST, migrations::SECOND]).await.unwrap();
            say(&applied.len().to_string());
        }
        other => panic!("there is no task `{other}`"),
    }
}

const ROUNDS: u32 = 250;

/// Has several tasks read and write at the same time.
async fn count_up(db: &Db, tasks: u32) {
    let counting = (0..tasks).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                db.transaction(Isolation::Default, async |tx| {
                    let (total,): (i64,) = tx.fetch_one(Statement::text("SELECT total FROM counter")).await?;
                    tx.execute(Statement::text("UPDATE counter SET total = ?").bind(total + 1)).await
                })
                .await
                .unwrap();
            }
        })
    });
    for task in counting.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_tasks_and_two_processes_write_without_anybody_being_refused() {
    let folder = Folder::new();
    let url = folder.url("app.db");
    let db = open(&context(&url)).await.unwrap();
    run(&db, &["CREATE TABLE counter (total INTEGER)", "INSERT INTO counter VALUES (0)"]).await;
    let mut others = [start("count", &url), start("count", &url)];
    count_up(&db, 8).await;
    for other in &mut others {
        assert_eq!(lines(other), ["done"]);
    }
    assert_eq!(number(&db, "SELECT total FROM counter").await, i64::from(8 * ROUNDS + 2 * 4 * ROUNDS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_apply_each_migration_once() {
    let folder = Folder::new();
    let url = folder.url("new/app.db");
    let mut starting = [start("migrate", &url), start("migrate", &url), start("migrate", &url)];
    let mut applied = 0;
    for process in &mut starting {
        let lines = lines(process);
        applied += lines[0].parse::<u32>().unwrap();
    }
    assert_eq!(applied, 2);
}

/// Adds jobs for as long as the process lives, and says which were accepted.
async fn work(url: &str) {
    let context = context(url);
    let queue = jobs(&context).await;
    for number in 0_u32.. {
        let id = format!("{}-{number}", std::process::id());
        queue.add(vec![job(&id, &*context.clock)]).await.unwrap();
        say(&id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_is_there_after_the_process_was_killed() {
    let folder = Folder::new();
    let url = folder.url("app.db");
    let context = context(&url);
    let queue = jobs(&context).await;
    let mut accepted = Vec::new();
    for _ in 0..5 {
        let mut process = start("work", &url);
        let output = BufReader::new(process.stdout.take().unwrap());
        for line in output.lines().map_while(Result::ok) {
            let Some(id) = line.strip_prefix("> ") else { continue };
            accepted.push(JobId::from(id));
            if accepted.len() % 20 == 0 {
                // SIGKILL; what it had written before is still read to its end.
                let _ = process.kill();
            }
        }
        process.wait().unwrap();
    }
    assert!(accepted.len() >= 100, "only {} jobs were accepted", accepted.len());
    for id in &accepted {
        assert!(queue.get(&"email".into(), id).await.unwrap().is_some(), "job {id} was accepted and is lost");
    }
    let db = open(&context).await.unwrap();
    let sqlite = db.database().as_any().downcast_ref::<SqliteDatabase>().unwrap();
    assert_eq!(sqlite.check_integrity().await.unwrap(), Vec::<String>::new());
}

/// Leads for as long as the process lives.
async fn lead(url: &str) {
    let open = driver().leases.unwrap();
    let leadership = open(&context(url)).await.unwrap();
    let lease = leadership.acquire("scheduler", "the other process", Duration::from_secs(1)).await.unwrap().unwrap();
    say(&lease.epoch.to_string());
    while leadership.renew(&lease, Duration::from_secs(1)).await.unwrap() {
        let _ = tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_a_killed_process_runs_out_and_its_epoch_is_passed() {
    let folder = Folder::new();
    let url = folder.url("app.db");
    let open = driver().leases.unwrap();
    let leadership = open(&context(&url)).await.unwrap();
    let mut leader = start("lead", &url);
    let mut output = BufReader::new(leader.stdout.take().unwrap()).lines().map_while(Result::ok);
    let epoch: u64 = output.find_map(|line| line.strip_prefix("> ").map(str::to_owned)).unwrap().parse().unwrap();
    let acquire = || leadership.acquire("scheduler", "this process", Duration::from_secs(1));
    assert_eq!(acquire().await.unwrap(), None);
    leader.kill().unwrap();
    leader.wait().unwrap();
    let lease = within_a_minute(async {
        loop {
            if let Some(lease) = acquire().await.unwrap() {
                return lease;
            }
            tokio::task::yield_now().await;
        }
    });
    assert!(lease.await.epoch > epoch);
}
