//! What callers are told when the server refuses, disappears or comes back.

use std::any::TypeId;
use std::collections::HashSet;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::clock::SystemClock;
use athyper::container::Place;
use athyper::jobs::{
    HandlerOutcome, HandlerRunner, Job, JobContext, JobDescriptor, JobOptions, JobRegistry, Jobs, RunningWorkers,
    WorkerPool, WorkerSettings,
};
use athyper::metrics::MetricsRegistry;
use athyper::private::{BoxFuture, check_payload, decode_payload};
use athyper::sql::{Isolation, Statement};
use athyper::{Error, ErrorKind, Result};
use athyper_testkit::services::PostgresServer;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::support::{context, fresh, fresh_url, job, jobs, number, open, queue, run, take, within_a_minute};

/// A server of the test's own.
pub(crate) async fn server() -> Arc<PostgresServer> {
    tokio::task::spawn_blocking(|| Arc::new(PostgresServer::start())).await.unwrap()
}

async fn kill(server: &Arc<PostgresServer>) {
    let server = server.clone();
    tokio::task::spawn_blocking(move || server.kill()).await.unwrap();
}

async fn restart(server: &Arc<PostgresServer>) {
    let server = server.clone();
    tokio::task::spawn_blocking(move || server.restart()).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_with_what_to_do() {
    let url = fresh_url().await;
    let (login, place) = url.rsplit_once('@').unwrap();
    let (server, _) = place.split_once('/').unwrap();
    for (url, kind, code) in [
        (format!("postgres://athyper:hunter2@{place}"), ErrorKind::Configuration, "postgres-login"),
        (format!("postgres://nobody:hunter2@{place}"), ErrorKind::Configuration, "postgres-login"),
        (format!("{login}@{server}/nowhere"), ErrorKind::Configuration, "postgres-no-database"),
        (format!("{login}@127.0.0.1:1/test"), ErrorKind::Unavailable, "postgres-unreachable"),
        (format!("{login}@{place}?sslmode=require"), ErrorKind::Configuration, "postgres-tls"),
    ] {
        let error = open(&context(&url)).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, code), "{}", error.report());
        assert!(!error.report().contains("hunter2"), "{}", error.report());
        let error = jobs(&context(&url)).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, code), "{}", error.report());
    }
}

#[tokio::test]
async fn a_server_that_is_lost_in_a_transaction_has_undone_it() {
    let server = server().await;
    let db = open(&context(&server.url())).await.unwrap();
    run(&db, &["CREATE TABLE notes (text TEXT)"]).await;
    let mut tx = db.database().begin(Isolation::Default).await.unwrap();
    tx.execute(Statement::text("INSERT INTO notes VALUES ('a')")).await.unwrap();
    kill(&server).await;
    let error = tx.execute(Statement::text("INSERT INTO notes VALUES ('b')")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "postgres-unreachable"), "{}", error.report());
    let error = tx.into_inner().commit().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "sql-transaction-ended"));
    assert_eq!(db.database().ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
    restart(&server).await;
    assert_eq!(number(&db, "SELECT count(*) FROM notes").await, 0);
}

#[tokio::test]
async fn a_commit_without_an_answer_has_an_unknown_outcome() {
    let server = server().await;
    let db = open(&context(&server.url())).await.unwrap();
    run(&db, &["CREATE TABLE notes (text TEXT)"]).await;
    let outcome = db
        .transaction(Isolation::Default, async |tx| {
            tx.execute(Statement::text("INSERT INTO notes VALUES ('a')")).await?;
            kill(&server).await;
            Ok(())
        })
        .await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::UnknownOutcome);
    // The first statement after that finds the server back, though every connection is from before.
    restart(&server).await;
    run(&db, &["INSERT INTO notes VALUES ('c')"]).await;
}

#[tokio::test]
async fn of_two_transactions_that_wait_for_one_another_one_is_told() {
    let db = fresh().await;
    run(&db, &["CREATE TABLE accounts (id INT PRIMARY KEY, sum INT)", "INSERT INTO accounts VALUES (1, 0), (2, 0)"])
        .await;
    let add = |id: i32| Statement::text("UPDATE accounts SET sum = sum + 1 WHERE id = $1").bind(id);
    let (mut one, mut two) = (
        db.database().begin(Isolation::Default).await.unwrap(),
        db.database().begin(Isolation::Default).await.unwrap(),
    );
    one.execute(add(1)).await.unwrap();
    two.execute(add(2)).await.unwrap();
    let both = async { tokio::join!(one.execute(add(2)), two.execute(add(1))) };
    let (first, second) = within_a_minute(both).await;
    let (lost, winner) = if first.is_err() { (first, two) } else { (second, one) };
    let error = lost.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "sql-deadlock"), "{}", error.report());
    winner.into_inner().commit().await.unwrap();
    assert_eq!(number(&db, "SELECT sum(sum) FROM accounts").await, 2);
}

