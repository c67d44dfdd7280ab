//! What the client puts into the queue, and what its handles tell.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use athyper::ErrorKind;
use athyper::clock::Clock;
use athyper::context::{Context, current_context};
use athyper::jobs::{JobState, Priority, Retention};
use serde::{Deserialize, Serialize};

use crate::support::{Handlers, Sum, Work, World, job};

fn world() -> World {
    World::new(Handlers::default().on(async |sum: Sum, _| Ok(sum.left + sum.right)).on(async |_: Work, _| Ok(())))
}

#[tokio::test]
async fn a_job_is_added_with_what_its_type_declares() {
    let world = world();
    let handle = world.jobs.enqueue(Work(7)).await.unwrap();
    assert!(!handle.duplicate());
    let record = world.record(&handle).await;
    let envelope = &record.envelope;
    assert_eq!((&*envelope.kind, envelope.version, envelope.queue.as_str()), ("work", 1, "default"));
    assert_eq!(&*envelope.payload, b"7");
    assert_eq!(envelope.options.attempts, 3);
    assert_eq!(record.due_at, world.clock.now());
}

#[tokio::test]
async fn every_option_reaches_the_queue() {
    let world = world();
    let now = world.clock.now();
    let minute = Duration::from_secs(60);
    let handle =
        world.jobs.enqueue(Work(1)).delay(minute).priority(Priority::High).attempts(9).id("mine").await.unwrap();
    assert_eq!(handle.id().as_str(), "mine");
    let record = world.record(&handle).await;
    assert_eq!((record.state, record.due_at), (JobState::Delayed, now + minute));
    assert_eq!((record.envelope.options.priority, record.envelope.options.attempts), (Priority::High, 9));

    let at = world.jobs.enqueue(Work(1)).at(now + minute * 2).await.unwrap();
    assert_eq!(world.record(&at).await.due_at, now + minute * 2);
    let far = world.jobs.enqueue(Work(1)).delay(Duration::MAX).await.unwrap();
    assert_eq!(world.record(&far).await.state, JobState::Delayed);

    let same = world.jobs.enqueue(Work(2)).id("mine").await.unwrap();
    assert!(same.duplicate());
    let first = world.jobs.enqueue(Work(3)).unique("k", minute).await.unwrap();
    let second = world.jobs.enqueue(Work(4)).unique("k", minute).await.unwrap();
    assert_eq!((second.id(), second.duplicate()), (first.id(), true));
}

#[tokio::test]
async fn options_that_mean_nothing_are_refused_and_nothing_is_added() {
    let world = world();
    let long = "x".repeat(256);
    let refused = [
        world.jobs.enqueue(Work(1)).attempts(0).await,
        world.jobs.enqueue(Work(1)).id("").await,
        world.jobs.enqueue(Work(1)).id(&*long).await,
        world.jobs.enqueue(Work(1)).unique("", Duration::from_secs(1)).await,
        world.jobs.enqueue(Work(1)).serial(long).await,
    ];
    for answer in refused {
        let error = answer.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, "job-options"), "{error}");
    }
    assert!(world.jobs.enqueue_all([Work(1)]).attempts(0).await.is_err());
    assert_eq!(world.faults.adds.load(Ordering::SeqCst), 0);
}

