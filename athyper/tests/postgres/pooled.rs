//! Through PgBouncer in its transaction mode, which gives each transaction another connection of the server.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use athyper::postgres::PostgresDatabase;
use athyper::sql::{Db, Isolation, Migration, MigrationSet, Statement};
use athyper_testkit::services::{PgBouncer, PostgresServer};
use futures_util::TryStreamExt;

use crate::faults::{Fleet, server};
use crate::support::{context, fresh_url, job, jobs, number, open, queue, run, take, within_a_minute};

/// The mark of `RELIABILITY.md`: a worker that was refused asks again after five seconds at the latest.
const RESUMES_WITHIN: Duration = Duration::from_secs(10);

/// The same database through the PgBouncer that the tests share.
pub(crate) async fn pooled(url: &str) -> String {
    // Each test has a database of its own, and the server only so many connections.
    static SHARED: OnceLock<PgBouncer> = OnceLock::new();
    let start = || {
        let settings = [("default_pool_size", "8"), ("server_idle_timeout", "1")];
        SHARED.get_or_init(|| PgBouncer::start_with(PostgresServer::shared(), &settings))
    };
    let bouncer = tokio::task::spawn_blocking(start).await.unwrap();
    bouncer.url_of(url)
}

async fn bouncer(server: &Arc<PostgresServer>, settings: &'static [(&'static str, &'static str)]) -> Arc<PgBouncer> {
    let server = server.clone();
    tokio::task::spawn_blocking(move || Arc::new(PgBouncer::start_with(&server, settings))).await.unwrap()
}

fn is_behind_pooler(db: &Db) -> bool {
    db.database().as_any().downcast_ref::<PostgresDatabase>().unwrap().is_behind_pooler()
}

#[tokio::test]
async fn a_pooler_is_noticed_and_its_absence_too() {
    let url = fresh_url().await;
    assert!(!is_behind_pooler(&open(&context(&url)).await.unwrap()));
    assert!(is_behind_pooler(&open(&context(&pooled(&url).await)).await.unwrap()));
    // With a single connection for everybody nobody may be kept waiting by the question.
    let server = server().await;
    let narrow = bouncer(&server, &[("default_pool_size", "1")]).await;
    let db = within_a_minute(open(&context(&narrow.url_of(&server.url())))).await.unwrap();
    assert!(is_behind_pooler(&db));
    assert_eq!(number(&db, "SELECT 7").await, 7);
}

#[tokio::test]
async fn nobody_listens_and_workers_look_by_themselves() {
    let url = fresh_url().await;
    let through = pooled(&url).await;
    let (one, other) = (jobs(&context(&through)).await.unwrap(), jobs(&context(&through)).await.unwrap());
    assert_eq!(one.capabilities().wake_up_within, Duration::from_millis(200));
    for id in ["a", "b", "c"] {
        let worker = {
            let one = one.clone();
            tokio::spawn(async move { one.take(&take(1, Duration::from_secs(50))).await.unwrap() })
        };
        other.add(vec![job(id)]).await.unwrap();
        assert_eq!(within_a_minute(worker).await.unwrap()[0].lock.id.as_str(), id);
    }
    let direct = open(&context(&url)).await.unwrap();
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    assert_eq!(number(&direct, listening).await, 0);
}

#[tokio::test]
async fn news_reach_those_who_need_no_pooler() {
    let url = fresh_url().await;
    let direct = jobs(&context(&format!("{url}?poll=1h"))).await.unwrap();
    let through = jobs(&context(&pooled(&url).await)).await.unwrap();
    for id in ["a", "b", "c", "d", "e"] {
        let worker = {
            let direct = direct.clone();
            tokio::spawn(async move { direct.take(&take(1, Duration::from_secs(50))).await.unwrap() })
        };
        through.add(vec![job(id)]).await.unwrap();
        assert_eq!(within_a_minute(worker).await.unwrap()[0].lock.id.as_str(), id);
    }
}

