//! The database: values, statements, transactions, streams, migrations.

use athyper::postgres::PostgresDatabase;
use athyper::sql::{Isolation, Migration, MigrationSet, Row, Statement};
use athyper::{Error, ErrorKind, Result};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use futures_util::{StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::support::{context, fresh, fresh_url, number, open, run, within_a_minute};

const TABLE: &str = "CREATE TABLE things (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT UNIQUE)";

#[tokio::test]
async fn every_value_comes_back() {
    let db = fresh().await;
    let at = DateTime::parse_from_rfc3339("2026-03-28T22:59:00.123456Z").unwrap().to_utc();
    let id = Uuid::now_v7();
    let document = serde_json::json!({ "a": [1, "🦀", null] });
    let sql = "SELECT $1 AS truth, $2 AS small, $3 AS whole, $4 AS real, $5 AS text, $6 AS bytes, $7 AS at, $8 AS id, \
               $9 AS document, $10 AS day, $11 AS time, $12 AS local, NULL AS nothing, sum(x) AS sum, avg(x) AS mean \
               FROM (VALUES (1::bigint), (2)) AS numbers (x)";
    let statement = Statement::text(sql)
        .bind(true)
        .bind(7_i16)
        .bind(u32::MAX)
        .bind(1.5)
        .bind("naïve 🦀")
        .bind(vec![0_u8, 255])
        .bind(at)
        .bind(id)
        .bind(document.clone())
        .bind(at.date_naive())
        .bind(at.time())
        .bind(at.naive_utc());
    let row: Row = db.fetch_one(statement).await.unwrap();
    assert!(row.get::<bool>("truth").unwrap());
    assert_eq!(row.get::<i16>("small").unwrap(), 7);
    assert_eq!(row.get::<u32>("whole").unwrap(), u32::MAX);
    assert_eq!(row.get::<f64>("real").unwrap(), 1.5);
    assert_eq!(row.get::<String>("text").unwrap(), "naïve 🦀");
    assert_eq!(row.get::<Vec<u8>>("bytes").unwrap(), [0, 255]);
    assert_eq!(row.get::<DateTime<Utc>>("at").unwrap(), at);
    assert_eq!(row.get::<Uuid>("id").unwrap(), id);
    assert_eq!(row.get::<serde_json::Value>("document").unwrap(), document);
    assert_eq!(row.get::<NaiveDate>("day").unwrap(), at.date_naive());
    assert_eq!(row.get::<NaiveTime>("time").unwrap(), at.time());
    assert_eq!(row.get::<NaiveDateTime>("local").unwrap(), at.naive_utc());
    assert_eq!(row.get::<Option<i64>>("nothing").unwrap(), None);
    assert_eq!(row.get::<i64>("sum").unwrap(), 3);
    assert_eq!(row.get::<String>("mean").unwrap(), "1.5000000000000000");
}

#[tokio::test]
async fn enums_are_text_and_what_is_not_read_says_how_to_cast_it() {
    let db = fresh().await;
    run(&db, &["CREATE TYPE mood AS ENUM ('glad', 'sad')"]).await;
    let (mood,): (String,) = db.fetch_one(Statement::text("SELECT 'glad'::mood")).await.unwrap();
    assert_eq!(mood, "glad");
    let error = db.fetch_one::<Row>(Statement::text("SELECT '1 day'::interval")).await.unwrap_err();
    assert!(error.report().contains("::text"), "{}", error.report());
}

#[tokio::test]
async fn errors_have_codes() {
    let db = fresh().await;
    run(
        &db,
        &[
            TABLE,
            "CREATE TABLE parts (thing BIGINT NOT NULL REFERENCES things, size INT CHECK (size > 0))",
            "INSERT INTO things (name) VALUES ('a')",
        ],
    )
    .await;
    for (sql, kind, code) in [
        ("INSERT INTO things (name) VALUES ('a')", ErrorKind::Conflict, "sql-unique"),
        ("INSERT INTO parts VALUES (9, 1)", ErrorKind::Conflict, "sql-foreign-key"),
        ("INSERT INTO parts VALUES (NULL, 1)", ErrorKind::Invalid, "sql-not-null"),
        ("INSERT INTO parts VALUES (1, 0)", ErrorKind::Invalid, "sql-check"),
        ("INSERT INTO parts VALUES (1, 3000000000)", ErrorKind::Invalid, "sql-value"),
        ("SELECT nonsense", ErrorKind::Internal, "sql-statement"),
        ("BEGIN", ErrorKind::Configuration, "sql-transaction-control"),
        ("START TRANSACTION", ErrorKind::Configuration, "sql-transaction-control"),
        ("ABORT", ErrorKind::Configuration, "sql-transaction-control"),
    ] {
        let error = db.execute(Statement::text(sql)).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, code), "{sql}: {}", error.report());
    }
    assert_eq!(db.execute(Statement::text("UPDATE things SET name = 'b'")).await.unwrap(), 1);
    assert_eq!(db.execute(Statement::text("SELECT * FROM things")).await.unwrap(), 0);
}

