//! The job queue on SQLite: what its database adds to the rules of every queue.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use athyper::clock::SystemClock;
use athyper::jobs::{
    Finish, JobFilter, JobId, JobQueue, JobState, NewJob, Outcome, Priority, QueueName, RecoveryPolicy, Take, Verdict,
};
use athyper::sql::{Isolation, Statement};
use athyper::{Error, ErrorKind, Result};
use bytes::Bytes;

use crate::clock::MachineClock;
use crate::support::{Folder, context, context_with, job, jobs, memory, number, open, run, within_a_minute};

fn queue() -> QueueName {
    QueueName::from("email")
}

fn take(max: usize) -> Take {
    Take { queue: queue(), worker: "worker".to_owned(), max, lock_for: Duration::from_secs(30), wait: Duration::ZERO }
}

fn waiting(max: usize) -> Take {
    Take { wait: Duration::from_secs(50), ..take(max) }
}

async fn taken(queue: &Arc<dyn JobQueue>, max: usize) -> Vec<String> {
    queue.take(&take(max)).await.unwrap().iter().map(|job| job.lock.id.to_string()).collect()
}

#[tokio::test]
async fn a_job_added_in_a_transaction_is_there_once_it_commits() {
    let context = context("sqlite::memory:");
    let (db, queue) = (open(&context).await.unwrap(), jobs(&context).await);
    run(&db, &["CREATE TABLE users (id INTEGER PRIMARY KEY)"]).await;
    let undone: Result<()> = db
        .transaction(Isolation::Default, async |tx| {
            tx.execute(Statement::text("INSERT INTO users VALUES (1)")).await?;
            queue.add_in(tx, vec![job("a", &*context.clock)]).await?;
            Err(Error::invalid("no"))
        })
        .await;
    undone.unwrap_err();
    assert!(taken(&queue, 9).await.is_empty());
    db.transaction(Isolation::Default, async |tx| {
        tx.execute(Statement::text("INSERT INTO users VALUES (1)")).await?;
        let added = queue.add_in(tx, vec![job("a", &*context.clock)]).await?;
        assert!(!added[0].duplicate);
        let again = queue.add_in(tx, vec![job("a", &*context.clock)]).await?;
        assert!(again[0].duplicate);
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(taken(&queue, 9).await, ["a"]);
    assert_eq!(number(&db, "SELECT count(*) FROM users").await, 1);
}

#[tokio::test]
async fn a_waiting_worker_wakes_when_a_transaction_commits_and_not_before() {
    let clock = MachineClock::new();
    let context = context_with("sqlite::memory:", clock.clone());
    let (db, queue) = (open(&context).await.unwrap(), jobs(&context).await);
    let worker = {
        let queue = queue.clone();
        tokio::spawn(async move { queue.take(&waiting(1)).await.unwrap() })
    };
    db.transaction(Isolation::Default, async |tx| {
        queue.add_in(tx, vec![job("a", &*clock)]).await?;
        tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await.unwrap_err();
        assert!(!worker.is_finished());
        Ok(())
    })
    .await
    .unwrap();
    // The clock stands still: nothing but the commit can have woken it.
    assert_eq!(within_a_minute(worker).await.unwrap()[0].lock.id.as_str(), "a");
}

#[tokio::test]
async fn a_transaction_of_another_store_is_refused_with_what_to_do() {
    let clock = SystemClock::new();
    let (queue, db) = (jobs(&context("sqlite::memory:")).await, memory().await);
    let outcome = db.transaction(Isolation::Default, async |tx| queue.add_in(tx, vec![job("a", &clock)]).await).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, "job-other-store"));
    assert!(error.to_string().contains("jobs.url"), "{error}");
}

#[tokio::test]
async fn one_file_is_one_store_however_its_url_is_written() {
    let folder = Folder::new();
    let queue = jobs(&context(&folder.url("app.db"))).await;
    let plain = format!("sqlite:{}/./app.db?busy_timeout=5s", folder.path().display());
    let db = open(&context(&plain)).await.unwrap();
    let clock = SystemClock::new();
    db.transaction(Isolation::Default, async |tx| queue.add_in(tx, vec![job("a", &clock)]).await).await.unwrap();
    assert_eq!(taken(&queue, 9).await, ["a"]);
}

