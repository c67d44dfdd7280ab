//! What is committed arrives, once and for every pair of stores; what is not never does.

use std::sync::Arc;
use std::time::Duration;

use athyper::clock::SystemClock;
use athyper::jobs::{Job, JobState, Priority};
use athyper::outbox::OutboxFilter;
use athyper::sql::{Isolation, Statement};
use athyper::{Error, ErrorKind};
use athyper_testkit::clock::VirtualClock;

use crate::support::{Base, Note, PAIRS, Target, World, open_outbox, queue, take, until, within_a_minute};

#[tokio::test]
async fn what_is_committed_arrives_once_and_what_is_rolled_back_never_does() {
    for (base, target) in PAIRS {
        let world = World::new(base, target).await;
        world.commit([1, 2]).await;
        let undone = world.db.transaction(Isolation::Default, async |tx| {
            world.jobs.enqueue(Note(66)).in_tx(tx).await?;
            Err::<(), _>(Error::invalid("it shall not be"))
        });
        undone.await.unwrap_err();
        let mut dropped = world.db.database().begin(Isolation::Default).await.unwrap();
        world.jobs.enqueue(Note(67)).in_tx(&mut dropped).await.unwrap();
        drop(dropped);
        world.commit([3]).await;
        assert!(world.run_all().await.is_empty(), "{base:?} {target:?}: nothing has moved yet");
        assert_eq!(world.counts().await.waiting, 3, "{base:?} {target:?}");
        let relay = world.relay();
        assert_eq!(relay.move_all().await.unwrap(), 3, "{base:?} {target:?}");
        assert_eq!(relay.move_all().await.unwrap(), 0);
        assert_eq!(world.run_all().await, [1, 2, 3], "{base:?} {target:?}");
        assert_eq!(world.counts().await, athyper::outbox::OutboxCounts::default());
    }
}

#[tokio::test]
async fn a_job_arrives_as_it_was_enqueued() {
    for (base, target) in PAIRS {
        let world = World::new(base, target).await;
        let enqueued = world.db.transaction(Isolation::Default, async |tx| {
            let later = Duration::from_secs(3_600);
            let job = world.jobs.enqueue(Note(7)).id("seven").delay(later).priority(Priority::High).attempts(9);
            job.serial("customer-7").in_tx(tx).await
        });
        let handle = enqueued.await.unwrap();
        assert_eq!((handle.id().as_str(), handle.duplicate()), ("seven", false));
        let before = handle.record().await.unwrap().unwrap();
        assert_eq!((before.state, handle.state().await.unwrap()), (JobState::Delayed, Some(JobState::Delayed)));
        world.relay().move_all().await.unwrap();
        let after = world.queue.get(&queue(), handle.id()).await.unwrap().unwrap();
        assert_eq!(after.envelope, before.envelope, "{base:?} {target:?}");
        assert_eq!(after.due_at, before.due_at, "{base:?} {target:?}");
        assert_eq!((after.envelope.options.priority, after.envelope.options.attempts), (Priority::High, 9));
        assert_eq!(after.envelope.options.keep_completed, Note::OPTIONS.keep_completed);
        assert_eq!(handle.state().await.unwrap(), Some(JobState::Delayed));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_waits_for_a_job_that_has_not_arrived_yet() {
    let world = World::new(Base::Sqlite, Target::Memory).await;
    let enqueued = world.db.transaction(Isolation::Default, async |tx| world.jobs.enqueue(Note(1)).in_tx(tx).await);
    let handle = enqueued.await.unwrap();
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Waiting));
    let error = handle.cancel().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "job-in-outbox"));
    let error = handle.result().within(Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error.code(), "job-result-timeout", "it is neither done nor gone");
    let waiting = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.result().await })
    };
    world.relay().move_all().await.unwrap();
    // The result is kept, so that the handle can be told.
    let claimed = world.queue.take(&take(1)).await.unwrap().remove(0);
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Active));
    handle.cancel().await.unwrap();
    let failed = athyper::jobs::Outcome::Fail { error: "cancelled".to_owned() };
    world.queue.finish(vec![athyper::jobs::Finish { lock: claimed.lock, outcome: failed }], None).await.unwrap();
    assert_eq!(within_a_minute(waiting).await.unwrap().unwrap_err().code(), "job-cancelled");
}

#[tokio::test]
async fn many_jobs_of_a_transaction_arrive_in_few_messages() {
    for (base, target) in PAIRS {
        let world = World::new(base, target).await;
        let enqueued = world
            .db
            .transaction(Isolation::Default, async |tx| world.jobs.enqueue_all((0..2_500).map(Note)).in_tx(tx).await);
        assert_eq!(enqueued.await.unwrap().len(), 2_500);
        assert_eq!(world.outbox.list(&OutboxFilter::default()).await.unwrap().len(), 3);
        assert_eq!(world.relay().move_all().await.unwrap(), 3);
        assert_eq!(world.run_all().await, (0..2_500).collect::<Vec<_>>(), "{base:?} {target:?}");
    }
}

