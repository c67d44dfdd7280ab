//! A server whose keys are not what they should be: clear errors, nothing lost, and it goes on.

use std::sync::Arc;
use std::time::Duration;

use athyper::ErrorKind;
use athyper::jobs::{ChildFailure, JobFilter, JobQueue, JobState, Parent, Priority, RecoveryPolicy, Unique, Verdict};
use athyper_testkit::services::RedisServer;

use crate::support::{add, done, fresh_prefix, ids, job, jobs, outcome_of, queue, take, take_now, within_a_minute};

async fn on_shared() -> (Arc<dyn JobQueue>, impl Fn(&str) -> String) {
    let prefix = fresh_prefix();
    let queue = jobs(&format!("{}?prefix={prefix}", RedisServer::shared().url())).await;
    (queue, move |suffix: &str| format!("{prefix}:email:{suffix}"))
}

#[tokio::test]
async fn a_server_that_is_emptied_loses_its_jobs_and_goes_on() {
    let server = RedisServer::start();
    let queue = jobs(&server.url()).await;
    add(&queue, &["held", "waiting"]).await;
    let claimed = take_now(&queue, 1).await;
    let worker = {
        let queue = queue.clone();
        tokio::spawn(async move {
            let mut taken = queue.take(&take(1, Duration::ZERO)).await.unwrap();
            assert_eq!(ids(&taken), ["waiting"]);
            taken = queue.take(&take(1, Duration::from_secs(50))).await.unwrap();
            taken.remove(0).lock.id.to_string()
        })
    };
    within_a_minute(async {
        while queue.counts(&crate::support::queue()).await.unwrap().waiting > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.ask(&["FLUSHALL"]);
    let finished = queue.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
    assert_eq!(finished.verdicts, [Verdict::LostLock]);
    assert_eq!(queue.renew(&[claimed[0].lock.clone()], Duration::from_secs(30)).await.unwrap().len(), 1);
    assert_eq!(queue.record_progress(&claimed[0].lock, "1".into()).await.unwrap_err().kind(), ErrorKind::Conflict);
    add(&queue, &["later"]).await;
    assert_eq!(within_a_minute(worker).await.unwrap(), "later");
}

#[tokio::test]
async fn a_server_that_forgets_the_scripts_is_given_them_again() {
    let server = RedisServer::start();
    let queue = jobs(&server.url()).await;
    for round in 0..20 {
        server.ask(&["SCRIPT", "FLUSH"]);
        add(&queue, &[&format!("job-{round}")]).await;
        server.ask(&["SCRIPT", "FLUSH"]);
        let claimed = take_now(&queue, 1).await;
        server.ask(&["SCRIPT", "FLUSH"]);
        let finished = queue.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
        assert_eq!(finished.verdicts, [Verdict::Applied]);
    }
    assert_eq!(queue.counts(&crate::support::queue()).await.unwrap().completed, 20);
}

#[tokio::test]
async fn keys_that_hold_something_else_are_named_and_lose_no_job() {
    let server = RedisServer::shared();
    for suffix in ["wait", "prioritized", "delayed", "active", "completed", "meta", "events", "marker"] {
        let (queue, key) = on_shared().await;
        add(&queue, &["a", "b"]).await;
        let claimed = take_now(&queue, 1).await;
        let key = key(suffix);
        let aside = format!("{key}-aside");
        let was_there = server.ask(&["EXISTS", &key]).text() == "1";
        if was_there {
            server.ask(&["RENAME", &key, &aside]);
        }
        server.ask(&["SET", &key, "a text of somebody else"]);
        let mut low = job("c");
        low.envelope.options.priority = Priority(0);
        let mut late = job("d");
        late.due_at += Duration::from_secs(600);
        let answers = [
            queue.add(vec![low]).await.err(),
            queue.add(vec![late]).await.err(),
            queue.finish(vec![outcome_of(&claimed[0], done())], None).await.err(),
            queue.take(&take(9, Duration::ZERO)).await.err(),
            queue.recover(&crate::support::queue(), RecoveryPolicy::default()).await.err(),
            queue.counts(&crate::support::queue()).await.err(),
            queue.list(&crate::support::queue(), &JobFilter::default()).await.err(),
        ];
        let errors: Vec<_> = answers.into_iter().flatten().collect();
        assert!(!errors.is_empty(), "nobody noticed that `{suffix}` holds something else");
        for error in errors {
            assert_eq!(
                (error.kind(), error.code()),
                (ErrorKind::Configuration, "redis-wrong-type"),
                "{suffix}: {error:?}"
            );
            assert!(error.to_string().contains("prefix"), "{error}");
        }
        server.ask(&["DEL", &key]);
        if was_there {
            server.ask(&["RENAME", &aside, &key]);
        }
        // Whatever was refused can be done now, and nothing is lost.
        queue.add(vec![job("c"), job("d")]).await.unwrap();
        queue.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
        let mut found = Vec::new();
        for id in ["a", "b", "c", "d"] {
            found.extend(queue.get(&crate::support::queue(), &id.into()).await.unwrap().map(|record| record.state));
        }
        assert_eq!(found.len(), 4, "{suffix}: {found:?}");
    }
}

#[tokio::test]
async fn hashes_that_are_cut_short_are_handed_out_as_far_as_they_go() {
    let (queue, key) = on_shared().await;
    let server = RedisServer::shared();
    add(&queue, &["no-name", "no-data", "no-options", "gone", "text", "whole"]).await;
    server.ask(&["HDEL", &key("no-name"), "name"]);
    server.ask(&["HDEL", &key("no-data"), "data", "timestamp", "ath:ctx"]);
    server.ask(&["HSET", &key("no-options"), "opts", "{\"attempts\":"]);
    server.ask(&["DEL", &key("gone")]);
    server.ask(&["SET", &key("text"), "something else"]);
    let claimed = take_now(&queue, 99).await;
    assert_eq!(ids(&claimed), ["no-name", "no-data", "no-options", "whole"]);
    assert_eq!((&*claimed[0].envelope.kind, &*claimed[1].envelope.payload), ("", b"{}".as_slice()));
    assert_eq!(claimed[2].envelope.options.attempts, 1);
    for job in &claimed {
        let finished = queue.finish(vec![outcome_of(job, done())], None).await.unwrap();
        assert_eq!(finished.verdicts, [Verdict::Applied]);
    }
    let failed = JobFilter { states: vec![JobState::Failed], ..JobFilter::default() };
    let failed = queue.list(&crate::support::queue(), &failed).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].envelope.id.as_str(), "text");
}

