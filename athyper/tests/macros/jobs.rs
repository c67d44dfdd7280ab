//! `#[job]` and `#[derive(Job)]`.

use std::any::TypeId;
use std::num::NonZeroU32;
use std::time::Duration;

use athyper::container::{ContainerBuilder, Reach, WantMode};
use athyper::context::Context;
use athyper::jobs::{
    Growth, HandlerOutcome, JobDescriptor, JobHandler, JobOptions, Limit, Priority, QueueLimits, QueueOrdering,
    Retention,
};
use athyper::prelude::*;
use athyper::private::ATHYPER_JOBS_V0;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Job)]
#[job(name = "welcome.v2", version = 2, aliases = ["welcome", "greet"])]
pub(crate) struct Welcome {
    to: String,
}

#[job(
    queue = "email",
    concurrency = 5,
    total_concurrency = 20,
    rate = "100/1m 30s",
    tenant_concurrency = 2,
    tenant_rate = "10/1s",
    attempts = 7,
    backoff = "exponential 2s max 1h jitter 0.25",
    timeout = "1m 30s",
    priority = high,
    ordering = fair,
    keep_completed = "10, 2h",
    keep_failed = "7d"
)]
async fn welcome(job: Welcome, ctx: JobContext) -> Result<String> {
    Ok(format!("{} at attempt {}", job.to, ctx.attempt()))
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CleanUpHTTPCache;

/// The names of the parameters are those that the output uses for its own.
#[job]
async fn clean(
    payload: CleanUpHTTPCache,
    resolver: JobContext,
    #[inject] context: Arc<u8>,
    #[inject] decoded: Option<Arc<u16>>,
) {
    let CleanUpHTTPCache = payload;
    assert_eq!((resolver.attempt(), *context, decoded), (1, 7, None));
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MoveV1(String);

#[derive(Debug, Serialize, Deserialize, Job)]
#[job(version = 2)]
pub(crate) struct MoveV2 {
    to: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Job)]
#[job(name = "move", version = 4, upcasts = [MoveV2, MoveV1])]
pub(crate) struct Move {
    from: Option<String>,
    to: String,
}

impl From<MoveV1> for Move {
    fn from(MoveV1(to): MoveV1) -> Self {
        Self { from: None, to }
    }
}

impl From<MoveV2> for Move {
    fn from(MoveV2 { to }: MoveV2) -> Self {
        Self { from: None, to }
    }
}

#[job]
async fn relocate(_job: Move) {}

mod contract {
    use athyper::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize, Job)]
    #[job(contract, queue = "reports", output = u32, attempts = 2)]
    pub(crate) struct Count(pub(crate) u32);
}

#[job(contract, concurrency = 3, rate = "5/1s")]
pub(crate) async fn count(job: contract::Count) -> Result<u32> {
    Ok(job.0 + 1)
}

fn descriptor(label: &str) -> &'static JobDescriptor {
    ATHYPER_JOBS_V0.iter().find(|job| job.label == label).expect("registered")
}

#[test]
fn options_are_what_was_written() {
    let job = <Welcome as JobHandler>::DESCRIPTOR;
    assert_eq!((job.kind, job.version, job.aliases), ("welcome.v2", 2, &["welcome", "greet"][..]));
    assert_eq!(job.concurrency, Some(5));
    let limit = |concurrency, rate: &str| Limit { concurrency: NonZeroU32::new(concurrency), rate: rate.parse().ok() };
    assert_eq!(job.limits, QueueLimits { queue: limit(20, "100/90s"), tenant: limit(2, "10/1s") });
    let options = job.options;
    assert_eq!(options.queue, "email");
    assert_eq!(options.attempts, 7);
    assert_eq!(options.priority, Priority::High);
    assert_eq!(options.ordering, QueueOrdering::Fair);
    assert_eq!(options.timeout, Some(Duration::from_secs(90)));
    assert_eq!(options.backoff.growth, Growth::Exponential);
    assert_eq!(options.backoff.base, Duration::from_secs(2));
    assert_eq!(options.backoff.max, Duration::from_secs(3600));
    assert_eq!(options.backoff.jitter_percent, 25);
    assert_eq!(options.keep_completed, Retention { count: 10, age: Duration::from_secs(7200) });
    assert_eq!(
        options.keep_failed,
        Retention { count: Retention::FAILED.count, age: Duration::from_secs(7 * 24 * 3600) }
    );
}

