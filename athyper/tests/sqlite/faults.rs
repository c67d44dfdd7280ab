//! What the adapter says when the file, the folder or the disk is the matter, and that it goes on afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use athyper::sql::{Db, Isolation, Row, Statement};
use athyper::{Error, ErrorKind};

use crate::processes::{command, lines};
use crate::support::{Folder, context, driver, job, jobs, number, open, run, within_a_minute};

/// The error of opening a database and writing to it.
async fn refusal(url: &str) -> Error {
    match open(&context(url)).await {
        Err(error) => error,
        Ok(db) => db.execute(Statement::text("CREATE TABLE IF NOT EXISTS a (id)")).await.unwrap_err(),
    }
}

fn assert_says(error: &Error, code: &str, words: &[&str]) {
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, code), "{error:?}");
    for word in words {
        assert!(error.to_string().contains(word), "`{word}` is missing: {error}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new();
    fs::write(folder.file("file"), "").unwrap();
    let error = refusal(&folder.url("file/data/app.db")).await;
    assert_says(&error, "sqlite-cannot-open", &["file/data", "app.db"]);
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_is_named() {
    let folder = Folder::new();
    fs::create_dir(folder.file("app.db")).unwrap();
    assert_says(&refusal(&folder.url("app.db")).await, "sqlite-cannot-open", &["app.db"]);
}

#[tokio::test]
async fn what_is_not_a_database_is_named() {
    let folder = Folder::new();
    fs::write(folder.file("app.db"), "this is no database, and it is long enough to be looked at ".repeat(20)).unwrap();
    let error = refusal(&folder.url("app.db")).await;
    assert_says(&error, "sqlite-not-a-database", &["app.db", "move this one away"]);
    let open = driver().jobs.unwrap();
    assert_eq!(open(&context(&folder.url("app.db"))).await.unwrap_err().code(), "sqlite-not-a-database");
    assert!(fs::read_to_string(folder.file("app.db")).unwrap().starts_with("this is no database"), "it was written");
}

#[tokio::test]
async fn a_damaged_database_is_named() {
    let folder = Folder::new();
    {
        let db = open(&context(&folder.url("app.db"))).await.unwrap();
        run(&db, &["CREATE TABLE a (text TEXT)"]).await;
        for _ in 0..50 {
            run(&db, &["INSERT INTO a VALUES (hex(randomblob(2000)))"]).await;
        }
        db.database().close().await;
    }
    let mut bytes = fs::read(folder.file("app.db")).unwrap();
    let middle = bytes.len() / 4;
    bytes[middle..].fill(0xff);
    fs::write(folder.file("app.db"), bytes).unwrap();
    let db = open(&context(&folder.url("app.db"))).await.unwrap();
    let error = db.fetch_all::<Row>(Statement::text("SELECT sum(length(text)) FROM a")).await.unwrap_err();
    assert_says(&error, "sqlite-corrupt", &["app.db", ".recover"]);
}

/// Runs a task as somebody who may not do everything, whoever runs the tests.
fn refusal_as_nobody(folder: &Folder, url: &str) -> Vec<String> {
    // The program may lie where nobody may look.
    let program = folder.file("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = command(&program, "refusal", url);
    let is_root = {
        let probe = folder.file("probe");
        fs::create_dir(&probe).unwrap();
        fs::set_permissions(&probe, fs::Permissions::from_mode(0o500)).unwrap();
        fs::write(probe.join("file"), "").is_ok()
    };
    if is_root {
        command.uid(65_534).gid(65_534);
    }
    lines(&mut command.spawn().unwrap())
}

/// What [`refusal_as_nobody`] runs.
pub(crate) async fn say_refusal(url: &str) -> String {
    let error = refusal(url).await;
    format!("{} {error}", error.code())
}

#[tokio::test]
async fn a_folder_that_may_not_be_written_is_named() {
    let folder = Folder::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let locked = folder.file("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    let said = refusal_as_nobody(&folder, &folder.url("locked/app.db"));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(said[0].starts_with("sqlite-cannot-open") && said[0].contains("locked/app.db"), "{said:?}");
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_named() {
    let folder = Folder::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    {
        let db = open(&context(&folder.url("app.db"))).await.unwrap();
        run(&db, &["CREATE TABLE b (id)"]).await;
        db.database().close().await;
    }
    fs::set_permissions(folder.file("app.db"), fs::Permissions::from_mode(0o444)).unwrap();
    let said = refusal_as_nobody(&folder, &folder.url("app.db"));
    assert!(said[0].starts_with("sqlite-read-only") && said[0].contains("app.db"), "{said:?}");
}

async fn limit_pages(db: &Db, pages: u32) {
    db.execute(Statement::text(format!("PRAGMA max_page_count = {pages}"))).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_work_goes_on_once_there_is_space() {
    let folder = Folder::new();
    let context = context(&folder.url("app.db"));
    let (db, queue) = (open(&context).await.unwrap(), jobs(&context).await);
    run(&db, &["CREATE TABLE a (text TEXT)"]).await;
    let pages = number(&db, "SELECT page_count FROM pragma_page_count").await;
    limit_pages(&db, u32::try_from(pages).unwrap() + 10).await;

    let mut accepted = 0;
    let error = loop {
        let large = Statement::text("INSERT INTO a VALUES (hex(randomblob(4000)))");
        match db.execute(large).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "disk-full"), "{error:?}");
    assert!(error.to_string().contains("app.db"), "{error}");
    // A transaction that meets the full disk is undone as a whole, and nothing more runs in it.
    let outcome = db
        .transaction(Isolation::Default, async |tx| {
            tx.execute(Statement::text("DELETE FROM a WHERE rowid = 1")).await?;
            let large = Statement::text("INSERT INTO a VALUES (hex(randomblob(90000)))");
            assert_eq!(tx.execute(large).await.unwrap_err().code(), "disk-full");
            tx.execute(Statement::text("DELETE FROM a")).await
        })
        .await;
    assert_eq!(outcome.unwrap_err().code(), "sql-transaction-ended");
    assert_eq!(number(&db, "SELECT count(*) FROM a").await, accepted);
    // The queue refuses what it cannot keep.
    let mut large = job("large", &*context.clock);
    large.envelope.payload = vec![b'1'; 200_000].into();
    assert_eq!(queue.add(vec![large.clone()]).await.unwrap_err().code(), "disk-full");

    limit_pages(&db, 1_000_000).await;
    assert!(!within_a_minute(queue.add(vec![large])).await.unwrap()[0].duplicate);
    run(&db, &["INSERT INTO a VALUES (hex(randomblob(4000)))"]).await;
    assert_eq!(number(&db, "SELECT count(*) FROM a").await, accepted + 1);
}

/// Writes until the system refuses, within a limit on the size of files that stands for a disk that fails.
pub(crate) async fn write_until_refused(url: &str) -> String {
    let db = open(&context(url)).await.unwrap();
    run(&db, &["CREATE TABLE IF NOT EXISTS a (text TEXT)"]).await;
    loop {
        let outcome = db
            .transaction(Isolation::Default, async |tx| {
                tx.execute(Statement::text("INSERT INTO a VALUES (hex(randomblob(1000)))")).await
            })
            .await;
        if let Err(error) = outcome {
            // The next statement gets a connection of its own.
            let readable = db.fetch_all::<Row>(Statement::text("SELECT count(1) FROM a")).await.is_ok();
            return format!("{:?} {} {readable}", error.kind(), error.to_string().contains("app.db"));
        }
    }
}

#[tokio::test]
async fn a_commit_that_fails_on_its_way_to_the_disk_is_of_unknown_outcome() {
    let folder = Folder::new();
    let child = command(&std::env::current_exe().unwrap(), "write-until-refused", &folder.url("app.db"));
    // The limit is in blocks of 512 or 1,024 bytes, by the shell; both are below what the log grows to.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\""])
        .arg(child.get_program())
        .args(child.get_args());
    for (name, value) in child.get_envs() {
        shell.env(name, value.unwrap());
    }
    let said = lines(&mut shell.stdout(Stdio::piped()).spawn().unwrap());
    assert_eq!(said, ["UnknownOutcome true true"]);
}

/// A very small disk of its own, if this process may make one.
struct SmallDisk(Folder);

impl SmallDisk {
    fn new() -> Option<Self> {
        let folder = Folder::new();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=700k", "tmpfs"]).arg(folder.path()).status();
        mount.is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn jobs_survive_a_disk_that_is_really_full() {
    // Where no disk can be made, the limit on pages above shows the same but for the log.
    let Some(disk) = SmallDisk::new() else { return };
    let folder = &disk.0;
    let context = context(&folder.url("app.db"));
    let (db, queue) = (open(&context).await.unwrap(), jobs(&context).await);
    fs::write(folder.file("ballast"), vec![0; 200_000]).unwrap();
    let mut accepted = Vec::new();
    let error = loop {
        let mut next = job(&format!("job-{}", accepted.len()), &*context.clock);
        next.envelope.payload = vec![b'1'; 2_000].into();
        match queue.add(vec![next]).await {
            Ok(added) => accepted.push(added[0].id.clone()),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "disk-full"), "{error:?}");
    assert!(!accepted.is_empty());
    // Reading goes on.
    for id in &accepted {
        assert!(queue.get(&"email".into(), id).await.unwrap().is_some(), "{id} is lost");
    }
    fs::remove_file(folder.file("ballast")).unwrap();
    within_a_minute(queue.add(vec![job("afterwards", &*context.clock)])).await.unwrap();
    assert_eq!(queue.counts(&"email".into()).await.unwrap().waiting, accepted.len() as u64 + 1);
    let rows: Vec<(String,)> = db.fetch_all(Statement::text("PRAGMA integrity_check")).await.unwrap();
    assert_eq!(rows, [("ok".to_owned(),)]);
}
