//! Flows through the client: parents that read what their children returned.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use athyper::context::Context;
use athyper::jobs::{ChildFailure, Children, JobContext, JobState, MOST_JOBS_OF_A_FLOW, Priority};
use athyper::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::support::{Handlers, Sum, Work, World, job};

/// Waits for sums, and perhaps for work.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Report;
job!(Report => Vec<u32>, "report");

/// Always fails.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Broken;
job!(Broken => u32, "broken", attempts: 1);

/// What `sum` returned, as something else.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Text;
job!(Text => String, "sum");

type Seen = Arc<Mutex<Option<Children>>>;

fn world() -> (World, Seen) {
    let seen = Seen::default();
    let told = seen.clone();
    let handlers = Handlers::default()
        .on(async |sum: Sum, _| Ok(sum.left + sum.right))
        .on(async |_: Work, _| Ok(()))
        .on(async |_: Broken, _| -> Result<u32> { Err(Error::internal("it is broken")) })
        .on(move |_: Report, context: JobContext| {
            let told = told.clone();
            async move {
                let children = context.children().await?;
                let sums = children.results::<Sum>()?;
                *told.lock().await = Some(children);
                Ok(sums)
            }
        });
    (World::new(handlers), seen)
}

fn sum(left: u32, right: u32) -> Sum {
    Sum { left, right }
}

async fn children(seen: &Seen) -> Children {
    seen.lock().await.clone().expect("the parent has run")
}

#[tokio::test]
async fn a_parent_reads_what_its_children_returned_in_their_order() {
    let (world, seen) = world();
    let report = world
        .jobs
        .enqueue(Report)
        .child(world.jobs.enqueue(sum(1, 2)).priority(Priority::Low))
        .children((2..5).map(|left| world.jobs.enqueue(sum(left, 10))))
        .child(world.jobs.enqueue(Work(1)))
        .await
        .unwrap();
    assert_eq!(world.faults.adds.load(Ordering::SeqCst), 1, "it took more than one round trip");
    assert_eq!(report.state().await.unwrap(), Some(JobState::WaitingChildren));
    world.pool().run_available().await.unwrap();
    assert_eq!(report.result().await.unwrap(), [3, 12, 13, 14]);
    let children = children(&seen).await;
    assert_eq!((children.len(), children.is_empty()), (5, false));
    assert!(children.iter().all(|child| child.state == JobState::Completed && child.queue.as_str() == "default"));
    let kinds: Vec<&str> = children.iter().map(|child| &*child.kind).collect();
    assert_eq!(kinds, ["sum", "sum", "sum", "sum", "work"]);
    children.result::<Work>().unwrap();
    assert_eq!((&children).into_iter().count(), 5);
}

#[tokio::test]
async fn a_result_that_cannot_be_read_says_why() {
    let (world, seen) = world();
    let report = world
        .jobs
        .enqueue(Report)
        .children([world.jobs.enqueue(sum(1, 2)), world.jobs.enqueue(sum(3, 4))])
        .child(world.jobs.enqueue(Broken).when_failed(ChildFailure::ContinueParent))
        .child(world.jobs.enqueue(Work(1)).delay(Duration::from_secs(60)))
        .await
        .unwrap();
    world.pool().run_available().await.unwrap();
    assert_eq!(report.result().await.unwrap(), [3, 7]);
    let children = children(&seen).await;
    let code = |error: Error| (error.kind(), error.code().to_owned(), error.message().to_owned());
    let (kind, name, message) = code(children.result::<Sum>().unwrap_err());
    assert_eq!((kind, &*name), (ErrorKind::Conflict, "job-child-several"));
    assert!(message.contains("2 children `sum`") && message.contains("`results`"), "{message}");
    let (kind, name, message) = code(children.result::<Broken>().unwrap_err());
    assert_eq!((kind, &*name), (ErrorKind::Internal, "job-child-failed"));
    assert!(message.ends_with("failed: it is broken"), "{message}");
    let (kind, name, message) = code(children.result::<Work>().unwrap_err());
    assert_eq!((kind, &*name), (ErrorKind::Conflict, "job-child-unfinished"));
    assert!(message.ends_with("it is delayed"), "{message}");
    let (kind, name, message) = code(children.result::<Report>().unwrap_err());
    assert_eq!((kind, &*name), (ErrorKind::NotFound, "job-child-none"));
    assert!(message.contains("has no child `report` in queue `default`"), "{message}");
    assert_eq!(children.results::<Text>().unwrap_err().code(), "job-result");
    assert!(children.results::<Broken>().unwrap().is_empty());
}

