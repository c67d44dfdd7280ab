//! `Db` on SQLite: values, routing of statements, transactions, streams.

use athyper::sql::sea_query::{Alias, Asterisk, Expr, ExprTrait, Query};
use athyper::sql::{FromRow, Isolation, Row, Statement};
use athyper::sqlite::SqliteDatabase;
use athyper::{Error, ErrorKind, Result};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use futures_util::{StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::support::{Folder, context, memory, number, open, run, within_a_minute};

const TABLE: &str = "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE, value)";

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went_in() {
    let db = memory().await;
    let instant = Utc.with_ymd_and_hms(2026, 3, 28, 22, 59, 0).unwrap() + chrono::TimeDelta::microseconds(7);
    let id = Uuid::now_v7();
    let document = serde_json::json!({"a": [1, null, "ä"]});
    let statement = Statement::text("SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?")
        .bind(true)
        .bind(-7)
        .bind(i64::MAX)
        .bind(1.5)
        .bind("naïve 🦀")
        .bind(vec![0_u8, 255, 10])
        .bind(instant)
        .bind(id)
        .bind(document.clone())
        .bind(NaiveDate::from_ymd_opt(2026, 2, 28).unwrap())
        .bind(NaiveTime::from_hms_micro_opt(1, 2, 3, 4).unwrap())
        .bind(None::<String>);
    let row: Row = db.fetch_one(statement).await.unwrap();
    assert!(row.at::<bool>(0).unwrap());
    assert_eq!(row.at::<i32>(1).unwrap(), -7);
    assert_eq!(row.at::<i64>(2).unwrap(), i64::MAX);
    assert_eq!(row.at::<f64>(3).unwrap().to_bits(), 1.5_f64.to_bits());
    assert_eq!(row.at::<String>(4).unwrap(), "naïve 🦀");
    assert_eq!(row.at::<Vec<u8>>(5).unwrap(), [0, 255, 10]);
    assert_eq!(row.at::<DateTime<Utc>>(6).unwrap(), instant);
    assert_eq!(row.at::<Uuid>(7).unwrap(), id);
    assert_eq!(row.at::<serde_json::Value>(8).unwrap(), document);
    assert_eq!(row.at::<NaiveDate>(9).unwrap(), NaiveDate::from_ymd_opt(2026, 2, 28).unwrap());
    assert_eq!(row.at::<NaiveTime>(10).unwrap(), NaiveTime::from_hms_micro_opt(1, 2, 3, 4).unwrap());
    assert_eq!(row.at::<Option<String>>(11).unwrap(), None);
}

#[tokio::test]
async fn instants_sort_as_they_compare_whatever_their_zone_and_fraction() {
    let db = memory().await;
    run(&db, &["CREATE TABLE instants (at TEXT)"]).await;
    let base = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
    let mut instants: Vec<DateTime<Utc>> =
        [0, 1, 10, 999_999, 1_000_000, 500_000].map(|micros| base + chrono::TimeDelta::microseconds(micros)).into();
    for instant in &instants {
        let east = instant.with_timezone(&FixedOffset::east_opt(5 * 3600).unwrap());
        db.execute(Statement::text("INSERT INTO instants VALUES (?)").bind(east)).await.unwrap();
    }
    instants.sort_unstable();
    let stored: Vec<(DateTime<Utc>,)> =
        db.fetch_all(Statement::text("SELECT at FROM instants ORDER BY at")).await.unwrap();
    assert_eq!(stored.into_iter().map(|(at,)| at).collect::<Vec<_>>(), instants);
    let text: (String,) = db.fetch_one(Statement::text("SELECT min(at) FROM instants")).await.unwrap();
    assert_eq!(text.0, "2026-01-01T00:00:00.000000Z");
}

#[tokio::test]
async fn instants_that_sqlite_wrote_itself_are_read_as_utc() {
    let db = memory().await;
    let sql = "SELECT datetime(0, 'unixepoch'), '1970-01-01T02:00:00+02:00', '1970-01-01 00:00:00.5'";
    let (plain, zoned, local): (DateTime<Utc>, DateTime<Utc>, NaiveDateTime) =
        db.fetch_one::<(DateTime<Utc>, DateTime<Utc>, NaiveDateTime)>(Statement::text(sql)).await.unwrap();
    assert_eq!((plain, zoned), (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH));
    assert_eq!(local.and_utc().timestamp_millis(), 500);
}

#[tokio::test]
async fn values_that_sqlite_would_change_silently_are_refused() {
    let db = memory().await;
    for statement in [
        Statement::text("SELECT ?").bind(u64::MAX),
        Statement::text("SELECT ?").bind(f64::NAN),
        Statement::text("SELECT ?").bind(DateTime::<Utc>::MAX_UTC),
    ] {
        let error = db.fetch_one::<Row>(statement).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, "sql-value"));
    }
    let kept: (u64,) = db.fetch_one(Statement::text("SELECT ?").bind(7_u64)).await.unwrap();
    assert_eq!(kept.0, 7);
}