#[derive(Debug, Serialize, Deserialize)]
struct Unwritable(HashMap<String, Option<Vec<(u8, u8)>>>, #[serde(with = "refusing")] u8);

mod refusing {
    pub(super) fn serialize<S: serde::Serializer>(_: &u8, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it never is"))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(_: D) -> Result<u8, D::Error> {
        Ok(0)
    }
}

job!(Unwritable => (), "unwritable");

#[tokio::test]
async fn a_payload_that_cannot_be_written_is_an_error_when_awaited() {
    let world = world();
    let error = world.jobs.enqueue(Unwritable(HashMap::new(), 1)).await.unwrap_err();
    assert_eq!(error.message(), "the payload cannot be written as JSON: it never is");
    assert!(world.jobs.enqueue_all([Unwritable(HashMap::new(), 1)]).await.is_err());
    assert_eq!(world.faults.adds.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn many_jobs_take_one_round_trip_a_thousand() {
    let world = world();
    for (count, trips) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (2_500, 3)] {
        let before = world.faults.adds.load(Ordering::SeqCst);
        let handles = world.jobs.enqueue_all((0..count).map(Work)).await.unwrap();
        assert_eq!(handles.len(), usize::try_from(count).unwrap());
        assert_eq!(world.faults.adds.load(Ordering::SeqCst) - before, trips, "{count} jobs");
    }
    assert_eq!(world.queue.counts(&"default".into()).await.unwrap().waiting, 4_502);
}

#[tokio::test]
async fn ids_sort_by_the_time_they_were_made_in() {
    let world = world();
    let mut ids = Vec::new();
    for _ in 0..20 {
        let handles = world.jobs.enqueue_all((0..20).map(Work)).await.unwrap();
        ids.extend(handles.iter().map(|handle| handle.id().to_string()));
        world.clock.advance(Duration::from_millis(1)).await;
    }
    let mut sorted = ids.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(ids, sorted);
}

#[tokio::test]
async fn a_job_that_nobody_asked_for_has_a_context_of_its_own() {
    let world = world();
    assert!(current_context().is_none());
    let one = world.jobs.enqueue(Work(1)).await.unwrap();
    let other = world.jobs.enqueue(Work(1)).await.unwrap();
    let (one, other) = (world.record(&one).await.envelope.context, world.record(&other).await.envelope.context);
    assert!(!one.request_id().is_empty());
    assert_ne!(one.request_id(), other.request_id());
    let own = Context::background().with_tenant("acme");
    let given = world.jobs.enqueue(Work(1)).context(own.clone()).await.unwrap();
    assert_eq!(world.record(&given).await.envelope.context, own);
}

#[tokio::test]
async fn a_job_is_enqueued_by_its_name_once_its_payload_fits() {
    let world = world();
    let added = world.jobs.enqueue_named("sum", r#"{"left": 1, "right": 2}"#).await.unwrap();
    let record = world.queue.get(&"default".into(), &added.id).await.unwrap().unwrap();
    assert_eq!(&*record.envelope.payload, br#"{"left": 1, "right": 2}"#);
    world.jobs.enqueue_named("default/work", "1").await.unwrap();

    for (payload, part) in [("{}", "missing field `left`"), ("", "EOF"), ("{\"left\": 1, \"right\": -2}", "-2")] {
        let error = world.jobs.enqueue_named("sum", payload).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(part), "{error}");
    }
    for (name, hint) in
        [("som", "did you mean `sum`?"), ("print", "there are: sum, work"), ("mail/sum", "no job is named")]
    {
        let error = world.jobs.enqueue_named(name, "1").await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "job-unknown"));
        assert!(error.message().contains(hint), "{error}");
    }
    assert_eq!(world.queue.counts(&"default".into()).await.unwrap().waiting, 2);
}

#[tokio::test]
async fn a_result_says_when_the_job_failed_is_gone_or_takes_too_long() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Brief;
    job!(Brief => u32, "brief", keep_completed: Retention { count: 0, age: Duration::from_secs(60) });

    let handlers = Handlers::default()
        .on(async |_: Work, _| -> athyper::Result<()> { Err(athyper::Error::invalid("no such user")) })
        .on(async |_: Brief, _| Ok(1));
    let world = World::new(handlers);
    let failing = world.jobs.enqueue(Work(1)).attempts(1).await.unwrap();
    let brief = world.jobs.enqueue(Brief).await.unwrap();
    assert_eq!(brief.result_lasts().count, 0);

    let late = failing.clone();
    let late = tokio::spawn(async move { late.result().within(Duration::from_secs(5)).await });
    world.clock.advance_seconds(6).await;
    let error = late.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, "job-result-timeout"));

    world.pool().run_available().await.unwrap();
    let error = failing.result().await.unwrap_err();
    assert_eq!(error.code(), "job-failed");
    assert_eq!(error.message(), format!("job {} failed: no such user", failing.id()));
    let error = brief.result().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "job-gone"));
    assert!(error.message().contains("60s") && error.message().contains("the last 0"), "{error}");
}

#[tokio::test]
async fn a_result_of_another_type_is_refused() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Other {
        left: u32,
        right: u32,
    }
    job!(Other => String, "sum");
    let world = world();
    let handle = world.jobs.enqueue(Other { left: 1, right: 2 }).await.unwrap();
    world.pool().run_available().await.unwrap();
    assert_eq!(handle.result().await.unwrap_err().code(), "job-result");
}

#[tokio::test]
async fn whoever_waits_for_a_result_is_told_without_time_passing() {
    let world = Arc::new(world());
    let handle = world.jobs.enqueue(Sum { left: 20, right: 22 }).await.unwrap();
    let waiting = tokio::spawn(async move { handle.result().await });
    tokio::task::yield_now().await;
    world.pool().run_available().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 42);
}

#[tokio::test]
async fn the_queue_is_looked_after_through_the_client() {
    let world = world();
    let handle = world.jobs.enqueue(Work(1)).delay(Duration::from_secs(60)).await.unwrap();
    let administration = world.jobs.administration();
    assert_eq!(administration.counts(handle.queue()).await.unwrap().delayed, 1);
    administration.promote(handle.queue(), handle.id()).await.unwrap();
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Waiting));
    administration.remove(handle.queue(), handle.id()).await.unwrap();
    assert_eq!(handle.state().await.unwrap(), None);
}
