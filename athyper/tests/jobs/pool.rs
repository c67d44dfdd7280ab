//! What becomes of jobs in the worker pool, driven step by step in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use athyper::clock::{Clock, ClockExt};
use athyper::context::{Context, Principal, current_context, in_context};
use athyper::jobs::{JobOutcome, JobState, Outcome};
use athyper::{Error, ErrorKind};
use tokio::sync::mpsc;

use crate::support::{Handlers, Sum, Timed, Work, World};

fn adding() -> Handlers {
    Handlers::default().on(async |sum: Sum, _| Ok(sum.left + sum.right))
}

/// Handlers of [`Work`] that fail the first so many times.
fn failing(times: u32) -> (Handlers, Arc<AtomicU32>) {
    let started = Arc::<AtomicU32>::default();
    let counter = started.clone();
    let handlers = Handlers::default().on(move |_: Work, _| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        async move { if number < times { Err(Error::unavailable(format!("failure {number}"))) } else { Ok(()) } }
    });
    (handlers, started)
}

#[tokio::test]
async fn a_job_runs_and_gives_its_typed_result() {
    let world = World::new(adding());
    let handle = world.jobs.enqueue(Sum { left: 2, right: 3 }).await.unwrap();
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Waiting));
    let ran = world.pool().run_available().await.unwrap();
    assert_eq!(ran.len(), 1);
    assert_eq!((&*ran[0].kind, ran[0].attempt, &ran[0].id), ("sum", 1, handle.id()));
    assert_eq!(ran[0].handler, Some(std::any::TypeId::of::<Sum>()));
    assert_eq!(handle.result().await.unwrap(), 5);
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Completed));
}

#[tokio::test]
async fn a_job_fails_exactly_as_often_as_it_may_and_backs_off_between() {
    for failures in 0..6 {
        let (handlers, started) = failing(failures);
        let world = World::new(handlers);
        let handle = world.jobs.enqueue(Work(1)).attempts(4).await.unwrap();
        let mut waits = 0;
        loop {
            world.pool().run_available().await.unwrap();
            let record = world.record(&handle).await;
            if record.state.is_final() {
                let wanted = if failures < 4 { JobState::Completed } else { JobState::Failed };
                assert_eq!(record.state, wanted, "{failures} failures");
                break;
            }
            assert_eq!(record.state, JobState::Delayed);
            assert_eq!(record.due_at, world.clock.now() + Duration::from_secs(1));
            assert_eq!(record.error.as_deref(), Some(&*format!("failure {waits}")));
            waits += 1;
            world.clock.advance_seconds(1).await;
        }
        assert_eq!(started.load(Ordering::SeqCst), (failures + 1).min(4), "{failures} failures");
        assert_eq!(waits, failures.min(3));
    }
}

#[tokio::test]
async fn an_error_that_says_when_to_come_back_is_listened_to() {
    let world = World::new(Handlers::default().on(async |_: Work, _| -> athyper::Result<()> {
        Err(Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(Duration::from_secs(90)))
    }));
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    world.pool().run_available().await.unwrap();
    assert_eq!(world.record(&handle).await.due_at, world.clock.now() + Duration::from_secs(90));
}

#[tokio::test]
async fn a_payload_that_does_not_fit_fails_for_good_and_says_why() {
    let (handlers, started) = failing(0);
    let world = World::new(handlers);
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    let mut job = athyper::jobs::NewJob {
        envelope: world.record(&handle).await.envelope,
        due_at: world.clock.now(),
        unique: None,
        serial_key: None,
        parent: None,
    };
    job.envelope.id = "broken".into();
    job.envelope.payload = "{\"text\": 1}".into();
    world.queue.add(vec![job]).await.unwrap();
    world.pool().run_available().await.unwrap();
    let record = world.queue.get(handle.queue(), &"broken".into()).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts_made), (JobState::Failed, 1));
    let error = record.error.unwrap();
    assert!(error.contains("the payload is not a `") && error.contains("invalid type: map"), "{error}");
    assert_eq!(started.load(Ordering::SeqCst), 1, "the handler saw the broken payload");
}