#[tokio::test]
async fn statements_of_sea_query_read_and_write() {
    let db = memory().await;
    run(&db, &[TABLE]).await;
    let table = Alias::new("things");
    let insert = Query::insert()
        .into_table(table.clone())
        .columns([Alias::new("name"), Alias::new("value")])
        .values_panic(["a".into(), 1.into()])
        .values_panic(["b".into(), 2.into()])
        .to_owned();
    assert_eq!(db.execute(&insert).await.unwrap(), 2);
    let select =
        Query::select().column(Asterisk).from(table.clone()).and_where(Expr::col(Alias::new("value")).gt(1)).to_owned();
    let row: Row = db.fetch_one(&select).await.unwrap();
    assert_eq!(row.columns(), ["id", "name", "value"]);
    assert_eq!(row.get::<String>("name").unwrap(), "b");
    let missing =
        db.fetch_optional::<Row>(Query::select().column(Asterisk).from(table).and_where(Expr::val(1).eq(2)).to_owned());
    assert!(missing.await.unwrap().is_none());
}

#[tokio::test]
async fn a_statement_that_writes_and_answers_rows_is_committed() {
    let folder = Folder::new();
    let db = open(&context(&folder.url("app.db"))).await.unwrap();
    run(&db, &[TABLE]).await;
    let inserted: (i64,) =
        db.fetch_one(Statement::text("INSERT INTO things (name) VALUES ('a') RETURNING id")).await.unwrap();
    let by_with = "WITH fresh AS (SELECT 'b' AS name) INSERT INTO things (name) SELECT name FROM fresh RETURNING id";
    let second: (i64,) = db.fetch_one(Statement::text(by_with)).await.unwrap();
    assert_eq!((inserted.0, second.0), (1, 2));
    let streamed: Vec<(i64,)> =
        db.stream::<(i64,)>(Statement::text("UPDATE things SET value = 1 RETURNING id")).try_collect().await.unwrap();
    assert_eq!(streamed, [(1,), (2,)]);
    let by_with = "WITH a AS (SELECT 1) UPDATE things SET value = 2 WHERE id = 1 RETURNING id";
    let streamed: Vec<(i64,)> = db.stream::<(i64,)>(Statement::text(by_with)).try_collect().await.unwrap();
    assert_eq!(streamed, [(1,)]);
    let other = open(&context(&folder.url("app.db"))).await.unwrap();
    assert_eq!(number(&other, "SELECT sum(value) FROM things").await, 3);
}

#[tokio::test]
async fn rows_changed_are_counted_only_for_statements_that_change_rows() {
    let db = memory().await;
    run(&db, &[TABLE]).await;
    let three = Statement::text("INSERT INTO things (name) VALUES ('a'), ('b'), ('c')");
    assert_eq!(db.execute(three).await.unwrap(), 3);
    assert_eq!(db.execute(Statement::text("CREATE TABLE others (id)")).await.unwrap(), 0);
    assert_eq!(db.execute(Statement::text("UPDATE things SET value = 1 WHERE id = 99")).await.unwrap(), 0);
    assert_eq!(db.execute(Statement::text("VACUUM")).await.unwrap(), 0);
}

