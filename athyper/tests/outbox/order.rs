//! In which order messages arrive, and that none is passed over.

use std::sync::Arc;

use athyper::sql::Isolation;

use crate::support::{Base, Note, PAIRS, Target, World, note_of, open_outbox, queue, take, until, within_a_minute};

#[tokio::test]
async fn transactions_arrive_in_the_order_of_their_commits() {
    const COUNT: u32 = 120;
    for (base, target) in PAIRS {
        let world = World::new(base, target).await;
        let relay = world.relay();
        for note in 0..COUNT {
            world.commit([note]).await;
            if note % 50 == 17 {
                relay.move_all().await.unwrap();
            }
        }
        relay.move_all().await.unwrap();
        assert_eq!(world.run_all().await, (0..COUNT).collect::<Vec<_>>(), "{base:?} {target:?}");
    }
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_passed_over() {
    let world = World::new(Base::Postgres, Target::Redis).await;
    let relay = world.relay();
    // Written first, and with the smallest numbers.
    let mut late = world.db.database().begin(Isolation::Default).await.unwrap();
    world.jobs.enqueue(Note(1)).in_tx(&mut late).await.unwrap();
    world.commit([2, 3]).await;
    assert_eq!(relay.move_all().await.unwrap(), 2);
    world.commit([4]).await;
    world.jobs.enqueue(Note(5)).in_tx(&mut late).await.unwrap();
    late.into_inner().commit().await.unwrap();
    assert_eq!(relay.move_all().await.unwrap(), 3);
    let mut ran = world.run_all().await;
    assert_eq!(ran[..2], [2, 3]);
    ran.sort_unstable();
    assert_eq!(ran, [1, 2, 3, 4, 5]);
}

/// Many processes commit at the same time, and several move.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_relays_move_everything_once() {
    const WRITERS: u32 = 4;
    const EACH: u32 = 60;
    for (base, target) in
        [(Base::Postgres, Target::Redis), (Base::Sqlite, Target::Redis), (Base::Postgres, Target::Postgres)]
    {
        let world = Arc::new(World::new(base, target).await);
        let mut relays = Vec::new();
        for _ in 0..3 {
            let (_, outbox) = open_outbox(&world.database_url, world.clock.clone()).await;
            let destination = Arc::new(athyper::outbox::JobDestination::new(world.queue.clone()));
            let relay = world.relay_of(outbox, destination);
            relays.push(tokio::spawn(async move { relay.run(std::future::pending()).await }));
        }
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let world = world.clone();
            writers.push(tokio::spawn(async move {
                for number in 0..EACH {
                    world.commit([writer * 1_000 + number]).await;
                }
            }));
        }
        let mut ran = Vec::new();
        let all = async {
            while ran.len() < (WRITERS * EACH) as usize {
                ran.extend(world.run_all().await);
            }
        };
        within_a_minute(all).await;
        for writer in writers {
            writer.await.unwrap();
        }
        until("the outbox is empty", async || world.counts().await.waiting == 0).await;
        ran.extend(world.run_all().await);
        for writer in 0..WRITERS {
            let own: Vec<u32> = ran.iter().filter(|note| **note / 1_000 == writer).map(|note| note % 1_000).collect();
            assert_eq!(own, (0..EACH).collect::<Vec<_>>(), "{base:?} {target:?}: in order, and once");
        }
        relays.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[tokio::test]
async fn jobs_of_a_serial_key_run_in_the_order_of_their_commits() {
    let world = World::new(Base::Postgres, Target::Redis).await;
    let relay = world.relay();
    for note in 0..20 {
        let enqueued = world.db.transaction(Isolation::Default, async |tx| {
            world.jobs.enqueue(Note(note)).serial("customer-1").in_tx(tx).await
        });
        enqueued.await.unwrap();
        if note % 7 == 0 {
            relay.move_all().await.unwrap();
        }
    }
    relay.move_all().await.unwrap();
    let mut ran = Vec::new();
    while ran.len() < 20 {
        let claimed = world.queue.take(&take(9)).await.unwrap();
        assert_eq!(claimed.len(), 1, "one at a time");
        ran.push(note_of(&claimed[0]));
        let outcome = athyper::jobs::Outcome::Complete("null".into());
        let lock = claimed.into_iter().next().unwrap().lock;
        world.queue.finish(vec![athyper::jobs::Finish { lock, outcome }], None).await.unwrap();
    }
    assert_eq!(ran, (0..20).collect::<Vec<_>>());
    assert_eq!(world.queue.counts(&queue()).await.unwrap().waiting, 0);
}