#[tokio::test]
async fn an_error_of_the_handler_that_is_invalid_is_still_tried_again() {
    let world = World::new(
        Handlers::default().on(async |_: Work, _| -> athyper::Result<()> { Err(Error::invalid("not yet")) }),
    );
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    world.pool().run_available().await.unwrap();
    assert_eq!(world.record(&handle).await.state, JobState::Delayed);
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_with_its_text() {
    let world = World::new(Handlers::default().on(async |work: Work, _| -> athyper::Result<()> {
        if work.0 == 1 {
            panic!("job {} is cursed", work.0);
        }
        Ok(())
    }));
    let cursed = world.jobs.enqueue(Work(1)).attempts(1).await.unwrap();
    let fine = world.jobs.enqueue(Work(2)).await.unwrap();
    world.pool().run_available().await.unwrap();
    let record = world.record(&cursed).await;
    assert_eq!(record.state, JobState::Failed);
    assert_eq!(record.error.as_deref(), Some("the handler panicked: job 1 is cursed"));
    assert_eq!(fine.state().await.unwrap(), Some(JobState::Completed));
}

#[tokio::test]
async fn a_handler_may_snooze_and_discard() {
    let world = World::new(Handlers::default().on(async |work: Work, ctx| {
        assert_eq!(ctx.attempt(), 1, "a snooze counted as an attempt");
        Ok(match (work.0, ctx.token()) {
            (1, _) => JobOutcome::Discard("the user is gone".to_owned()),
            (_, token) if token < 5 => JobOutcome::Snooze(Duration::from_secs(60)),
            _ => JobOutcome::Done(()),
        })
    }));
    let discarded = world.jobs.enqueue(Work(1)).await.unwrap();
    let snoozed = world.jobs.enqueue(Work(2)).attempts(1).await.unwrap();
    for _ in 0..5 {
        world.pool().run_available().await.unwrap();
        world.clock.advance_seconds(60).await;
    }
    let record = world.record(&discarded).await;
    assert_eq!((record.state, record.error.as_deref()), (JobState::Failed, Some("the user is gone")));
    let record = world.record(&snoozed).await;
    assert_eq!((record.state, record.attempts_started, record.attempts_made), (JobState::Completed, 5, 1));
}

#[tokio::test]
async fn jobs_of_jobs_run_in_the_order_of_their_queue() {
    let (sent, mut received) = mpsc::unbounded_channel();
    let world = World::new(Handlers::default().on(move |work: Work, _| {
        sent.send(work.0).unwrap();
        async { Ok(()) }
    }));
    for number in [3, 1, 2] {
        world.jobs.enqueue(Work(number)).await.unwrap();
    }
    world.jobs.enqueue(Work(0)).priority(athyper::jobs::Priority::High).await.unwrap();
    world.jobs.enqueue(Work(9)).delay(Duration::from_secs(1)).await.unwrap();
    assert_eq!(world.pool().run_available().await.unwrap().len(), 4);
    let order: Vec<u32> = std::iter::from_fn(|| received.try_recv().ok()).collect();
    assert_eq!(order, [0, 3, 1, 2]);
    world.clock.advance_seconds(1).await;
    assert_eq!(world.pool().run_available().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_kind_that_nobody_knows_is_parked_for_longer_each_time_and_freed_by_who_knows_it() {
    let world = World::new(adding());
    let (stranger, _) = world.another_process(failing(0).0);
    let handle = stranger.enqueue(Work(1)).await.unwrap();
    let mut waits = Vec::new();
    for _ in 0..9 {
        let ran = world.pool().run_available().await.unwrap();
        assert!(matches!(ran[0].outcome, Some(Outcome::Park { .. })) && ran[0].handler.is_none());
        let record = world.record(&handle).await;
        assert_eq!((record.state, record.attempts_made), (JobState::Parked, 0));
        let wait = (record.due_at - world.clock.now()).to_std().unwrap();
        waits.push(wait.as_secs());
        world.clock.advance(wait).await;
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600, 600]);
    world.pool().run_available().await.unwrap();
    let record = world.record(&handle).await;
    assert_eq!(record.error.as_deref(), Some("no handler of queue `default` knows the kind `work`"));

    let health = athyper::health::HealthCheck::check(&world.pool().health()).await;
    assert_eq!(health.status, athyper::health::HealthStatus::Degraded);
    assert!(health.detail.unwrap().contains("1 in `default`"));

    let (_, capable) = world.another_process(failing(0).0);
    assert_eq!(capable.run_available().await.unwrap().len(), 1);
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Completed));
}

#[tokio::test]
async fn a_version_that_nobody_knows_is_parked_and_the_known_ones_are_named() {
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct NewSum;
    crate::support::job!(NewSum => (), "sum", version = 2);
    let world = World::new(adding());
    let (newer, _) = world.another_process(Handlers::default().on(async |_: NewSum, _| Ok(())));
    let handle = newer.enqueue(NewSum).await.unwrap();
    world.pool().run_available().await.unwrap();
    let error = world.record(&handle).await.error.unwrap();
    assert_eq!(error, "no handler of queue `default` knows version 2 of `sum` (known: 1)");
}