#[tokio::test]
async fn broken_rules_are_told_apart() {
    let db = memory().await;
    run(
        &db,
        &[
            "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
            "CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents, age INTEGER CHECK (age >= 0))",
            "INSERT INTO parents VALUES (1)",
        ],
    )
    .await;
    for (sql, kind, code) in [
        ("INSERT INTO parents VALUES (1)", ErrorKind::Conflict, "sql-unique"),
        ("INSERT INTO children VALUES (1, 9, 0)", ErrorKind::Conflict, "sql-foreign-key"),
        ("INSERT INTO children VALUES (1, NULL, 0)", ErrorKind::Invalid, "sql-not-null"),
        ("INSERT INTO children VALUES (1, 1, -1)", ErrorKind::Invalid, "sql-check"),
        ("INSERT INTO nowhere VALUES (1)", ErrorKind::Internal, "sql-statement"),
        ("SELEKT 1", ErrorKind::Internal, "sql-statement"),
    ] {
        let error = db.execute(Statement::text(sql)).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, code), "{sql}: {error:?}");
    }
    let error = db.execute(Statement::text("INSERT INTO parents VALUES (1)")).await.unwrap_err();
    assert!(!error.to_string().contains("parents"), "the message of a conflict reaches clients: {error}");
}

#[tokio::test]
async fn a_transaction_is_committed_or_undone_as_a_whole() {
    let db = memory().await;
    run(&db, &[TABLE]).await;
    let id = db
        .transaction(Isolation::Default, async |tx| {
            tx.execute(Statement::text("INSERT INTO things (name) VALUES ('a')")).await?;
            let (id,): (i64,) = tx.fetch_one(Statement::text("SELECT max(id) FROM things")).await?;
            Ok(id)
        })
        .await
        .unwrap();
    assert_eq!(id, 1);
    let refused: Result<()> = db
        .transaction(Isolation::Default, async |tx| {
            tx.execute(Statement::text("INSERT INTO things (name) VALUES ('b')")).await?;
            Err(Error::invalid("no"))
        })
        .await;
    assert_eq!(refused.unwrap_err().to_string(), "no");
    assert_eq!(number(&db, "SELECT count(*) FROM things").await, 1);
}

