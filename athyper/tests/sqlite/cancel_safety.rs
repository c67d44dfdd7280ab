//! Futures dropped at any point: no transaction is left open, no write is half done, nobody is held up.

use std::sync::Arc;
use std::time::Duration;

use athyper::sql::{Db, Isolation, Statement};
use futures_util::StreamExt;

use crate::support::{Folder, context, number, open, run, within_a_minute};

/// A sequence of numbers that looks random and is the same every time (Steele and Vigna's SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Polls `future` at most `polls` times, with the runtime running in between, and drops it.
async fn dropped_after(polls: u64, future: impl Future) {
    let mut future = std::pin::pin!(future);
    for _ in 0..polls {
        if futures_util::poll!(future.as_mut()).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn transfer(db: &Db) -> athyper::Result<()> {
    db.transaction(Isolation::Default, async |tx| {
        tx.execute(Statement::text("UPDATE accounts SET balance = balance - 1 WHERE id = 1")).await?;
        let _ =
            tx.stream::<(i64,)>(Statement::text("SELECT id FROM accounts, accounts AS a, accounts AS b")).next().await;
        tx.execute(Statement::text("UPDATE accounts SET balance = balance + 1 WHERE id = 2")).await?;
        Ok(())
    })
    .await
}

async fn accounts(url: &str) -> Db {
    let db = open(&context(url)).await.unwrap();
    let setup = [
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
        "INSERT INTO accounts VALUES (1, 0), (2, 0), (3, 0), (4, 0)",
    ];
    run(&db, &setup).await;
    db
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_dropped_at_any_point_is_all_or_nothing_and_frees_the_writer() {
    let folder = Folder::new();
    let db = accounts(&folder.url("bank.db?synchronous=normal")).await;
    // Another store on the same file would be refused while this one leaves a transaction open.
    let other = open(&context(&folder.url("bank.db?synchronous=normal&busy_timeout=5s"))).await.unwrap();
    let mut dice = Dice(42);
    for round in 0..5_000_u64 {
        match dice.below(5) {
            0 => dropped_after(dice.below(60), db.database().begin(Isolation::Default)).await,
            1 => {
                dropped_after(
                    dice.below(40),
                    db.execute(Statement::text("UPDATE accounts SET balance = balance WHERE id = 3")),
                )
                .await
            }
            2 => {
                dropped_after(
                    dice.below(40),
                    db.fetch_all::<(i64,)>(Statement::text("INSERT INTO accounts (balance) VALUES (0) RETURNING id")),
                )
                .await
            }
            _ => dropped_after(dice.below(200), transfer(&db)).await,
        }
        if round % 100 == 0 {
            assert_eq!(number(&other, "SELECT sum(balance) FROM accounts").await, 0, "round {round}");
            within_a_minute(run(&other, &["UPDATE accounts SET balance = balance WHERE id = 4"])).await;
        }
    }
    within_a_minute(transfer(&db)).await.unwrap();
    assert_eq!(number(&other, "SELECT sum(balance) FROM accounts").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_aborted_at_random_times_leave_no_open_transaction() {
    let folder = Folder::new();
    let db = Arc::new(accounts(&folder.url("bank.db?synchronous=normal")).await);
    let mut dice = Dice(7);
    let mut finished = 0_i64;
    for _ in 0..2_000 {
        let tasks = (0..3).map(|_| {
            let db = db.clone();
            tokio::spawn(async move { transfer(&db).await })
        });
        let tasks: Vec<_> = tasks.collect();
        let pause = Duration::from_micros(dice.below(1_500));
        let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            if let Ok(outcome) = task.await {
                outcome.unwrap();
                finished += 1;
            }
        }
    }
    let moved = within_a_minute(number(&db, "SELECT balance FROM accounts WHERE id = 2")).await;
    assert_eq!(number(&db, "SELECT sum(balance) FROM accounts").await, 0);
    assert!(finished > 0, "no transfer got to its end");
    assert!(moved >= finished, "{finished} transfers were confirmed and {moved} are there");
}

#[tokio::test]
async fn a_transaction_dropped_outside_of_a_runtime_is_rolled_back() {
    let folder = Folder::new();
    let db = accounts(&folder.url("bank.db")).await;
    let mut tx = db.database().begin(Isolation::Default).await.unwrap();
    tx.execute(Statement::text("UPDATE accounts SET balance = 5")).await.unwrap();
    std::thread::spawn(move || drop(tx)).join().unwrap();
    let other = open(&context(&folder.url("bank.db"))).await.unwrap();
    within_a_minute(run(&other, &["UPDATE accounts SET balance = balance + 1 WHERE id = 1"])).await;
    assert_eq!(number(&db, "SELECT sum(balance) FROM accounts").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_come_back_from_reads_that_were_dropped() {
    let folder = Folder::new();
    let db = accounts(&folder.url("bank.db?readers=2")).await;
    let long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n";
    let mut dice = Dice(1);
    for _ in 0..300 {
        dropped_after(dice.below(30), db.fetch_all::<(i64,)>(Statement::text(long))).await;
    }
    assert_eq!(within_a_minute(number(&db, "SELECT count(*) FROM accounts")).await, 4);
}
