//! Starting and stopping in order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use athyper::config::Profile;
use athyper::container::{Container, Provide};
use athyper::kernel::{Kernel, KernelBuilder, LifecycleHook};
use athyper::{Error, Result};

type Log = Arc<Mutex<Vec<String>>>;

#[derive(Debug)]
struct Hook {
    name: &'static str,
    after: &'static [&'static str],
    log: Log,
    fails: bool,
    hangs: bool,
}

impl Hook {
    fn new(name: &'static str, log: &Log) -> Self {
        Self { name, after: &[], log: Arc::clone(log), fails: false, hangs: false }
    }

    fn note(&self, what: &str) {
        self.log.lock().expect("not poisoned").push(format!("{} {what}", self.name));
    }
}

#[async_trait]
impl LifecycleHook for Hook {
    fn name(&self) -> &str {
        self.name
    }
    fn after(&self) -> &[&str] {
        self.after
    }
    fn stop_deadline(&self) -> Option<Duration> {
        Some(Duration::from_millis(200))
    }
    async fn starting(&self, _: &Container) -> Result<()> {
        self.note("starting");
        if self.fails { Err(Error::unavailable("the mail server refuses")) } else { Ok(()) }
    }
    async fn started(&self, _: &Container) -> Result<()> {
        self.note("started");
        Ok(())
    }
    async fn stopping(&self) -> Result<()> {
        self.note("stopping");
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
    async fn stopped(&self) {
        self.note("stopped");
    }
}

fn product() -> KernelBuilder {
    Kernel::builder().without_inventory().profile(Profile::Test).set("http.port", 0)
}

fn taken(log: &Log) -> Vec<String> {
    log.lock().expect("not poisoned").clone()
}

#[tokio::test]
async fn hooks_start_in_the_order_of_their_needs_and_stop_in_reverse() {
    let log = Log::default();
    let kernel = product()
        .hook(Hook { after: &["store"], ..Hook::new("mail", &log) })
        .hook(Hook::new("store", &log))
        .build()
        .expect("a sound product");
    let report = kernel.start().await.expect("it starts").stop().await.expect("it stops");
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(
        taken(&log),
        [
            "store starting",
            "mail starting",
            "store started",
            "mail started",
            "mail stopping",
            "store stopping",
            "mail stopped",
            "store stopped"
        ]
    );
}

#[tokio::test]
async fn a_failed_start_stops_what_had_started_in_reverse() {
    let log = Log::default();
    let kernel = product()
        .hook(Hook::new("store", &log))
        .hook(Hook { after: &["store"], fails: true, ..Hook::new("mail", &log) })
        .hook(Hook { after: &["mail"], ..Hook::new("never", &log) })
        .build()
        .expect("a sound product");
    let problems = kernel.start().await.expect_err("a hook fails");
    assert!(problems.to_string().contains("`mail` did not start: the mail server refuses"), "{problems}");
    assert_eq!(problems.exit_code(), 69);
    assert_eq!(
        taken(&log),
        ["store starting", "mail starting", "mail stopping", "store stopping", "mail stopped", "store stopped"]
    );
}

#[tokio::test]
async fn what_overruns_its_deadline_is_named_and_the_rest_stops() {
    let log = Log::default();
    let kernel = product()
        .hook(Hook::new("store", &log))
        .hook(Hook { after: &["store"], hangs: true, ..Hook::new("stuck", &log) })
        .build()
        .expect("a sound product");
    let report = kernel.start().await.expect("it starts").stop().await.expect("it stops");
    assert_eq!(report.overran, ["stuck"]);
    assert!(!report.is_clean());
    assert!(taken(&log).contains(&"store stopping".to_owned()));
}

#[tokio::test]
async fn a_component_that_does_not_close_is_named_and_the_others_close() {
    struct Pool;
    let log = Log::default();
    let closed = Arc::clone(&log);
    let kernel = product()
        .set("shutdown.deadline", "200ms")
        .provider(Provide::value(Pool).labelled("the pool").closed_by(move |_| {
            closed.lock().expect("not poisoned").push("pool closed".to_owned());
            Box::pin(std::future::ready(Ok(())))
        }))
        .provider(Provide::value(7_u8).labelled("the stuck one").closed_by(|_| Box::pin(std::future::pending())))
        .build()
        .expect("a sound product");
    let report = kernel.start().await.expect("it starts").stop().await.expect("it stops");
    assert_eq!(report.overran, ["the stuck one"]);
    assert_eq!(taken(&log), ["pool closed"]);
}

#[tokio::test]
async fn two_kernels_run_side_by_side_and_stop_apart() {
    let start = async || product().build().expect("a sound product").start().await.expect("it starts");
    let (one, other) = (start().await, start().await);
    let (first, second) = (one.handle().http_address(), other.handle().http_address());
    assert!(first.is_some() && second.is_some() && first != second, "{first:?} {second:?}");
    assert!(one.stop().await.expect("it stops").is_clean());
    let address = second.expect("bound");
    tokio::net::TcpStream::connect(address).await.expect("the other one still serves");
    assert!(other.stop().await.expect("it stops").is_clean());
}

#[tokio::test]
async fn a_taken_port_is_a_report_and_not_a_panic() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let kernel = product().set("http.port", port).build().expect("a sound product");
    let problems = kernel.start().await.expect_err("the port is taken");
    assert!(problems.to_string().contains("taken by another process"), "{problems}");
}