#[tokio::test]
async fn a_child_that_fails_for_good_fails_its_parent() {
    let (world, seen) = world();
    let report = world.jobs.enqueue(Report).child(world.jobs.enqueue(Broken).id("worst")).await.unwrap();
    world.pool().run_available().await.unwrap();
    let error = report.result().await.unwrap_err();
    assert_eq!(error.code(), "job-failed");
    assert!(error.message().ends_with("child default/worst failed: it is broken"), "{error}");
    assert!(seen.lock().await.is_none(), "the parent was run");
}

#[tokio::test]
async fn children_have_children_and_the_context_of_whoever_asked() {
    let (world, _) = world();
    let own = Context::background().with_tenant("acme");
    let middle = world.jobs.enqueue(Report).id("middle").child(world.jobs.enqueue(sum(1, 1)).id("leaf"));
    let other = world.jobs.enqueue(Work(1)).id("other").context(Context::background().with_tenant("other"));
    let report = world.jobs.enqueue(Report).context(own).child(middle).child(other).await.unwrap();
    let of = async |id: &str| world.queue.get(&"default".into(), &id.into()).await.unwrap().unwrap();
    let root = world.record(&report).await.envelope.context;
    for id in ["middle", "leaf"] {
        assert_eq!(of(id).await.envelope.context, root, "{id}");
    }
    assert_eq!(of("other").await.envelope.context.tenant(), Some("other"));
    let parent = of("leaf").await.parent.unwrap();
    assert_eq!((parent.id.as_str(), parent.when_failed), ("middle", ChildFailure::FailParent));
    world.pool().run_available().await.unwrap();
    assert_eq!(report.state().await.unwrap(), Some(JobState::Completed));
}

#[tokio::test]
async fn what_is_no_flow_is_refused_and_nothing_is_added() {
    let (world, _) = world();
    let (other, _) = world_of_another_client(&world);
    let jobs = &world.jobs;
    let many = (0..MOST_JOBS_OF_A_FLOW).map(|number| jobs.enqueue(Work(u32::try_from(number).unwrap())));
    let refused = [
        (jobs.enqueue(Work(1)).when_failed(ChildFailure::Hold).await, "job-options", "has no parent"),
        (jobs.enqueue(Work(1)).child(jobs.enqueue(Work(2)).attempts(0)).await, "job-options", "at least one attempt"),
        (jobs.enqueue(Work(1)).child(other.enqueue(Work(2))).await, "job-options", "another client"),
        (jobs.enqueue(Work(1)).children(many).await, "job-flow-size", "at most 5000 jobs, not 5001"),
        (jobs.enqueue(Work(1)).id("a").child(jobs.enqueue(Work(2)).id("a")).await, "job-flow", "wait for itself"),
    ];
    for (answer, code, part) in refused {
        let error = answer.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, code), "{error}");
        assert!(error.message().contains(part), "{error}");
    }
    let counts = world.queue.counts(&"default".into()).await.unwrap();
    assert_eq!((counts.waiting, counts.waiting_children), (0, 0));
}

fn world_of_another_client(world: &World) -> (athyper::jobs::Jobs, athyper::jobs::WorkerPool) {
    world.another_process(Handlers::default().on(async |_: Work, _| Ok(())))
}

#[tokio::test]
async fn a_child_of_another_parent_is_refused() {
    let (world, _) = world();
    let shared = || world.jobs.enqueue(Work(1)).id("shared");
    world.jobs.enqueue(Report).child(shared()).await.unwrap();
    let error = world.jobs.enqueue(Report).child(shared()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "job-flow-parent"));
    assert!(error.message().contains("job shared is a child of"), "{error}");
    assert_eq!(world.queue.counts(&"default".into()).await.unwrap().waiting_children, 1);
}

#[tokio::test]
async fn a_context_without_a_queue_has_no_children() {
    let context = JobContext::detached(Context::background());
    assert!(context.children().await.unwrap().is_empty());
}
