//! Closing what was built.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::container::{Container, ContainerBuilder, Provide, Reach, Scope};
use athyper::context::Context;
use athyper::{Error, ErrorKind, Result};
use athyper_testkit::clock::VirtualClock;
use tokio::sync::{Notify, Semaphore};

use super::support::{error, in_time, made};

type Log = Arc<Mutex<Vec<&'static str>>>;

struct Base;
struct Middle;
struct Top;
struct Unused;

/// A component that notes when it is closed.
fn noting<T: Send + Sync + 'static>(provide: Provide<T>, log: &Log, name: &'static str) -> Provide<T> {
    let log = Arc::clone(log);
    provide.closed_by(move |_| {
        log.lock().unwrap().push(name);
        Box::pin(std::future::ready(match name {
            "failing" => Err(Error::unavailable("the other end is gone")),
            "panicking" => panic!("no luck"),
            _ => Ok(()),
        }))
    })
}

fn needing<T: Send + Sync + 'static, N: Send + Sync + 'static>(make: fn() -> T) -> Provide<T> {
    Provide::factory(move |resolver| {
        Box::pin(async move {
            let _: Arc<N> = resolver.resolve().await?;
            Ok(Arc::new(make()))
        })
    })
    .wants::<Arc<N>>("field")
}

fn tower(log: &Log, names: [&'static str; 3]) -> Container {
    let mut builder = ContainerBuilder::new();
    builder.add(noting(needing::<Top, Middle>(|| Top), log, names[2]));
    builder.add(noting(needing::<Middle, Base>(|| Middle), log, names[1]).labelled("struct `Middle`"));
    builder.add(noting(made(|| Ok(Base)), log, names[0]).labelled("struct `Base`"));
    builder.add(noting(made(|| Ok(Unused)), log, "unused"));
    builder.add(noting(Provide::value(1_u8), log, "value"));
    builder.build(Reach::Everything).unwrap()
}

#[tokio::test]
async fn what_was_built_closes_once_in_reverse_order() {
    let log = Log::default();
    let container = tower(&log, ["base", "middle", "top"]);
    container.resolve::<Arc<Top>>().await.unwrap();
    container.resolve::<Arc<Base>>().await.unwrap();
    assert!(container.close().await.is_empty());
    assert_eq!(*log.lock().unwrap(), ["top", "middle", "base", "value"]);
    assert!(container.close().await.is_empty());
    assert_eq!(log.lock().unwrap().len(), 4);
    assert!(container.get::<Top>().is_some(), "what was built can still be handed out");

    let refused = error(container.resolve::<Arc<Unused>>().await);
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(log.lock().unwrap().last(), Some(&"unused"), "what came too late is closed at once");
}

#[tokio::test]
async fn a_failure_holds_up_nobody_and_is_reported() {
    let log = Log::default();
    let container = tower(&log, ["failing", "panicking", "top"]);
    container.resolve::<Arc<Top>>().await.unwrap();
    let failures = container.close().await;
    assert_eq!(*log.lock().unwrap(), ["top", "panicking", "failing", "value"]);
    let texts: Vec<_> = failures.iter().map(|failure| (&*failure.label, failure.error.to_string())).collect();
    assert_eq!(
        texts,
        [
            ("struct `Middle`", "closing panicked: no luck".to_owned()),
            ("struct `Base`", "the other end is gone".to_owned()),
        ]
    );
    assert_eq!(failures[0].place.file, file!());
    assert!(failures.iter().all(|failure| !failure.overran));
}

#[tokio::test]
async fn a_component_that_does_not_end_is_named() {
    let mut builder = ContainerBuilder::new();
    builder.add(made(|| Ok(Base)).labelled("struct `Base`").closed_by(|_| Box::pin(std::future::pending())));
    let log = Log::default();
    builder.add(noting(Provide::value(1_u8), &log, "value"));
    let container = builder.build(Reach::Everything).unwrap();
    container.resolve::<Arc<Base>>().await.unwrap();
    let clock = VirtualClock::new();
    let closing = tokio::spawn({
        let (container, clock) = (container.clone(), Arc::clone(&clock));
        async move { container.close_within(&*clock, Duration::from_secs(5)).await }
    });
    clock.advance(Duration::from_secs(5)).await;
    let failures = in_time(closing).await.unwrap();
    assert_eq!(failures.len(), 1);
    assert!(failures[0].overran);
    assert_eq!((&*failures[0].label, failures[0].error.kind()), ("struct `Base`", ErrorKind::Timeout));
    assert_eq!(*log.lock().unwrap(), ["value"]);
}

#[tokio::test]
async fn closing_that_is_cut_off_goes_on_with_the_others() {
    let log = Log::default();
    let reached = Arc::new(Notify::new());
    let mut builder = ContainerBuilder::new();
    builder.add(noting(Provide::value(1_u8), &log, "value"));
    let at_close = Arc::clone(&reached);
    builder.add(Provide::value(Base).closed_by(move |_| {
        at_close.notify_one();
        Box::pin(std::future::pending())
    }));
    let container = builder.build(Reach::Everything).unwrap();
    assert!(container.get::<u8>().is_some() && container.get::<Base>().is_some());
    let closing = tokio::spawn({
        let container = container.clone();
        async move { container.close().await.len() }
    });
    in_time(reached.notified()).await;
    closing.abort();
    assert!(closing.await.is_err());
    assert!(in_time(container.close()).await.is_empty());
    assert_eq!(*log.lock().unwrap(), ["value"]);
}

#[tokio::test]
async fn what_is_built_while_all_closes_is_closed_too() {
    let log = Log::default();
    let (gate, started) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let mut builder = ContainerBuilder::new();
    let slow = {
        let (gate, started) = (Arc::clone(&gate), Arc::clone(&started));
        Provide::factory(move |_| {
            let (gate, started) = (Arc::clone(&gate), Arc::clone(&started));
            Box::pin(async move {
                started.notify_one();
                gate.acquire().await.unwrap().forget();
                Ok(Arc::new(Base))
            })
        })
    };
    builder.add(noting(slow, &log, "slow"));
    let container = builder.build(Reach::Everything).unwrap();
    let building = tokio::spawn({
        let container = container.clone();
        async move { container.resolve::<Arc<Base>>().await.map(|_| ()) }
    });
    in_time(started.notified()).await;
    assert!(container.close().await.is_empty());
    gate.add_permits(1);
    assert_eq!(error(in_time(building).await.unwrap()).kind(), ErrorKind::Unavailable);
    assert_eq!(*log.lock().unwrap(), ["slow"]);
    assert!(container.get::<Base>().is_none());
}

#[tokio::test]
async fn a_request_closes_its_own_and_nothing_else() -> Result<()> {
    let log = Log::default();
    let mut builder = ContainerBuilder::new();
    builder.add(noting(made(|| Ok(Base)), &log, "singleton"));
    builder.add(noting(needing::<Middle, Base>(|| Middle), &log, "first").scope(Scope::Request));
    builder.add(noting(needing::<Top, Middle>(|| Top), &log, "second").scope(Scope::Request));
    let container = builder.build(Reach::Everything).unwrap();
    let request = container.request(Context::background());
    request.resolver().resolve::<Arc<Top>>().await?;
    let other = container.request(Context::background());
    other.resolver().resolve::<Arc<Middle>>().await?;
    assert!(request.close().await.is_empty());
    assert_eq!(*log.lock().unwrap(), ["second", "first"]);
    assert!(request.close_within(&*VirtualClock::new(), Duration::from_secs(1)).await.is_empty());
    assert!(other.close().await.is_empty());
    assert!(container.close().await.is_empty());
    assert_eq!(*log.lock().unwrap(), ["second", "first", "first", "singleton"]);
    Ok(())
}
