//! Jobs that are cancelled, and what an attempt keeps for the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use athyper::context::Context;
use athyper::jobs::{CANCELLED, JobContext, JobState};
use athyper::{Error, ErrorKind};
use tokio::sync::Notify;

use crate::support::{Handlers, Sum, Work, World};
use crate::workers::{LONG, adding};

/// How a handler takes it.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Stops,
    Completes,
    Ignores,
}

/// A handler that runs until it is cancelled, and what tells that it has begun.
fn endless(manner: Manner) -> (Handlers, Arc<Notify>) {
    let begun = Arc::<Notify>::default();
    let tell = begun.clone();
    let handlers = Handlers::default().on(move |_: Work, context: JobContext| {
        tell.notify_one();
        async move {
            match manner {
                Manner::Ignores => std::future::pending().await,
                _ => context.cancelled().await,
            }
            match manner {
                Manner::Completes => Ok(()),
                _ => Err(Error::unavailable("it was asked to stop")),
            }
        }
    });
    (handlers, begun)
}

#[tokio::test]
async fn a_running_job_is_asked_to_stop_and_not_tried_again() {
    for (manner, wanted) in [
        (Manner::Stops, JobState::Failed),
        (Manner::Ignores, JobState::Failed),
        (Manner::Completes, JobState::Completed),
    ] {
        let (handlers, begun) = endless(manner);
        let (world, running) = World::new(handlers).start().await;
        let handle = world.jobs.enqueue(Work(1)).await.unwrap();
        begun.notified().await;
        handle.cancel().await.unwrap();
        let record = world.pass_until(&handle, wanted).await;
        assert_eq!(record.error.as_deref(), (wanted == JobState::Failed).then_some(CANCELLED), "{manner:?}");
        let error = handle.result().await.err().map(|error| (error.kind(), error.code()));
        let cancelled = (ErrorKind::Cancelled, "job-cancelled");
        assert_eq!(error, (wanted == JobState::Failed).then_some(cancelled), "{manner:?}");
        assert!(running.shutdown(LONG).await.settled);
    }
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once() {
    let world = World::new(adding());
    let handle = world.jobs.enqueue(Sum { left: 2, right: 3 }).await.unwrap();
    handle.cancel().await.unwrap();
    assert_eq!(handle.result().await.unwrap_err().code(), "job-cancelled");
    assert!(world.pool().run_available().await.unwrap().is_empty());
    assert_eq!(handle.cancel().await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn the_next_attempt_goes_on_from_the_checkpoint() {
    let pages = Arc::<AtomicU32>::default();
    let counter = pages.clone();
    let handlers = Handlers::default().on(move |_: Work, context: JobContext| {
        let pages = counter.clone();
        async move {
            let done: u32 = context.checkpoint()?.unwrap_or_default();
            for page in done..7 {
                if page == 3 && context.attempt() == 1 {
                    return Err(Error::unavailable("the printer is out of paper"));
                }
                pages.fetch_add(1, Ordering::SeqCst);
                context.save_checkpoint(page + 1).await?;
            }
            Ok(())
        }
    });
    let world = World::new(handlers);
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    world.pool().run_available().await.unwrap();
    assert_eq!(world.record(&handle).await.checkpoint.as_deref(), Some(&b"3"[..]));
    world.clock.advance_seconds(1).await;
    world.pool().run_available().await.unwrap();
    handle.result().await.unwrap();
    assert_eq!(pages.load(Ordering::SeqCst), 7, "each page is printed once");
}

#[tokio::test]
async fn a_checkpoint_of_another_type_is_an_error_that_says_so() {
    let handlers = Handlers::default().on(async |_: Work, context: JobContext| {
        context.save_checkpoint("page three").await?;
        match context.attempt() {
            1 => Err(Error::unavailable("not yet")),
            _ => context.checkpoint::<u32>().map(drop),
        }
    });
    let world = World::new(handlers);
    let handle = world.jobs.enqueue(Work(1)).attempts(2).await.unwrap();
    for _ in 0..2 {
        world.pool().run_available().await.unwrap();
        world.clock.advance_seconds(1).await;
    }
    let error = world.record(&handle).await.error.unwrap();
    assert!(error.contains("is not a `u32`"), "{error}");
}

#[tokio::test]
async fn a_handler_that_is_called_as_a_function_has_no_checkpoint() {
    let context = JobContext::detached(Context::background());
    context.save_checkpoint(3).await.unwrap();
    context.log("to nobody").await.unwrap();
    assert_eq!(context.checkpoint::<u32>().unwrap(), None);
}

#[tokio::test]
async fn what_the_attempts_logged_is_told_as_long_as_the_job_is_there() {
    let handlers = Handlers::default().on(async |_: Work, context: JobContext| {
        context.log(format!("attempt {}", context.attempt())).await?;
        // A row that is too long is cut between two characters.
        context.log("é".repeat(6_000)).await?;
        if context.attempt() == 1 { Err(Error::unavailable("once more")) } else { Ok(()) }
    });
    let (world, running) = World::new(handlers).start().await;
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    world.pass_until(&handle, JobState::Completed).await;
    let long = "é".repeat(5_000);
    assert_eq!(handle.logs().await.unwrap(), ["attempt 1", &long, "attempt 2", &long]);
    world.jobs.administration().remove(handle.queue(), handle.id()).await.unwrap();
    assert_eq!(handle.logs().await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(running.shutdown(LONG).await.settled);
}