/// Statements of a product with values, from many at once, over two connections of the server. Without names for prepared statements
/// as older poolers have it, and with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_many_do_not_mix() {
    let server = server().await;
    for settings in [
        &[("default_pool_size", "2"), ("max_prepared_statements", "0")],
        &[("default_pool_size", "2"), ("max_prepared_statements", "100")],
    ] {
        let bouncer = bouncer(&server, settings).await;
        let db = open(&context(&bouncer.url_of(&server.url()))).await.unwrap();
        run(&db, &["DROP TABLE IF EXISTS notes", "CREATE TABLE notes (writer INT, number INT)"]).await;
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8_i32 {
            let db = db.clone();
            writers.spawn(async move {
                for number in 0..25_i32 {
                    let insert = Statement::text("INSERT INTO notes VALUES ($1, $2)").bind(writer).bind(number);
                    db.execute(insert).await.unwrap();
                    let select = Statement::text(format!("SELECT $1::int + $2::int AS sum_{}", number % 7));
                    let sum: (i32,) = db.fetch_one(select.bind(writer).bind(number)).await.unwrap();
                    assert_eq!(sum.0, writer + number);
                    let both = db.transaction(Isolation::Default, async |tx| {
                        let own = Statement::text("SELECT count(*) FROM notes WHERE writer = $1").bind(writer);
                        let before: (i64,) = tx.fetch_one(own.clone()).await?;
                        tx.execute(Statement::text("INSERT INTO notes VALUES ($1, -1)").bind(writer)).await?;
                        let after: (i64,) = tx.fetch_one(own).await?;
                        Ok((before.0, after.0))
                    });
                    let (before, after) = both.await.unwrap();
                    assert_eq!(after, before + 1);
                }
            });
        }
        while let Some(writer) = within_a_minute(writers.join_next()).await {
            writer.unwrap();
        }
        let rows: Vec<(i32, i32)> = db
            .stream::<(i32, i32)>(Statement::text("SELECT writer, number FROM notes WHERE number >= $1").bind(0))
            .try_collect()
            .await
            .unwrap();
        assert_eq!(rows.len(), 200);
        run(&db, &["VACUUM notes", "ANALYZE notes"]).await;
    }
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    let url = pooled(&fresh_url().await).await;
    let set = MigrationSet {
        table: "migrations",
        migrations: vec![Migration {
            version: 1,
            name: "notes",
            sql: "CREATE TABLE notes (text TEXT); CREATE INDEX ON notes (text)",
        }],
    };
    let mut processes = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (url, set) = (url.clone(), set.clone());
        processes.spawn(async move {
            let context = context(&url);
            let db = open(&context).await.unwrap();
            jobs(&context).await.unwrap();
            db.database().migrate(&set).await.unwrap().len()
        });
    }
    let mut applied = 0;
    while let Some(process) = within_a_minute(processes.join_next()).await {
        applied += process.unwrap();
    }
    assert_eq!(applied, 1);
}

#[tokio::test]
async fn jobs_of_a_transaction_are_there_once_it_is_committed() {
    let context = context(&pooled(&fresh_url().await).await);
    let (db, jobs) = (open(&context).await.unwrap(), jobs(&context).await.unwrap());
    let committed = db.transaction(Isolation::Default, async |tx| jobs.add_in(tx, vec![job("a")]).await);
    assert!(!committed.await.unwrap()[0].duplicate);
    let mut tx = db.database().begin(Isolation::Default).await.unwrap();
    jobs.add_in(&mut tx, vec![job("b")]).await.unwrap();
    drop(tx);
    assert_eq!(jobs.counts(&queue()).await.unwrap().waiting, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_when_a_killed_pooler_is_back() {
    let server = server().await;
    let bouncer = bouncer(&server, &[]).await;
    let fleet = Fleet::start(&bouncer.url_of(&server.url()), &bouncer.url_of(&server.url())).await;
    for _ in 0..2 {
        let (killed, restarted) = (bouncer.clone(), bouncer.clone());
        fleet.survives(RESUMES_WITHIN, move || killed.kill(), move || restarted.restart()).await;
    }
    fleet.all_ran().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_when_a_killed_server_behind_a_pooler_is_back() {
    let server = server().await;
    let bouncer = bouncer(&server, &[]).await;
    let fleet = Fleet::start(&bouncer.url_of(&server.url()), &bouncer.url_of(&server.url())).await;
    for _ in 0..2 {
        let (killed, restarted) = (server.clone(), server.clone());
        fleet.survives(RESUMES_WITHIN, move || killed.kill(), move || restarted.restart()).await;
    }
    fleet.all_ran().await;
}