#[tokio::test]
async fn ids_that_look_like_keys_harm_nobody() {
    let (queue, _) = on_shared().await;
    let odd = ["wait", "meta", "active", "events", "a:lock", "de:k:x", "👩‍👩‍👧:1", "0:0:0", "ath~", "marker"];
    add(&queue, &odd).await;
    let claimed = take_now(&queue, 99).await;
    assert_eq!(ids(&claimed), odd);
    let outcomes = claimed.iter().map(|claimed| outcome_of(claimed, done())).collect();
    queue.finish(outcomes, None).await.unwrap();
    assert_eq!(queue.counts(&crate::support::queue()).await.unwrap().completed, 10);
}

#[tokio::test]
async fn a_queue_with_a_colon_in_its_name_is_refused() {
    let (queue, _) = on_shared().await;
    let mut wrong = job("a");
    wrong.envelope.queue = "a:b".into();
    let error = queue.add(vec![wrong]).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, "job-queue-name"));
}

#[tokio::test]
async fn a_full_memory_is_told_and_workers_go_on() {
    let server = RedisServer::start_with(&[("maxmemory-policy", "noeviction")]);
    let queue = jobs(&server.url()).await;
    add(&queue, &["a"]).await;
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = queue.add(vec![job("b")]).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "redis-out-of-memory"));
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(ids(&take_now(&queue, 9).await), ["a"]);
    assert_eq!(queue.get(&crate::support::queue(), &"b".into()).await.unwrap(), None);
}

#[tokio::test]
async fn a_closed_port_and_a_wrong_password_are_told_apart() {
    let open = crate::support::driver().jobs.unwrap();
    let clock = Arc::new(athyper::clock::SystemClock::new());
    let of = async |url: &str| open(&crate::support::context_with(url, clock.clone())).await.unwrap_err();
    let closed = of("redis://127.0.0.1:1").await;
    assert_eq!((closed.kind(), closed.code()), (ErrorKind::Unavailable, "redis-unreachable"));
    let server = RedisServer::start_with(&[("requirepass", "right")]);
    let url = server.url().replace("redis://", "redis://:wrong@");
    let refused = of(&url).await;
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Configuration, "redis-login"));
    assert!(!refused.report().contains("wrong@"), "{}", refused.report());
    let right = jobs(&server.url().replace("redis://", "redis://:right@")).await;
    right.ping().await.unwrap();
    let _ = queue();
}

#[tokio::test]
async fn a_flow_that_cannot_be_added_leaves_nothing_behind() {
    let server = RedisServer::shared();
    let (queue, key) = on_shared().await;
    add(&queue, &["there"]).await;
    let of = |id: &str, priority: u32| {
        let mut job = job(id);
        job.envelope.options.priority = Priority(priority);
        job.parent = (id != "parent").then(|| Parent {
            queue: crate::support::queue(),
            id: "parent".into(),
            when_failed: ChildFailure::FailParent,
        });
        job
    };
    let flow = || {
        let mut root = of("parent", 1);
        root.unique = Some(Unique { key: "k".to_owned(), period: Duration::from_secs(60) });
        vec![root, of("there", 1), of("one", 1), of("two", 0)]
    };
    server.ask(&["SET", &key("wait"), "a text of somebody else"]);
    let error = queue.add(flow()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, "redis-wrong-type"), "{error:?}");
    server.ask(&["DEL", &key("wait")]);
    for id in ["parent", "one", "two"] {
        assert_eq!(queue.get(&crate::support::queue(), &id.into()).await.unwrap(), None, "{id}");
    }
    let there = queue.get(&crate::support::queue(), &"there".into()).await.unwrap().unwrap();
    assert_eq!((there.state, there.parent), (JobState::Waiting, None));
    assert_eq!(server.ask(&["KEYS", &key("parent:*")]).texts(), [""; 0]);
    let added = queue.add(flow()).await.unwrap();
    assert_eq!(added.iter().map(|added| added.duplicate).collect::<Vec<_>>(), [false, true, false, false]);
    for wanted in ["two", "one", "there", "parent"] {
        let claimed = take_now(&queue, 1).await;
        assert_eq!(ids(&claimed), [wanted]);
        queue.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
    }
}
