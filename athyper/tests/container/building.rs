//! Building: once, by one caller, again after a failure; and what a failure says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use athyper::container::{Container, ContainerBuilder, Place, Provide, Reach, Scope};
use athyper::context::Context;
use athyper::{Error, ErrorKind};
use tokio::sync::{Barrier, Notify, Semaphore};

use super::support::{error, in_time, made};

struct Pool(usize);

/// A pool whose constructor waits for a permit, and the number of times it was started.
fn slow_pool() -> (Container, Arc<Semaphore>, Arc<AtomicUsize>, Arc<Notify>) {
    let (permits, runs, started) =
        (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let provide = Provide::factory({
        let (permits, runs, started) = (Arc::clone(&permits), Arc::clone(&runs), Arc::clone(&started));
        move |_| {
            let (permits, runs, started) = (Arc::clone(&permits), Arc::clone(&runs), Arc::clone(&started));
            Box::pin(async move {
                let run = runs.fetch_add(1, Ordering::SeqCst);
                started.notify_one();
                permits.acquire().await.unwrap().forget();
                Ok(Arc::new(Pool(run)))
            })
        }
    });
    let mut builder = ContainerBuilder::new();
    builder.add(provide);
    (builder.build(Reach::Everything).unwrap(), permits, runs, started)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_callers_at_once_build_one() {
    for _ in 0..50 {
        let (container, permits, runs, _) = slow_pool();
        permits.add_permits(100);
        let start = Arc::new(Barrier::new(100));
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let (container, start) = (container.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    container.resolve::<Arc<Pool>>().await.unwrap()
                })
            })
            .collect();
        let mut built: Vec<Arc<Pool>> = Vec::new();
        for caller in callers {
            built.push(in_time(caller).await.unwrap());
        }
        assert!(built.iter().all(|pool| Arc::ptr_eq(pool, &built[0])));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn whoever_waits_builds_when_the_builder_is_cancelled() {
    let (container, permits, runs, started) = slow_pool();
    let first = tokio::spawn({
        let container = container.clone();
        async move { container.resolve::<Arc<Pool>>().await }
    });
    started.notified().await;
    let waiting = tokio::spawn({
        let container = container.clone();
        async move { container.resolve::<Arc<Pool>>().await }
    });
    tokio::task::yield_now().await;
    assert_eq!(runs.load(Ordering::SeqCst), 1, "it waits and does not build");

    first.abort();
    assert!(first.await.err().unwrap().is_cancelled());
    in_time(started.notified()).await;
    permits.add_permits(1);
    assert_eq!(in_time(waiting).await.unwrap().unwrap().0, 1);
    assert_eq!(container.get::<Pool>().unwrap().0, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancelling_at_any_time_leaves_a_container_that_works() {
    for round in 0..200 {
        let (container, permits, _, _) = slow_pool();
        permits.add_permits(100);
        let callers: Vec<_> = (0..8)
            .map(|_| {
                let container = container.clone();
                tokio::spawn(async move { container.resolve::<Arc<Pool>>().await.map(|_| ()) })
            })
            .collect();
        for (index, caller) in callers.iter().enumerate() {
            if (index + round) % 3 != 0 {
                caller.abort();
            }
        }
        for caller in callers {
            match in_time(caller).await {
                Ok(resolved) => resolved.unwrap(),
                Err(ended) => assert!(ended.is_cancelled()),
            }
        }
        in_time(container.resolve::<Arc<Pool>>()).await.unwrap();
    }
}

#[derive(Debug)]
struct Mailer;

#[derive(Debug)]
struct SignUp;

/// `SignUp` wants a `Mailer` whose constructor fails as often as it is told to.
fn failing(fail: impl Fn() -> Option<Error> + Send + Sync + 'static) -> (ContainerBuilder, u32) {
    let mut builder = ContainerBuilder::new();
    let line = line!() + 1;
    builder.add(made(move || fail().map_or(Ok(Mailer), Err)).labelled("factory `mailer`"));
    builder.add(
        Provide::factory(|resolver| {
            Box::pin(async move {
                let _: Arc<Mailer> = resolver.resolve().await?;
                Ok(Arc::new(SignUp))
            })
        })
        .wants::<Arc<Mailer>>("field `mailer`")
        .labelled("struct `SignUp`"),
    );
    (builder, line)
}

#[tokio::test]
async fn a_failure_names_the_chain_that_wanted_it_and_the_next_call_tries_again() {
    let left = AtomicUsize::new(1);
    let (builder, line) = failing(move || {
        let refused = std::io::Error::other("refused");
        (left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok())
            .then(|| Error::unavailable("the mail server does not answer").with_code("smtp-down").with_source(refused))
    });
    let container = builder.build(Reach::Everything).unwrap();
    let place = Place::caller();
    let resolver = container.resolver().wanted_by("job `welcome`", place);
    let failure = error(resolver.resolve::<Arc<SignUp>>().await);
    let file = file!();
    assert_eq!(
        failure.to_string(),
        format!(
            "while building `Mailer` ({file}:{line}), wanted by struct `SignUp` ({file}:{}), wanted by job `welcome` ({place}): \
             the mail server does not answer",
            line + 2
        )
    );
    assert_eq!((failure.kind(), failure.code()), (ErrorKind::Unavailable, "smtp-down"));
    assert_eq!(failure.report(), format!("{failure}: refused"), "the cause is in the chain, and said once");
    in_time(container.resolve::<Arc<SignUp>>()).await.unwrap();
}

#[tokio::test]
async fn words_of_a_constructor_around_a_failure_are_kept() {
    let (mut builder, _) = failing(|| Some(Error::internal("broken")));
    struct Outer;
    builder.add(
        Provide::<Outer>::factory(|resolver| {
            Box::pin(async move {
                let found: Result<Arc<SignUp>, Error> = resolver.resolve().await;
                Err(found.unwrap_err().context("no sign-up today"))
            })
        })
        .labelled("struct `Outer`"),
    );
    let container = builder.build(Reach::Everything).unwrap();
    let text = error(container.resolve::<Arc<Outer>>().await).report();
    assert!(text.starts_with("while building `Outer` ("), "{text}");
    assert!(text.contains("): no sign-up today: while building `Mailer` ("), "{text}");
    assert!(text.ends_with("): broken"), "{text}");
}

#[tokio::test]
async fn a_panic_is_a_failure_like_others() {
    for formatted in [false, true] {
        let first = AtomicUsize::new(0);
        let (builder, line) = failing(move || {
            if first.fetch_add(1, Ordering::SeqCst) == 0 {
                if formatted { panic!("no {}", "luck") } else { panic!("no luck") }
            }
            None
        });
        let container = builder.build(Reach::Everything).unwrap();
        let failure = error(container.resolve::<Arc<SignUp>>().await);
        assert_eq!(failure.kind(), ErrorKind::Internal);
        let text = failure.to_string();
        assert!(
            text.starts_with(&format!("while building `Mailer` ({}:{line}), wanted by struct `SignUp`", file!())),
            "{text}"
        );
        assert!(text.ends_with(": the constructor panicked: no luck"), "{text}");
        in_time(container.resolve::<Arc<SignUp>>()).await.unwrap();
    }
}

#[tokio::test]
async fn everybody_who_waited_gets_the_failure_of_the_attempt() {
    let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let mut builder = ContainerBuilder::new();
    builder.add(Provide::<Mailer>::factory({
        let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
        move |_| {
            let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
            Box::pin(async move {
                runs.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                Err(Error::unavailable("down").with_retry_after(std::time::Duration::from_secs(3)))
            })
        }
    }));
    let container = builder.build(Reach::Everything).unwrap();
    let jobs = ["job `one`", "job `two`", "job `three`"];
    let place = Place::caller();
    let attempts = jobs.map(|job| {
        let container = container.clone();
        tokio::spawn(async move { container.resolver().wanted_by(job, place).resolve::<Arc<Mailer>>().await })
    });
    while runs.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    gate.add_permits(1);
    for (job, attempt) in jobs.into_iter().zip(attempts) {
        let failure = error(in_time(attempt).await.unwrap());
        assert!(failure.to_string().ends_with(&format!("wanted by {job} ({place}): down")), "{failure}");
        assert_eq!(failure.retry_after(), Some(std::time::Duration::from_secs(3)));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1, "one attempt, not one for each");
    gate.add_permits(1);
    error(in_time(container.resolve::<Arc<Mailer>>()).await);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn only_the_constructor_of_a_request_can_answer_the_client() {
    let (builder, _) = failing(|| Some(Error::not_found("no such mailer")));
    let container = builder.build(Reach::Everything).unwrap();
    let request = container.request(Context::background());
    let failure = error(request.resolver().resolve::<Arc<SignUp>>().await);
    assert_eq!(failure.kind(), ErrorKind::Internal, "a singleton that is not found is a fault of the program");
    assert_eq!(failure.status(), 500);

    let mut builder = ContainerBuilder::new();
    builder.add(made::<Mailer, _>(|| Err(Error::new(ErrorKind::Forbidden, "not yours"))).scope(Scope::Request));
    let container = builder.build(Reach::Everything).unwrap();
    let request = container.request(Context::background());
    let resolver = request.resolver().wanted_by("handler", Place::caller());
    let answer = error(resolver.resolve::<Arc<Mailer>>().await);
    assert_eq!((answer.status(), answer.to_string().as_str()), (403, "not yours"));
}

#[tokio::test]
async fn a_request_builds_its_component_once_however_many_want_it() {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut builder = ContainerBuilder::new();
    builder.add(
        Provide::factory({
            let runs = Arc::clone(&runs);
            move |_| {
                let run = runs.fetch_add(1, Ordering::SeqCst);
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    Ok(Arc::new(Pool(run)))
                })
            }
        })
        .scope(Scope::Request),
    );
    let container = builder.build(Reach::Everything).unwrap();
    let request = container.request(Context::background());
    let resolver = request.resolver();
    let (one, other) = tokio::join!(resolver.resolve::<Arc<Pool>>(), resolver.resolve::<Arc<Pool>>());
    assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