#[tokio::test]
async fn a_flow_arrives_whole_and_among_others() {
    for (base, target) in PAIRS {
        let world = World::new(base, target).await;
        world.commit([1]).await;
        let enqueued = world.db.transaction(Isolation::Default, async |tx| {
            let children = [2, 3].map(|note| world.jobs.enqueue(Note(note)));
            world.jobs.enqueue(Note(4)).children(children).in_tx(tx).await
        });
        let parent = enqueued.await.unwrap();
        world.commit([5]).await;
        assert_eq!(parent.state().await.unwrap(), Some(JobState::WaitingChildren), "{base:?} {target:?}");
        assert_eq!(world.relay().move_all().await.unwrap(), 3);
        assert_eq!(parent.state().await.unwrap(), Some(JobState::WaitingChildren), "{base:?} {target:?}");
        assert_eq!(world.queue.counts(&queue()).await.unwrap().waiting, 4);
        assert_eq!(world.run_all().await, [1, 2, 3, 5, 4], "{base:?} {target:?}: the parent comes last");
    }
}

#[tokio::test]
async fn a_duplicate_is_found_when_it_is_moved() {
    for (base, target) in PAIRS {
        let world = World::new(base, target).await;
        let hour = Duration::from_secs(3_600);
        let enqueued = world.db.transaction(Isolation::Default, async |tx| {
            let first = world.jobs.enqueue(Note(1)).unique("k", hour).in_tx(tx).await?;
            let second = world.jobs.enqueue(Note(2)).unique("k", hour).in_tx(tx).await?;
            world.jobs.enqueue(Note(3)).id("three").in_tx(tx).await?;
            let again = world.jobs.enqueue(Note(4)).id("three").in_tx(tx).await?;
            Ok((first, second, again))
        });
        let (first, second, again) = enqueued.await.unwrap();
        assert!(!second.duplicate() && second.state().await.unwrap().is_some());
        world.relay().move_all().await.unwrap();
        assert!(first.state().await.unwrap().is_some());
        assert_eq!(second.state().await.unwrap(), None, "{base:?} {target:?}: no job has its id");
        assert_eq!(second.result().await.unwrap_err().code(), "job-gone");
        assert_eq!(again.state().await.unwrap(), Some(JobState::Waiting), "the earlier job of the id stands for it");
        assert_eq!(world.run_all().await, [1, 3], "{base:?} {target:?}");
    }
}

#[tokio::test]
async fn a_transaction_of_another_database_is_refused() {
    for base in [Base::Sqlite, Base::Postgres] {
        let world = World::new(base, Target::Memory).await;
        let other = World::new(base, Target::Memory).await;
        let enqueued = other.db.transaction(Isolation::Default, async |tx| world.jobs.enqueue(Note(1)).in_tx(tx).await);
        let error = enqueued.await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, "outbox-other-database"), "{error}");
        assert_eq!((world.counts().await.waiting, other.counts().await.waiting), (0, 0));
    }
}

#[tokio::test]
async fn a_queue_in_the_same_database_needs_no_outbox() {
    let world = World::new(Base::Sqlite, Target::Sqlite).await;
    let clock = Arc::new(SystemClock::new());
    let folder = tempfile::tempdir().unwrap();
    let same = World::open(world.database_url.clone(), world.database_url.clone(), clock, folder).await;
    same.commit([1]).await;
    assert_eq!(same.counts().await.waiting, 0);
    assert_eq!(same.run_all().await, [1]);
}

#[tokio::test]
async fn a_transaction_costs_its_database_nothing_when_it_enqueues_nothing() {
    let world = World::new(Base::Sqlite, Target::Memory).await;
    world.db.execute(Statement::text("CREATE TABLE users (name TEXT)")).await.unwrap();
    let relay = world.relay();
    assert_eq!(relay.move_all().await.unwrap(), 0);
    let (db, _) = open_outbox(&world.database_url, world.clock.clone()).await;
    let rows: Vec<(i64,)> = db.fetch_all(Statement::text("SELECT count(*) FROM athyper_outbox_relays")).await.unwrap();
    assert_eq!(rows, [(0,)], "a look at an empty outbox writes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_the_relay_of_its_process_at_once() {
    for base in [Base::Sqlite, Base::Postgres] {
        // Time stands still: only news can wake the relay.
        let world = World::with_clock(base, Target::Memory, VirtualClock::new()).await;
        let relay = Arc::new(world.relay());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = {
            let relay = relay.clone();
            tokio::spawn(async move {
                relay.run(async { stopped.await.unwrap_or_default() }).await;
            })
        };
        for note in 1..4 {
            world.commit([note]).await;
            until("the job has arrived", async || {
                world.queue.counts(&queue()).await.unwrap().waiting == u64::from(note)
            })
            .await;
        }
        stop.send(()).unwrap();
        within_a_minute(running).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_the_relay_of_another_process() {
    for base in [Base::Sqlite, Base::Postgres] {
        let world = World::new(base, Target::Memory).await;
        let (db, outbox) = open_outbox(&world.database_url, world.clock.clone()).await;
        let relay = Arc::new(world.relay());
        let running = {
            let relay = relay.clone();
            tokio::spawn(async move { relay.run(std::future::pending()).await })
        };
        let registry = Arc::new(athyper::jobs::JobRegistry::new(Vec::new()).unwrap());
        let jobs = athyper::jobs::Jobs::new(world.queue.clone(), registry, world.clock.clone()).with_outbox(outbox);
        let enqueued = db.transaction(Isolation::Default, async |tx| jobs.enqueue(Note(1)).in_tx(tx).await);
        enqueued.await.unwrap();
        until("the job has arrived", async || world.queue.counts(&queue()).await.unwrap().waiting == 1).await;
        running.abort();
    }
}