/// A sum whose numbers were two fields once, and a text before that.
mod sums {
    use athyper::jobs::{Job, JobOptions, Upcast};
    use athyper::private::upcast_payload;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize)]
    pub(super) struct Text(pub(super) String);
    #[derive(Debug, Serialize, Deserialize)]
    pub(super) struct Two {
        pub(super) left: u32,
        pub(super) right: u32,
    }
    #[derive(Debug, Serialize, Deserialize)]
    pub(super) struct Many(pub(super) Vec<u32>);

    crate::support::job!(Text => u32, "total", version = 1);
    crate::support::job!(Two => u32, "total", version = 2);

    impl From<Text> for Many {
        fn from(Text(text): Text) -> Self {
            Self(text.split('+').filter_map(|number| number.parse().ok()).collect())
        }
    }

    impl From<Two> for Many {
        fn from(Two { left, right }: Two) -> Self {
            Self(vec![left, right])
        }
    }

    impl Job for Many {
        type Output = u32;
        const KIND: &'static str = "total";
        const VERSION: u32 = 3;
        const ALIASES: &'static [&'static str] = &[];
        const UPCASTS: &'static [Upcast] = &[
            Upcast { version: 2, convert: upcast_payload::<Two, Self> },
            Upcast { version: 1, convert: upcast_payload::<Text, Self> },
        ];
        const OPTIONS: JobOptions = JobOptions::DEFAULT;
    }
}

#[tokio::test]
async fn payloads_of_earlier_versions_reach_the_handler_in_its_own() {
    use sums::{Many, Text, Two};
    let world = World::new(Handlers::default().on(async |Many(numbers), _| Ok(numbers.iter().sum::<u32>())));
    let (oldest, _) = world.another_process(Handlers::default().on(async |_: Text, _| Ok(0_u32)));
    let (old, _) = world.another_process(Handlers::default().on(async |_: Two, _| Ok(0_u32)));
    let first = oldest.enqueue(Text("1+2+3".to_owned())).await.unwrap();
    let second = old.enqueue(Two { left: 4, right: 5 }).await.unwrap();
    let third = world.jobs.enqueue(Many(vec![6, 7, 8])).await.unwrap();
    assert_eq!(world.pool().run_available().await.unwrap().len(), 3);
    for (handle, expected) in [(first.id(), "6"), (second.id(), "9"), (third.id(), "21")] {
        let record = world.queue.get(&"default".into(), handle).await.unwrap().unwrap();
        assert_eq!(record.result.as_deref(), Some(expected.as_bytes()), "{:?}", record.error);
    }
}

#[tokio::test]
async fn a_payload_that_is_none_of_its_version_fails_for_good() {
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Garbage(bool);
    crate::support::job!(Garbage => u32, "total", version = 2);
    let world = World::new(Handlers::default().on(async |sums::Many(_), _| Ok(0_u32)));
    let (other, _) = world.another_process(Handlers::default().on(async |_: Garbage, _| Ok(0_u32)));
    let handle = other.enqueue(Garbage(true)).await.unwrap();
    world.pool().run_available().await.unwrap();
    let record = world.queue.get(&"default".into(), handle.id()).await.unwrap().unwrap();
    assert_eq!(record.state, JobState::Failed);
    assert!(record.error.as_deref().unwrap().contains("Two"), "the shape it should have is named: {:?}", record.error);
}

#[tokio::test]
async fn a_job_runs_in_the_context_of_whoever_enqueued_it_and_hands_it_on() {
    let (sent, mut received) = mpsc::unbounded_channel();
    let jobs = Arc::new(std::sync::OnceLock::<Arc<athyper::jobs::Jobs>>::new());
    let own_jobs = jobs.clone();
    let handlers = adding().on(move |work: Work, ctx| {
        let (sent, jobs) = (sent.clone(), own_jobs.clone());
        async move {
            sent.send((ctx.context().clone(), current_context())).unwrap();
            if work.0 > 0 {
                jobs.get().unwrap().enqueue(Work(work.0 - 1)).await?;
            }
            Ok(())
        }
    });
    let world = World::new(handlers.clone());
    let (own, _) = world.another_process(handlers);
    assert!(jobs.set(Arc::new(own)).is_ok());
    let context = Context::background()
        .with_tenant("acme")
        .with_principal(Principal::new("u1").with_role("admin"))
        .with_deadline(world.clock.now() + Duration::from_secs(1));
    in_context(context.clone(), async { world.jobs.enqueue(Work(2)).await }).await.unwrap();
    world.clock.advance_seconds(5).await;
    assert_eq!(world.pool().run_available().await.unwrap().len(), 3);
    for _ in 0..3 {
        let (given, current) = received.try_recv().unwrap();
        assert_eq!(current.as_ref(), Some(&given));
        assert_eq!(given.request_id(), context.request_id());
        assert_eq!(given.trace().trace_id(), context.trace().trace_id());
        assert_eq!((given.tenant(), given.principal()), (Some("acme"), context.principal()));
        assert_eq!(given.deadline(), None, "the deadline of the request became the job's");
    }
}