#[tokio::test]
async fn a_worker_notices_what_another_process_added_within_the_stated_time() {
    let folder = Folder::new();
    let url = folder.url("app.db?poll=20ms");
    let (one, other) = (jobs(&context(&url)).await, jobs(&context(&url)).await);
    assert_eq!(one.capabilities().wake_up_within, Duration::from_millis(20));
    let worker = tokio::spawn(async move { one.take(&waiting(1)).await.unwrap() });
    other.add(vec![job("a", &SystemClock::new())]).await.unwrap();
    assert_eq!(within_a_minute(worker).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_waiting_worker_wakes_when_the_earliest_delayed_job_is_due() {
    let clock = MachineClock::new();
    let queue = jobs(&context_with("sqlite::memory:?poll=1h", clock.clone())).await;
    let mut delayed = job("a", &*clock);
    delayed.due_at += Duration::from_secs(10);
    queue.add(vec![delayed]).await.unwrap();
    let worker = {
        let queue = queue.clone();
        tokio::spawn(async move { queue.take(&waiting(1)).await.unwrap() })
    };
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    clock.run_on(Duration::from_millis(9_999));
    tokio::time::timeout(Duration::from_millis(30), std::future::pending::<()>()).await.unwrap_err();
    assert!(!worker.is_finished());
    clock.run_on(Duration::from_millis(1));
    assert_eq!(within_a_minute(worker).await.unwrap().len(), 1);
}

#[tokio::test]
async fn many_callers_share_commits_and_each_is_answered() {
    let folder = Folder::new();
    let queue = jobs(&context(&folder.url("app.db"))).await;
    let clock = Arc::new(SystemClock::new());
    let adding = (0..500).map(|number| {
        let (queue, clock) = (queue.clone(), clock.clone());
        tokio::spawn(async move { queue.add(vec![job(&format!("job-{number}"), &*clock)]).await.unwrap() })
    });
    for added in adding.collect::<Vec<_>>() {
        assert!(!within_a_minute(added).await.unwrap()[0].duplicate);
    }
    let mut finished = HashSet::new();
    let mut claimed = queue.take(&take(50)).await.unwrap();
    while !claimed.is_empty() {
        let outcomes: Vec<Finish> = claimed
            .into_iter()
            .map(|job| Finish { lock: job.lock, outcome: Outcome::Complete(Bytes::from_static(b"1")) })
            .collect();
        let ids: Vec<JobId> = outcomes.iter().map(|finish| finish.lock.id.clone()).collect();
        let answer = queue.finish(outcomes, Some(&take(50))).await.unwrap();
        assert!(answer.verdicts.iter().all(|verdict| *verdict == Verdict::Applied));
        assert!(ids.into_iter().all(|id| finished.insert(id)));
        claimed = answer.next;
    }
    assert_eq!(finished.len(), 500);
}

#[tokio::test]
async fn a_caller_that_fails_does_not_fail_the_others() {
    let folder = Folder::new();
    let context = context(&folder.url("app.db"));
    let (db, queue) = (open(&context).await.unwrap(), jobs(&context).await);
    // The database itself refuses one of the jobs.
    run(
        &db,
        &["CREATE TRIGGER refuse BEFORE INSERT ON athyper_jobs WHEN new.id = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'no'); END"],
    )
    .await;
    let clock = Arc::new(SystemClock::new());
    // While the writer is held, all of them gather for one transaction.
    let held = db.database().begin(Isolation::Default).await.unwrap();
    let adding: Vec<_> = ["a", "b", "bad", "c", "d"]
        .into_iter()
        .map(|id| {
            let (queue, clock) = (queue.clone(), clock.clone());
            tokio::spawn(async move { queue.add(vec![job(id, &*clock)]).await })
        })
        .collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    held.into_inner().rollback().await.unwrap();
    let mut outcomes = Vec::new();
    for added in adding {
        outcomes.push(within_a_minute(added).await.unwrap().is_ok());
    }
    assert_eq!(outcomes, [true, true, false, true, true]);
    assert_eq!(queue.counts(&self::queue()).await.unwrap().waiting, 4);
}

#[tokio::test]
async fn a_take_dropped_while_it_waits_takes_nothing_and_one_dropped_later_gives_back() {
    let context = context("sqlite::memory:");
    let (db, queue) = (open(&context).await.unwrap(), jobs(&context).await);
    for round in 0..200_u32 {
        queue.add(vec![job(&format!("job-{round}"), &*context.clock)]).await.unwrap();
        {
            let request = waiting(1);
            let mut take = std::pin::pin!(queue.take(&request));
            for _ in 0..round % 40 {
                if let Poll::Ready(claimed) = futures_util::poll!(take.as_mut()) {
                    // It was not dropped in time: the job is ours, and is released.
                    let lock = claimed.unwrap().remove(0).lock;
                    queue.finish(vec![Finish { lock, outcome: Outcome::Release }], None).await.unwrap();
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // Whatever the point: nobody has the job, and it comes back without waiting for its lock to run out.
        let again = within_a_minute(queue.take(&waiting(1))).await.unwrap();
        let finish = Finish { lock: again[0].lock.clone(), outcome: Outcome::Complete(Bytes::from_static(b"1")) };
        queue.finish(vec![finish], None).await.unwrap();
        if round == 100 {
            // Also while the writer is busy.
            let held = db.database().begin(Isolation::Default).await.unwrap();
            drop(tokio::time::timeout(Duration::from_millis(5), queue.take(&waiting(1))).await);
            held.into_inner().rollback().await.unwrap();
        }
    }
    assert_eq!(queue.counts(&self::queue()).await.unwrap().active, 0);
}

#[tokio::test]
async fn a_wall_clock_that_goes_back_changes_no_order_and_frees_no_lock() {
    let clock = MachineClock::new();
    let queue = jobs(&context_with("sqlite::memory:", clock.clone())).await;
    queue.add(vec![job("a", &*clock), job("b", &*clock)]).await.unwrap();
    clock.jump(chrono::TimeDelta::hours(-3));
    queue.add(vec![job("c", &*clock)]).await.unwrap();
    assert_eq!(taken(&queue, 9).await, ["a", "b", "c"]);
    clock.jump(chrono::TimeDelta::hours(30));
    assert!(queue.recover(&self::queue(), RecoveryPolicy::default()).await.unwrap().is_empty());
    clock.restart();
    assert_eq!(queue.recover(&self::queue(), RecoveryPolicy::default()).await.unwrap().len(), 3);
    assert_eq!(taken(&queue, 9).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn jobs_and_their_finish_survive_the_end_of_the_process() {
    let folder = Folder::new();
    let clock = SystemClock::new();
    let lock = {
        let queue = jobs(&context(&folder.url("app.db"))).await;
        assert!(queue.capabilities().durable && queue.capabilities().shared && queue.capabilities().transactional);
        queue.add(vec![job("a", &clock), job("b", &clock)]).await.unwrap();
        let claimed = queue.take(&take(1)).await.unwrap();
        claimed[0].lock.clone()
    };
    let queue = jobs(&context(&folder.url("app.db"))).await;
    let counts = queue.counts(&self::queue()).await.unwrap();
    assert_eq!((counts.waiting, counts.active), (1, 1));
    let finish = Finish { lock, outcome: Outcome::Complete(Bytes::from_static(b"7")) };
    assert_eq!(queue.finish(vec![finish], None).await.unwrap().verdicts, [Verdict::Applied]);
    let record = queue.get(&self::queue(), &JobId::from("a")).await.unwrap().unwrap();
    assert_eq!((record.state, record.result.as_deref()), (JobState::Completed, Some(&b"7"[..])));
}

#[tokio::test]
async fn a_thousand_jobs_are_added_in_one_call_in_their_order() {
    let queue = jobs(&context("sqlite::memory:")).await;
    let clock = SystemClock::new();
    let mut all: Vec<NewJob> = (0..1_000).map(|number| job(&format!("{number:04}"), &clock)).collect();
    all[500].envelope.options.priority = Priority::High;
    all.push(job("0007", &clock));
    let added = queue.add(all).await.unwrap();
    assert_eq!(added.iter().filter(|added| added.duplicate).count(), 1);
    let ids = taken(&queue, 2_000).await;
    assert_eq!(ids.len(), 1_000);
    assert_eq!(ids[0], "0500");
    assert!(ids[1..].is_sorted());
    let page = JobFilter { offset: 990, limit: 20, ..JobFilter::default() };
    assert_eq!(queue.list(&self::queue(), &page).await.unwrap().len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_come_as_the_last_one_is_served_are_served_too() {
    let queue = jobs(&context("sqlite::memory:")).await;
    let calling = (0..2).map(|_| {
        let queue = queue.clone();
        tokio::spawn(async move {
            for round in 0..5_000 {
                queue.resume(&self::queue()).await.unwrap();
                // The service rests between two callers, at ever another moment.
                for _ in 0..round % 7 {
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    for caller in calling.collect::<Vec<_>>() {
        within_a_minute(caller).await.unwrap();
    }
}
