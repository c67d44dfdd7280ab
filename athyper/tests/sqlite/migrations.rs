//! Migrations: applied once, checked ever after.

use athyper::sql::{Db, Migration, MigrationSet, Statement};
use athyper::{Error, ErrorKind};

use crate::support::{Folder, context, memory, number, open};

const TABLE: &str = "migrations";
pub(crate) const FIRST: Migration =
    Migration { version: 1, name: "users", sql: "CREATE TABLE users (id INTEGER PRIMARY KEY);" };
pub(crate) const SECOND: Migration = Migration {
    version: 2,
    name: "emails",
    sql: "ALTER TABLE users ADD COLUMN email TEXT;\nCREATE TRIGGER t AFTER INSERT ON users BEGIN SELECT 1; END;",
};

fn set(migrations: &[Migration]) -> MigrationSet {
    MigrationSet { table: TABLE, migrations: migrations.to_vec() }
}

pub(crate) async fn migrate(db: &Db, migrations: &[Migration]) -> Result<Vec<i64>, Error> {
    let applied = db.database().migrate(&set(migrations)).await?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}

#[tokio::test]
async fn what_is_missing_is_applied_once() {
    let db = memory().await;
    assert!(db.database().applied(&set(&[])).await.unwrap().is_empty());
    assert_eq!(migrate(&db, &[FIRST]).await.unwrap(), [1]);
    assert_eq!(migrate(&db, &[FIRST, SECOND]).await.unwrap(), [2]);
    assert!(migrate(&db, &[FIRST, SECOND]).await.unwrap().is_empty());
    let applied = db.database().applied(&set(&[FIRST, SECOND])).await.unwrap();
    assert_eq!(applied.iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), ["users", "emails"]);
    assert_eq!(applied[0].checksum.len(), 64);
    db.execute(Statement::text("INSERT INTO users (email) VALUES ('a@example.org')")).await.unwrap();
}

#[tokio::test]
async fn owners_do_not_see_one_another() {
    let db = memory().await;
    migrate(&db, &[FIRST]).await.unwrap();
    let other = Migration { version: 1, name: "jobs", sql: "CREATE TABLE jobs (id)" };
    let ours = MigrationSet { table: "athyper_migrations", migrations: vec![other] };
    assert_eq!(db.database().migrate(&ours).await.unwrap().len(), 1);
    assert_eq!(db.database().applied(&set(&[FIRST])).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_set_that_does_not_fit_is_refused_with_its_number() {
    let db = memory().await;
    migrate(&db, &[FIRST, SECOND]).await.unwrap();
    let changed = Migration { sql: "CREATE TABLE users (id TEXT)", ..FIRST };
    let gap = Migration { version: 4, name: "gap", sql: "SELECT 1" };
    for (migrations, code, word) in [
        (vec![changed, SECOND], "sql-migration-changed", "migration 1"),
        (vec![FIRST], "sql-migration-unknown", "migration 2"),
        (vec![FIRST, SECOND, gap], "sql-migration-gap", "number 4"),
        (vec![SECOND, FIRST], "sql-migration-gap", "number 2"),
    ] {
        let error = migrate(&db, &migrations).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, code));
        assert!(error.to_string().contains(word), "{error}");
    }
    db.execute(Statement::text("DELETE FROM migrations WHERE version = 1")).await.unwrap();
    assert_eq!(migrate(&db, &[FIRST, SECOND]).await.unwrap_err().code(), "sql-migration-gap");
}

#[tokio::test]
async fn line_ends_of_another_system_change_nothing() {
    let db = memory().await;
    let unix = Migration { version: 1, name: "a", sql: "CREATE TABLE a (id);\nCREATE TABLE b (id);\n" };
    let windows = Migration { sql: "CREATE TABLE a (id);\r\nCREATE TABLE b (id);\r\n", ..unix.clone() };
    migrate(&db, &[unix]).await.unwrap();
    assert!(migrate(&db, &[windows]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_and_those_before_it_stay() {
    let db = memory().await;
    let broken =
        Migration { version: 2, name: "broken", sql: "CREATE TABLE half (id); INSERT INTO nowhere VALUES (1);" };
    let error = migrate(&db, &[FIRST, broken]).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, "sql-migration-failed"));
    assert!(error.to_string().contains("migration 2 `broken`"), "{error}");
    assert_eq!(number(&db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'").await, 0);
    assert_eq!(migrate(&db, &[FIRST, SECOND]).await.unwrap(), [2]);
}

#[tokio::test]
async fn a_migration_may_not_end_its_transaction() {
    let db = memory().await;
    for sql in ["CREATE TABLE a (id); COMMIT;", "CREATE TABLE b (id); ROLLBACK; SELECT 1;"] {
        let error = migrate(&db, &[Migration { version: 1, name: "escape", sql }]).await.unwrap_err();
        assert_eq!(error.code(), "sql-migration-transaction", "{sql}");
        assert!(db.database().applied(&set(&[])).await.unwrap().is_empty());
    }
    db.execute(Statement::text("CREATE TABLE still_works (id)")).await.unwrap();
}

#[tokio::test]
async fn two_stores_that_start_together_both_succeed() {
    for _ in 0..10 {
        let folder = Folder::new();
        let url = folder.url("app.db");
        let starts = (0..4).map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let db = open(&context(&url)).await?;
                migrate(&db, &[FIRST, SECOND]).await
            })
        });
        let mut applied = 0;
        for start in starts.collect::<Vec<_>>() {
            applied += start.await.unwrap().unwrap().len();
        }
        assert_eq!(applied, 2);
    }
}
