//! Limits on PostgreSQL: whoever takes holds the row of the queue.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use athyper::jobs::{Limit, QueueLimits};
use athyper::sql::{Isolation, Statement};
use athyper_testkit::services::{Fault, FaultProxy};
use tokio::sync::oneshot;

use crate::support::{context, fresh_url, job, jobs, number, open, queue, take, within_a_minute};

/// A process that stops while it holds the row, and whose connection stays open, is like one behind a network that swallows
/// everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stops_while_it_takes_holds_nobody_up_for_long() {
    let url = fresh_url().await;
    let (near, db) = (jobs(&context(&url)).await.unwrap(), open(&context(&url)).await.unwrap());
    let limit = Limit { concurrency: NonZeroU32::new(5), rate: None };
    near.set_limits(&queue(), &QueueLimits { queue: limit, tenant: Limit::NONE }).await.unwrap();
    near.add(vec![job("a"), job("b")]).await.unwrap();

    let (before, rest) = url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let proxy = FaultProxy::start(host.parse::<SocketAddr>().unwrap());
    // It does not give up either.
    let far = jobs(&context(&format!("{before}@{}/{database}?wait=1h", proxy.address()))).await.unwrap();
    far.counts(&queue()).await.unwrap();

    let ((lock, locked), (unlock, unlocked)) = (oneshot::channel(), oneshot::channel::<()>());
    let in_the_way = tokio::spawn(async move {
        let statement = Statement::text("LOCK TABLE athyper_periods IN EXCLUSIVE MODE");
        db.transaction(Isolation::Default, async |tx| {
            tx.execute(statement).await?;
            lock.send(()).unwrap();
            unlocked.await.unwrap();
            Ok(())
        })
        .await
        .unwrap();
    });
    locked.await.unwrap();
    let stopped = tokio::spawn(async move { far.take(&take(1, Duration::ZERO)).await });
    let watch = open(&context(&url)).await.unwrap();
    within_a_minute(async {
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'athyper_periods'::regclass";
        while number(&watch, waits).await == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    proxy.set(Fault::BlackHole);
    unlock.send(()).unwrap();
    in_the_way.await.unwrap();
    let taken = within_a_minute(async {
        loop {
            match near.take(&take(1, Duration::from_secs(1))).await {
                Ok(taken) if taken.is_empty() => {}
                Ok(taken) => return taken,
                Err(_) => {}
            }
        }
    })
    .await;
    assert_eq!(taken[0].lock.id.as_str(), "a", "the one that stopped has taken nothing");
    stopped.abort();
}