#[tokio::test]
async fn the_deadline_of_a_given_context_travels_and_that_of_the_running_one_does_not() {
    let world = World::new(failing(0).0);
    let deadline = world.clock.now() + Duration::from_secs(5);
    let request = Context::background().with_deadline(deadline);
    let own = request.clone();
    let (one, many, given) = in_context(request, async {
        let one = world.jobs.enqueue(Work(1)).await.unwrap();
        let many = world.jobs.enqueue_all([Work(2)]).await.unwrap().remove(0);
        let given = world.jobs.enqueue_all([Work(3)]).context(own).await.unwrap().remove(0);
        (one, many, given)
    })
    .await;
    let mut deadlines = Vec::new();
    for handle in [&one, &many, &given] {
        deadlines.push(world.record(handle).await.envelope.context.deadline());
    }
    assert_eq!(deadlines, [None, None, Some(deadline)]);
}

#[tokio::test]
async fn a_job_whose_own_deadline_has_passed_does_not_start() {
    let (handlers, started) = failing(0);
    let world = World::new(handlers);
    let context = Context::background().with_deadline(world.clock.now() + Duration::from_secs(5));
    let handle = world.jobs.enqueue(Work(1)).context(context).delay(Duration::from_secs(5)).await.unwrap();
    world.clock.advance_seconds(5).await;
    world.pool().run_available().await.unwrap();
    let record = world.record(&handle).await;
    assert_eq!((record.state, started.load(Ordering::SeqCst)), (JobState::Failed, 0));
    assert!(record.error.unwrap().contains("passed before it started"));
}

#[tokio::test]
async fn progress_is_seen_while_the_job_runs() {
    let world = World::new(Handlers::default().on(async |_: Work, ctx| {
        ctx.progress(50).await?;
        ctx.progress(serde_json::json!({"done": 3, "of": 4})).await
    }));
    let handle = world.jobs.enqueue(Work(1)).await.unwrap();
    world.pool().run_available().await.unwrap();
    assert_eq!(world.record(&handle).await.progress.as_deref(), Some(br#"{"done":3,"of":4}"#.as_slice()));
}

#[tokio::test]
async fn a_time_out_ends_the_attempt_and_the_next_one_begins() {
    let clock = athyper_testkit::clock::VirtualClock::new();
    let used = clock.clone();
    let handlers = Handlers::default().on(move |_: Timed, ctx| {
        let clock = used.clone();
        async move {
            if ctx.attempt() == 1 {
                clock.sleep(Duration::from_secs(3_600)).await;
            }
            Ok(())
        }
    });
    let world = World::on_clock(handlers, Default::default(), clock.clone(), clock);
    let handle = world.jobs.enqueue(Timed).await.unwrap();
    let running = world.pool().run_available();
    let (ran, ()) = tokio::join!(running, world.clock.advance_seconds(11));
    assert!(matches!(ran.unwrap()[0].outcome, Some(Outcome::Retry { .. })));
    let record = world.record(&handle).await;
    assert_eq!(record.error.as_deref(), Some("it took longer than its time-out of 10s"));
    world.clock.advance_seconds(60).await;
    world.pool().run_available().await.unwrap();
    assert_eq!(handle.state().await.unwrap(), Some(JobState::Completed));
}

#[tokio::test]
async fn what_was_run_is_counted_and_timed() {
    let (handlers, _) = failing(1);
    let world = World::new(handlers);
    world.jobs.enqueue(Work(1)).await.unwrap();
    world.clock.advance_seconds(2).await;
    world.pool().run_available().await.unwrap();
    world.clock.advance_seconds(1).await;
    world.pool().run_available().await.unwrap();
    let text = world.metrics.to_prometheus();
    for line in [
        r#"job_attempts_total{queue="default",kind="work",outcome="retried"} 1"#,
        r#"job_attempts_total{queue="default",kind="work",outcome="completed"} 1"#,
        r#"job_run_seconds_count{queue="default",kind="work"} 2"#,
        r#"job_wait_seconds_sum{queue="default"} 2"#,
        r#"jobs_running{queue="default"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn jobs_without_end_are_an_error() {
    let jobs = Arc::new(std::sync::OnceLock::<Arc<athyper::jobs::Jobs>>::new());
    let own_jobs = jobs.clone();
    let handlers = Handlers::default().on(move |work: Work, _| {
        let jobs = own_jobs.clone();
        async move { jobs.get().unwrap().enqueue(work).await.map(drop) }
    });
    let world = World::new(handlers.clone());
    let (own, _) = world.another_process(handlers);
    assert!(jobs.set(Arc::new(own)).is_ok());
    world.jobs.enqueue(Work(1)).await.unwrap();
    let error = world.pool().run_available().await.unwrap_err();
    assert!(error.message().contains("does a job enqueue itself?"), "{error}");
}
