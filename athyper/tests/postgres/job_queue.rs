//! The job queue on PostgreSQL: what its database adds to the rules of every queue.

use std::collections::HashSet;
use std::time::Duration;

use athyper::ErrorKind;
use athyper::jobs::{Finish, JobId, Outcome, QueueName, Unique, Verdict};
use athyper::sql::Statement;
use bytes::Bytes;

use crate::support::{context, fresh, fresh_url, job, jobs, number, open, queue, run, take, within_a_minute};

const LONG: Duration = Duration::from_secs(50);

#[tokio::test]
async fn texts_that_postgresql_cannot_store_come_back_as_they_were() {
    let queue = jobs(&context(&fresh_url().await)).await.unwrap();
    let strange = ["🦀\0🦀", "\0", "\u{1a}0", "a:b{c}'\"\\", "👩‍👩‍👧"];
    for text in strange {
        let mut job = job(text);
        let name = QueueName::from(format!("queue {text}"));
        job.envelope.queue = name.clone();
        job.envelope.kind = format!("kind {text}");
        job.envelope.payload = Bytes::from(b"{\"to\":\"\\u0000\0\xff\"}".to_vec());
        job.unique = Some(Unique { key: text.to_owned(), period: LONG });
        job.serial_key = Some(text.to_owned());
        let again = job.clone();
        assert!(!queue.add(vec![job.clone()]).await.unwrap()[0].duplicate);
        assert!(queue.add(vec![again]).await.unwrap()[0].duplicate);
        let mut request = take(1, Duration::ZERO);
        request.queue = name.clone();
        let claimed = queue.take(&request).await.unwrap().remove(0);
        assert_eq!(claimed.envelope, job.envelope);
        let outcome = Outcome::Fail { error: format!("it said {text}") };
        let finished = queue.finish(vec![Finish { lock: claimed.lock, outcome }], None).await.unwrap();
        assert_eq!(finished.verdicts, [Verdict::Applied]);
        let record = queue.get(&name, &JobId::from(text)).await.unwrap().unwrap();
        assert_eq!(record.error, Some(format!("it said {text}")));
        assert!(queue.queues().await.unwrap().contains(&name));
    }
    assert_eq!(queue.queues().await.unwrap().len(), strange.len());
}

#[tokio::test]
async fn a_product_is_told_that_nul_has_no_place_in_text_and_json() {
    let db = fresh().await;
    run(&db, &["CREATE TABLE notes (text TEXT, document JSONB)"]).await;
    for statement in [
        Statement::text("INSERT INTO notes (text) VALUES ($1)").bind("a\0b"),
        Statement::text("INSERT INTO notes (document) VALUES ($1)").bind(serde_json::json!({ "a": "\0" })),
    ] {
        let error = db.execute(statement).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, "sql-value"), "{}", error.report());
        assert!(error.to_string().contains("NUL"), "{error}");
    }
    assert_eq!(number(&db, "SELECT count(*) FROM notes").await, 0);
}

#[tokio::test]
async fn news_of_another_process_wake_a_worker_that_would_sleep_for_an_hour() {
    let url = format!("{}?poll=1h", fresh_url().await);
    let (one, other) = (jobs(&context(&url)).await.unwrap(), jobs(&context(&url)).await.unwrap());
    for id in ["a", "b", "c"] {
        let worker = {
            let one = one.clone();
            tokio::spawn(async move { one.take(&take(1, LONG)).await.unwrap() })
        };
        other.add(vec![job(id)]).await.unwrap();
        assert_eq!(within_a_minute(worker).await.unwrap()[0].lock.id.as_str(), id);
    }
}