#[tokio::test]
async fn a_transaction_that_was_not_serializable_is_told_to_run_again() {
    let db = fresh().await;
    run(&db, &["CREATE TABLE counters (sum INT)", "INSERT INTO counters VALUES (0)"]).await;
    let mut tx = db.database().begin(Isolation::Serializable).await.unwrap();
    tx.fetch_one::<(i32,)>(Statement::text("SELECT sum FROM counters")).await.unwrap();
    run(&db, &["UPDATE counters SET sum = 1"]).await;
    let error = tx.execute(Statement::text("UPDATE counters SET sum = sum + 1")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "sql-serialization"), "{}", error.report());
}

#[tokio::test]
async fn a_transaction_whose_future_was_dropped_anywhere_is_undone() {
    let url = format!("{}?connections=2", fresh_url().await);
    let db = open(&context(&url)).await.unwrap();
    run(&db, &["CREATE TABLE notes (text TEXT)"]).await;
    for polls in 0..40_u32 {
        {
            let work = db.transaction(Isolation::Default, async |tx| {
                tx.execute(Statement::text("INSERT INTO notes VALUES ('a')")).await?;
                pending::<Result<()>>().await
            });
            let mut work = std::pin::pin!(work);
            for _ in 0..polls {
                assert!(futures_util::poll!(work.as_mut()).is_pending());
                let _ = tokio::time::timeout(Duration::from_millis(1), pending::<()>()).await;
            }
        }
        // On whatever connection it runs: nothing of it is there, and nothing is open.
        assert_eq!(number(&db, "SELECT count(*) FROM notes").await, 0);
        assert_eq!(
            number(&db, "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND pid = pg_backend_pid()")
                .await,
            0
        );
    }
}

#[tokio::test]
async fn asking_for_a_second_connection_inside_a_transaction_is_bounded_and_explained() {
    let db = open(&context(&format!("{}?connections=1&wait=1s", fresh_url().await))).await.unwrap();
    let outcome = db.transaction(Isolation::Default, async |_| db.execute(Statement::text("SELECT 1")).await).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "postgres-busy"));
    assert!(error.to_string().contains("in_tx"), "{error}");
}

#[derive(Debug, Serialize, Deserialize)]
struct Note(u32);

impl Job for Note {
    type Output = ();
    const KIND: &'static str = "note";
    const VERSION: u32 = 1;
    const ALIASES: &'static [&'static str] = &[];
    const OPTIONS: JobOptions = JobOptions::DEFAULT;
}

/// Notes which jobs ran.
#[derive(Debug, Default)]
struct Notes(Mutex<HashSet<u32>>);

impl HandlerRunner for Notes {
    fn run<'a>(
        &'a self,
        _: &'a JobDescriptor,
        payload: &'a Bytes,
        _: JobContext,
    ) -> BoxFuture<'a, Result<HandlerOutcome>> {
        Box::pin(async move {
            self.0.lock().unwrap().insert(decode_payload::<Note>(payload)?.0);
            Ok(HandlerOutcome::Done(Bytes::from_static(b"null")))
        })
    }
}

fn note() -> JobDescriptor {
    JobDescriptor {
        kind: Note::KIND,
        aliases: Note::ALIASES,
        version: Note::VERSION,
        upcasts: Note::UPCASTS,
        options: const { &Note::OPTIONS },
        concurrency: None,
        limits: athyper::jobs::QueueLimits::NONE,
        payload: TypeId::of::<Note>(),
        check: check_payload::<Note>,
        handler: || TypeId::of::<Note>(),
        label: "a job of the test",
        place: Place { file: "src/jobs.rs", line: 12, column: 1 },
        module: module_path!(),
        wants: Vec::new,
        run: |_, _, _| Box::pin(async { Err(Error::internal("run by the runner")) }),
    }
}