#[test]
fn an_earlier_shape_is_known_by_its_version() {
    let job = <Move as JobHandler>::DESCRIPTOR;
    let converted = |version: u32, payload: &str| {
        let upcast = job.upcasts.iter().find(|upcast| upcast.version == version).expect("an upcast");
        (upcast.convert)(payload.as_bytes()).map(|json| serde_json::from_slice::<Move>(&json).expect("a payload"))
    };
    assert_eq!(job.upcasts.iter().map(|upcast| upcast.version).collect::<Vec<_>>(), [2, 1]);
    let expected = Move { from: None, to: "Rome".to_owned() };
    assert_eq!(converted(1, "\"Rome\"").unwrap(), expected);
    assert_eq!(converted(2, r#"{"to":"Rome"}"#).unwrap(), expected);
    assert_eq!(converted(2, "\"Rome\"").unwrap_err().code(), "job-payload");
}

#[test]
fn a_job_that_says_nothing_has_the_defaults() {
    let job = <CleanUpHTTPCache as JobHandler>::DESCRIPTOR;
    assert_eq!((job.kind, job.version, job.aliases), ("clean_up_http_cache", 1, &[][..]));
    assert_eq!(*job.options, JobOptions::DEFAULT);
    assert_eq!((job.concurrency, job.limits), (None, QueueLimits::NONE));
    let wants = (job.wants)();
    let wants: Vec<_> = wants.iter().map(|want| (want.label, want.mode)).collect();
    assert_eq!(wants, [("parameter `context`", WantMode::Required), ("parameter `decoded`", WantMode::Optional)]);
}

#[test]
fn a_contract_carries_the_job_and_the_handler_only_itself() {
    let job = descriptor("job `count`");
    assert_eq!((job.kind, job.concurrency), ("count", Some(3)));
    assert_eq!(job.limits.to_string(), "rate = \"5/1s\"");
    assert_eq!((&*job.options.queue, job.options.attempts), ("reports", 2));
    assert_eq!(job.payload, TypeId::of::<contract::Count>());
}

#[test]
fn a_payload_is_checked_against_its_type() {
    let job = descriptor("job `welcome`");
    assert!((job.check)(br#"{"to": "a@example.org"}"#).is_ok());
    assert_eq!((job.check)(b"{}").unwrap_err().code(), "job-payload");
}

async fn run(label: &str, payload: &'static str) -> Result<HandlerOutcome> {
    let mut builder = ContainerBuilder::new();
    builder.provide(7_u8);
    let container = builder.build(Reach::Everything).expect("a sound graph");
    let scope = container.request(Context::background());
    let payload = payload.as_bytes().into();
    (descriptor(label).run)(&payload, JobContext::detached(Context::background()), &scope.resolver()).await
}

#[tokio::test]
async fn a_handler_decodes_resolves_runs_and_encodes() {
    let done = run("job `welcome`", r#"{"to": "a@example.org"}"#).await.unwrap();
    assert_eq!(done, HandlerOutcome::Done("\"a@example.org at attempt 1\"".into()));
    assert_eq!(run("job `clean`", "null").await.unwrap(), HandlerOutcome::Done("null".into()));
    assert_eq!(run("job `count`", "41").await.unwrap(), HandlerOutcome::Done("42".into()));
    assert_eq!(run("job `count`", "{}").await.unwrap_err().code(), "job-payload");
}

#[tokio::test]
async fn a_handler_can_still_be_called() {
    let context = JobContext::detached(Context::background());
    let done = welcome(Welcome { to: "b".into() }, context).await.unwrap();
    assert_eq!(done, "b at attempt 1");
}

#[test]
fn every_handler_is_in_the_table_and_known_by_its_function() {
    fn item_of<T: 'static>(_: T) -> TypeId {
        TypeId::of::<T>()
    }
    assert_eq!((descriptor("job `welcome`").handler)(), item_of(welcome));
    assert_eq!((descriptor("job `clean`").handler)(), item_of(clean));
    assert_eq!((descriptor("job `count`").handler)(), item_of(count));
    assert_eq!((descriptor("job `relocate`").handler)(), item_of(relocate));
    assert_eq!(ATHYPER_JOBS_V0.len(), 4);
}