#[tokio::test]
async fn a_listener_that_was_cut_off_listens_again() {
    let url = format!("{}?poll=1h", fresh_url().await);
    let db = open(&context(&url)).await.unwrap();
    let (one, other) = (jobs(&context(&url)).await.unwrap(), jobs(&context(&url)).await.unwrap());
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    within_a_minute(async { while number(&db, listening).await < 2 {} }).await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' \
               AND datname = current_database()";
    assert_eq!(number(&db, cut).await, 2);
    let worker = tokio::spawn(async move { one.take(&take(1, LONG)).await.unwrap() });
    within_a_minute(async { while number(&db, listening).await < 2 {} }).await;
    other.add(vec![job("a")]).await.unwrap();
    assert_eq!(within_a_minute(worker).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_job_is_handed_out_twice_however_many_processes_ask() {
    const JOBS: usize = 400;
    let url = fresh_url().await;
    let producer = jobs(&context(&url)).await.unwrap();
    producer.add((0..JOBS).map(|number| job(&format!("job-{number}"))).collect()).await.unwrap();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let queue = jobs(&context(&url)).await.unwrap();
        for _ in 0..3 {
            let queue = queue.clone();
            workers.spawn(async move {
                let mut done = Vec::new();
                let mut claimed = queue.take(&take(7, Duration::ZERO)).await.unwrap();
                while !claimed.is_empty() {
                    let outcomes: Vec<Finish> = claimed
                        .into_iter()
                        .map(|job| Finish { lock: job.lock, outcome: Outcome::Complete(Bytes::from_static(b"1")) })
                        .collect();
                    done.extend(outcomes.iter().map(|finish| finish.lock.id.clone()));
                    let finished = queue.finish(outcomes, Some(&take(7, Duration::ZERO))).await.unwrap();
                    assert!(finished.verdicts.iter().all(|verdict| *verdict == Verdict::Applied));
                    claimed = finished.next;
                }
                done
            });
        }
    }
    let mut seen = HashSet::new();
    while let Some(done) = within_a_minute(workers.join_next()).await {
        for id in done.unwrap() {
            assert!(seen.insert(id.clone()), "job {id} ran twice");
        }
    }
    let left = producer.counts(&queue()).await.unwrap();
    assert_eq!((seen.len(), left.waiting, left.active), (JOBS, 0, 0), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_one_key_run_one_after_another_however_many_processes_ask() {
    const JOBS: usize = 120;
    let url = fresh_url().await;
    let producer = jobs(&context(&url)).await.unwrap();
    let adding = (0..JOBS).map(|number| {
        let mut job = job(&format!("job-{number}"));
        job.serial_key = Some(format!("key-{}", number % 5));
        producer.add(vec![job])
    });
    for added in futures_util::future::join_all(adding).await {
        added.unwrap();
    }
    let running = std::sync::Arc::new(std::sync::Mutex::new(HashSet::new()));
    let done = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (queue, running, done) = (jobs(&context(&url)).await.unwrap(), running.clone(), done.clone());
        workers.spawn(async move {
            let key = |id: &JobId| id.as_str().rsplit('-').next().unwrap().parse::<usize>().unwrap() % 5;
            while done.load(std::sync::atomic::Ordering::SeqCst) < JOBS {
                let claimed = queue.take(&take(3, Duration::from_millis(100))).await.unwrap();
                for job in &claimed {
                    assert!(running.lock().unwrap().insert(key(&job.lock.id)), "two jobs of one key at once");
                }
                for job in claimed {
                    assert!(running.lock().unwrap().remove(&key(&job.lock.id)));
                    let finish = Finish { lock: job.lock, outcome: Outcome::Complete(Bytes::from_static(b"1")) };
                    assert_eq!(queue.finish(vec![finish], None).await.unwrap().verdicts, [Verdict::Applied]);
                    done.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                }
            }
        });
    }
    while let Some(worker) = within_a_minute(workers.join_next()).await {
        worker.unwrap();
    }
}

#[tokio::test]
async fn an_operation_that_got_in_another_ones_way_is_tried_again() {
    let context = context(&fresh_url().await);
    let (db, queue) = (open(&context).await.unwrap(), jobs(&context).await.unwrap());
    run(
        &db,
        &[
            "CREATE SEQUENCE tries",
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('tries') < 4 THEN RAISE EXCEPTION 'not yet' USING ERRCODE = '40001'; END IF; RETURN new; END $$",
            "CREATE TRIGGER refuse BEFORE INSERT ON athyper_jobs FOR EACH ROW EXECUTE FUNCTION refuse()",
        ],
    )
    .await;
    let added = queue.add(vec![job("a")]).await.unwrap();
    assert!(!added[0].duplicate);
    assert_eq!(number(&db, "SELECT last_value FROM tries").await, 4);
    assert_eq!(queue.counts(&crate::support::queue()).await.unwrap().waiting, 1);
}