#[tokio::test]
async fn a_panic_in_a_transaction_rolls_it_back() {
    let db = memory().await;
    run(&db, &[TABLE]).await;
    let inner = db.clone();
    let panicked = tokio::spawn(async move {
        inner
            .transaction(Isolation::Default, async |tx| -> Result<()> {
                tx.execute(Statement::text("INSERT INTO things (name) VALUES ('a')")).await?;
                panic!("on purpose")
            })
            .await
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(number(&db, "SELECT count(*) FROM things").await, 0);
    run(&db, &["INSERT INTO things (name) VALUES ('b')"]).await;
}

#[tokio::test]
async fn an_error_that_ends_the_transaction_lets_nothing_more_run_in_it() {
    let db = memory().await;
    run(&db, &[TABLE, "INSERT INTO things (name) VALUES ('taken')"]).await;
    let outcome = db
        .transaction(Isolation::Default, async |tx| {
            tx.execute(Statement::text("INSERT INTO things (name) VALUES ('first')")).await?;
            // SQLite rolls the whole transaction back here, and would run what follows on its own.
            let clash = "INSERT OR ROLLBACK INTO things (name) VALUES ('taken')";
            assert_eq!(tx.execute(Statement::text(clash)).await.unwrap_err().code(), "sql-unique");
            tx.execute(Statement::text("INSERT INTO things (name) VALUES ('stray')")).await?;
            Ok(())
        })
        .await;
    assert_eq!(outcome.unwrap_err().code(), "sql-transaction-ended");
    assert_eq!(number(&db, "SELECT count(*) FROM things").await, 1);
    // An error that leaves the transaction open does not keep it from going on.
    db.transaction(Isolation::Default, async |tx| {
        let clash = "INSERT INTO things (name) VALUES ('taken')";
        assert_eq!(tx.execute(Statement::text(clash)).await.unwrap_err().code(), "sql-unique");
        tx.execute(Statement::text("INSERT INTO things (name) VALUES ('second')")).await
    })
    .await
    .unwrap();
    assert_eq!(number(&db, "SELECT count(*) FROM things").await, 2);
}

#[tokio::test]
async fn a_commit_that_is_refused_leaves_nothing_behind() {
    let db = memory().await;
    run(
        &db,
        &[
            "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
            "CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)",
        ],
    )
    .await;
    let outcome = db
        .transaction(Isolation::Default, async |tx| {
            tx.execute(Statement::text("INSERT INTO children VALUES (9)")).await
        })
        .await;
    assert_eq!(outcome.unwrap_err().code(), "sql-foreign-key");
    run(&db, &["INSERT INTO parents VALUES (1)"]).await;
    assert_eq!(number(&db, "SELECT count(*) FROM children").await, 0);
}

#[tokio::test]
async fn products_do_not_begin_or_end_transactions_by_hand() {
    let db = memory().await;
    run(&db, &[TABLE]).await;
    for sql in ["BEGIN", " -- x\nCOMMIT", "/* y */ ROLLBACK", "SAVEPOINT a", "END"] {
        let error = db.execute(Statement::text(sql)).await.unwrap_err();
        assert_eq!(error.code(), "sql-transaction-control", "{sql}");
        assert_eq!(db.fetch_all::<Row>(Statement::text(sql)).await.unwrap_err().code(), "sql-transaction-control");
        let streamed: Result<Vec<Row>> = db.stream::<Row>(Statement::text(sql)).try_collect().await;
        assert_eq!(streamed.unwrap_err().code(), "sql-transaction-control");
        let inside: Result<u64> =
            db.transaction(Isolation::Default, async |tx| tx.execute(Statement::text(sql)).await).await;
        assert_eq!(inside.unwrap_err().code(), "sql-transaction-control");
    }
    // Behind another statement it cannot be refused beforehand; it must not leave a transaction open.
    for sql in ["SELECT 1; BEGIN", "SELECT 1; COMMIT; BEGIN", "INSERT INTO things (name) VALUES (NULL); COMMIT"] {
        let _ = db.fetch_all::<Row>(Statement::text(sql)).await;
        let _ = db.execute(Statement::text(sql)).await;
        run(&db, &["INSERT INTO things (name) VALUES (NULL)"]).await;
    }
}

#[tokio::test]
async fn a_stream_is_not_gathered_and_does_not_hold_the_writer() {
    let db = memory().await;
    run(&db, &[TABLE]).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let mut stream = db.stream::<(i64,)>(Statement::text(endless));
    for expected in 1..=10 {
        assert_eq!(within_a_minute(stream.next()).await.unwrap().unwrap(), (expected,));
    }
    within_a_minute(run(&db, &["INSERT INTO things (name) VALUES ('while it streams')"])).await;
    drop(stream);
    // All readers come back from streams that were dropped in the middle.
    for _ in 0..20 {
        let mut stream = db.stream::<(i64,)>(Statement::text(endless));
        stream.next().await.unwrap().unwrap();
    }
    assert_eq!(within_a_minute(number(&db, "SELECT count(*) FROM things")).await, 1);
    let million = format!("{endless} LIMIT 1000000");
    let all = db.stream::<(i64,)>(Statement::text(million)).try_fold(0_i64, |sum, (i,)| async move { Ok(sum + i) });
    assert_eq!(within_a_minute(all).await.unwrap(), 500_000_500_000);
}

#[tokio::test]
async fn a_stream_reports_an_error_in_the_middle() {
    let db = memory().await;
    let sql = "WITH n(i) AS (VALUES (1), (2), (-9223372036854775808)) SELECT abs(i) FROM n";
    let rows: Vec<Result<(i64,)>> = db.stream(Statement::text(sql)).collect().await;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[2].as_ref().unwrap_err().kind(), ErrorKind::Internal);
}

#[tokio::test]
async fn a_stream_within_a_transaction_sees_what_the_transaction_wrote() {
    let db = memory().await;
    run(&db, &[TABLE]).await;
    db.transaction(Isolation::Default, async |tx| {
        tx.execute(Statement::text("INSERT INTO things (name) VALUES ('a'), ('b')")).await?;
        let names: Vec<(String,)> =
            tx.stream::<(String,)>(Statement::text("SELECT name FROM things ORDER BY name")).try_collect().await?;
        assert_eq!(names, [("a".to_owned(),), ("b".to_owned(),)]);
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn readers_see_the_last_commit_while_a_transaction_is_open() {
    let db = memory().await;
    run(&db, &[TABLE]).await;
    let mut tx = db.database().begin(Isolation::Default).await.unwrap();
    tx.execute(Statement::text("INSERT INTO things (name) VALUES ('a')")).await.unwrap();
    assert_eq!(within_a_minute(number(&db, "SELECT count(*) FROM things")).await, 0);
    tx.into_inner().commit().await.unwrap();
    assert_eq!(number(&db, "SELECT count(*) FROM things").await, 1);
}

#[tokio::test]
async fn a_column_added_by_somebody_else_is_seen() {
    let folder = Folder::new();
    let (one, other) =
        (open(&context(&folder.url("a.db"))).await.unwrap(), open(&context(&folder.url("a.db"))).await.unwrap());
    run(&one, &[TABLE, "INSERT INTO things (name) VALUES ('a')"]).await;
    let all = || Statement::text("SELECT * FROM things");
    assert_eq!(one.fetch_one::<Row>(all()).await.unwrap().columns().len(), 3);
    run(&other, &["ALTER TABLE things ADD COLUMN more TEXT DEFAULT 'x'"]).await;
    let row: Row = one.fetch_one(all()).await.unwrap();
    assert_eq!(row.get::<String>("more").unwrap(), "x");
}

#[tokio::test]
async fn waiting_for_a_transaction_that_holds_the_writer_is_bounded_and_explained() {
    let db = open(&context("sqlite::memory:?busy_timeout=50ms")).await.unwrap();
    run(&db, &[TABLE]).await;
    let outcome =
        db.transaction(Isolation::Default, async |_tx| db.execute(Statement::text("DELETE FROM things")).await).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "sqlite-busy"));
    assert!(error.to_string().contains("in_tx"), "{error}");
    run(&db, &["DELETE FROM things"]).await;
}

#[tokio::test]
async fn databases_in_memory_are_private_and_go_with_their_last_handle() {
    let (one, other) = (memory().await, memory().await);
    run(&one, &[TABLE]).await;
    assert_eq!(number(&other, "SELECT count(*) FROM sqlite_schema").await, 0);
    let file = one.database().as_any().downcast_ref::<SqliteDatabase>().unwrap().file().to_owned();
    assert!(file.exists());
    drop(one);
    assert!(!file.exists());
}

#[tokio::test]
async fn a_closed_database_says_so_and_closing_waits_for_what_is_under_way() {
    let db = memory().await;
    run(&db, &[TABLE]).await;
    let mut tx = db.database().begin(Isolation::Default).await.unwrap();
    tx.execute(Statement::text("INSERT INTO things (name) VALUES ('a')")).await.unwrap();
    let closing = {
        let database = db.database().clone();
        tokio::spawn(async move { database.close().await })
    };
    tokio::task::yield_now().await;
    tx.into_inner().commit().await.unwrap();
    within_a_minute(closing).await.unwrap();
    for outcome in [
        db.execute(Statement::text("DELETE FROM things")).await.map(drop),
        db.fetch_all::<Row>(Statement::text("SELECT 1")).await.map(drop),
        db.database().ping().await,
    ] {
        assert_eq!(outcome.unwrap_err().code(), "sqlite-closed");
    }
}

#[tokio::test]
async fn a_copy_is_a_whole_database() {
    let folder = Folder::new();
    let db = memory().await;
    run(&db, &[TABLE, "INSERT INTO things (name) VALUES ('a')"]).await;
    let sqlite = db.database().as_any().downcast_ref::<SqliteDatabase>().unwrap();
    sqlite.back_up(&folder.file("copy.db")).await.unwrap();
    let copy = open(&context(&folder.url("copy.db"))).await.unwrap();
    assert_eq!(number(&copy, "SELECT count(*) FROM things").await, 1);
    assert!(sqlite.check_integrity().await.unwrap().is_empty());
    assert!(sqlite.back_up(&folder.file("copy.db")).await.is_err());
}

#[tokio::test]
async fn a_row_that_does_not_fit_names_its_column() {
    let db = memory().await;
    let row: Row = db.fetch_one(Statement::text("SELECT 'x' AS age")).await.unwrap();
    let error = row.get::<i64>("age").unwrap_err();
    assert!(error.to_string().contains("age"), "{error}");
    assert!(<(i64, i64)>::from_row(row).is_err());
}

#[tokio::test]
async fn a_text_without_a_statement_does_nothing() {
    let db = memory().await;
    for sql in ["", " ", "-- nothing\n", "/* * */", ";;"] {
        assert_eq!(db.execute(Statement::text(sql)).await.unwrap(), 0, "{sql:?}");
        assert!(db.fetch_all::<Row>(Statement::text(sql)).await.unwrap().is_empty(), "{sql:?}");
    }
}