/// The mark of `reliability.md`: at work again within five seconds.
const RESUMES_WITHIN: Duration = Duration::from_secs(5);

async fn a_moment() {
    let _ = tokio::time::timeout(Duration::from_millis(10), pending::<()>()).await;
}

/// Workers that run, somebody who enqueues, and what was accepted.
pub(crate) struct Fleet {
    client: Jobs,
    notes: Arc<Notes>,
    accepted: Mutex<Vec<u32>>,
    _running: RunningWorkers,
}

impl Fleet {
    pub(crate) async fn start(producer: &str, workers: &str) -> Self {
        let (producer, workers) = (jobs(&context(producer)).await.unwrap(), jobs(&context(workers)).await.unwrap());
        let clock = Arc::new(SystemClock::new());
        let registry = || Arc::new(JobRegistry::new(vec![note()]).unwrap());
        let client = Jobs::new(producer, registry(), clock.clone());
        let notes = Arc::<Notes>::default();
        let settings = WorkerSettings {
            lock_for: Duration::from_secs(3),
            recover_every: Duration::from_secs(1),
            ..WorkerSettings::default()
        };
        let metrics = MetricsRegistry::new(clock.clone());
        let pool = WorkerPool::new(&Jobs::new(workers, registry(), clock), notes.clone(), settings, &metrics).unwrap();
        Self { client, notes, accepted: Mutex::default(), _running: pool.start().await.unwrap() }
    }

    fn next(&self) -> u32 {
        u32::try_from(self.accepted.lock().unwrap().len()).unwrap()
    }

    /// Enqueues until one is accepted.
    async fn enqueue(&self) -> Result<u32> {
        let number = self.next();
        self.client.enqueue(Note(number)).await?;
        self.accepted.lock().unwrap().push(number);
        Ok(number)
    }

    /// Lets a fault come and go while there is work, and sees that workers are at work again in time.
    pub(crate) async fn survives(
        &self,
        within: Duration,
        begin: impl FnOnce() + Send + 'static,
        end: impl FnOnce() + Send + 'static,
    ) {
        for _ in 0..50 {
            self.enqueue().await.unwrap();
        }
        tokio::task::spawn_blocking(begin).await.unwrap();
        assert!(self.client.enqueue(Note(1_000_000)).await.is_err());
        tokio::task::spawn_blocking(end).await.unwrap();
        let resumed = async {
            // It may take a moment until the first one is accepted.
            let number = loop {
                match self.enqueue().await {
                    Ok(number) => break number,
                    Err(_) => a_moment().await,
                }
            };
            while !self.has_run(number) {
                a_moment().await;
            }
        };
        tokio::time::timeout(within, resumed).await.expect("workers are at work again");
    }

    pub(crate) fn has_run(&self, number: u32) -> bool {
        self.notes.0.lock().unwrap().contains(&number)
    }

    /// How many accepted jobs have not run.
    pub(crate) fn left(&self) -> usize {
        self.accepted.lock().unwrap().iter().filter(|number| !self.has_run(**number)).count()
    }

    /// Waits until every job that was accepted has run.
    pub(crate) async fn all_ran(&self) {
        let all = async {
            while self.left() > 0 {
                a_moment().await;
            }
        };
        within_a_minute(all).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_when_a_killed_server_is_back_and_nothing_is_lost() {
    let server = server().await;
    let fleet = Fleet::start(&server.url(), &server.url()).await;
    for _ in 0..3 {
        let (killed, restarted) = (server.clone(), server.clone());
        fleet.survives(RESUMES_WITHIN, move || killed.kill(), move || restarted.restart()).await;
    }
    fleet.all_ran().await;
}

#[tokio::test]
async fn a_server_that_stood_still_answers_what_it_was_asked() {
    let server = server().await;
    let queue_of_server = jobs(&context(&server.url())).await.unwrap();
    queue_of_server.add(vec![job("a")]).await.unwrap();
    server.freeze();
    let taking = {
        let queue = queue_of_server.clone();
        tokio::spawn(async move { queue.take(&take(1, Duration::ZERO)).await })
    };
    tokio::time::timeout(Duration::from_millis(100), pending::<()>()).await.unwrap_err();
    assert!(!taking.is_finished());
    server.thaw();
    assert_eq!(within_a_minute(taking).await.unwrap().unwrap().len(), 1);
    assert_eq!(queue_of_server.counts(&queue()).await.unwrap().active, 1);
}