#[tokio::test]
async fn a_transaction_is_there_as_a_whole_or_not_at_all() {
    let db = fresh().await;
    run(&db, &[TABLE]).await;
    let insert = || Statement::text("INSERT INTO things (name) VALUES ('a') RETURNING id");
    let undone: Result<()> = db
        .transaction(Isolation::Default, async |tx| {
            tx.fetch_one::<(i64,)>(insert()).await?;
            Err(Error::invalid("no"))
        })
        .await;
    undone.unwrap_err();
    assert_eq!(number(&db, "SELECT count(*) FROM things").await, 0);
    let seen = db
        .transaction(Isolation::Default, async |tx| {
            tx.fetch_one::<(i64,)>(insert()).await?;
            let names: Vec<(String,)> = tx.stream(Statement::text("SELECT name FROM things")).try_collect().await?;
            Ok(names.len())
        })
        .await;
    assert_eq!((seen.unwrap(), number(&db, "SELECT count(*) FROM things").await), (1, 1));
}

#[tokio::test]
async fn nothing_is_committed_after_an_error_that_the_product_swallowed() {
    let db = fresh().await;
    run(&db, &[TABLE]).await;
    let outcome = db
        .transaction(Isolation::Default, async |tx| {
            tx.execute(Statement::text("INSERT INTO things (name) VALUES ('a')")).await?;
            tx.execute(Statement::text("INSERT INTO things (name) VALUES ('a')")).await.unwrap_err();
            Ok(())
        })
        .await;
    assert_eq!(outcome.unwrap_err().code(), "sql-transaction-ended");
    assert_eq!(number(&db, "SELECT count(*) FROM things").await, 0);
}

#[tokio::test]
async fn a_stream_is_not_gathered_and_may_be_dropped() {
    let db = open(&context(&format!("{}?connections=2", fresh_url().await))).await.unwrap();
    let many = || Statement::text("SELECT generate_series(1, 100000000)::bigint");
    for _ in 0..5 {
        let mut stream = db.stream::<(i64,)>(many());
        for expected in 1..=10 {
            assert_eq!(within_a_minute(stream.next()).await.unwrap().unwrap(), (expected,));
        }
    }
    let some = Statement::text("SELECT generate_series(1, 100000)::bigint");
    let sum = db.stream::<(i64,)>(some).try_fold(0, |sum, (number,)| async move { Ok(sum + number) });
    assert_eq!(within_a_minute(sum).await.unwrap(), 5_000_050_000_i64);
}

#[tokio::test]
async fn a_direct_connection_is_no_pooler() {
    let db = fresh().await;
    let postgres = db.database().as_any().downcast_ref::<PostgresDatabase>().unwrap();
    assert!(!postgres.is_behind_pooler());
    assert!(postgres.place().starts_with("127.0.0.1:"), "{}", postgres.place());
}

const FIRST: Migration =
    Migration { version: 1, name: "users", sql: "CREATE TABLE users (id INT); INSERT INTO users VALUES (1)" };
const SECOND: Migration = Migration { version: 2, name: "emails", sql: "ALTER TABLE users ADD COLUMN email TEXT" };

fn set(migrations: &[Migration]) -> MigrationSet {
    MigrationSet { table: "migrations", migrations: migrations.to_vec() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_apply_each_migration_once() {
    let url = fresh_url().await;
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let db = open(&context(&url)).await.unwrap();
        starting.spawn(async move { db.database().migrate(&set(&[FIRST, SECOND])).await.unwrap().len() });
    }
    assert_eq!(within_a_minute(starting.join_all()).await.into_iter().sum::<usize>(), 2);
    let db = open(&context(&url)).await.unwrap();
    assert_eq!(number(&db, "SELECT count(*) FROM users").await, 1);
    let applied = db.database().applied(&set(&[])).await.unwrap();
    assert_eq!(applied.iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), ["users", "emails"]);
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_and_one_that_changed_is_refused() {
    let db = fresh().await;
    assert!(db.database().applied(&set(&[])).await.unwrap().is_empty());
    let wrong = Migration { version: 1, name: "wrong", sql: "CREATE TABLE users (id INT); SELECT nonsense" };
    assert_eq!(db.database().migrate(&set(&[wrong])).await.unwrap_err().code(), "sql-migration-failed");
    let ending = Migration { version: 1, name: "ending", sql: "CREATE TABLE others (id INT); COMMIT; BEGIN" };
    assert_eq!(db.database().migrate(&set(&[ending])).await.unwrap_err().code(), "sql-migration-transaction");
    assert_eq!(db.database().migrate(&set(&[FIRST])).await.unwrap().len(), 1);
    let changed = Migration { sql: "CREATE TABLE users (id TEXT)", ..FIRST };
    assert_eq!(db.database().migrate(&set(&[changed])).await.unwrap_err().code(), "sql-migration-changed");
}
