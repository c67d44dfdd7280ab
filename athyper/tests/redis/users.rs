//! Servers that want to know who asks, and users who may do what a job queue needs and nothing else.

use std::sync::Arc;
use std::time::Duration;

use athyper::ErrorKind;
use athyper::clock::SystemClock;
use athyper::jobs::Verdict;
use athyper_testkit::services::{RedisCluster, RedisSentinel, RedisServer};

use crate::support::{add, done, ids, jobs, jobs_with, leases_with, outcome_of, take_now};

/// What `guide/jobs.md` says a user needs.
const RULES: &str = "resetchannels -@all +@read +@write +@scripting +@connection -@dangerous +info +wait";

/// Makes `shop` the only user of a server who may do anything.
fn restrict(server: &RedisServer, keys: &str, more: &str) {
    let pattern = format!("~{keys}*");
    let mut words = vec!["ACL", "SETUSER", "shop", "on", ">hunter2", &pattern];
    words.extend(RULES.split(' ').chain(more.split_whitespace()));
    assert_eq!(server.ask(&words).text(), "OK");
}

fn with_login(url: &str, login: &str) -> String {
    url.replacen("://", &format!("://{login}@"), 1)
}

async fn runs_a_job(url: &str) {
    let (jobs, clock) = (jobs(url).await, Arc::new(SystemClock::new()));
    add(&jobs, &["a"]).await;
    let claimed = take_now(&jobs, 1).await;
    assert_eq!(ids(&claimed), ["a"]);
    let finished = jobs.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
    assert_eq!(finished.verdicts, [Verdict::Applied]);
    jobs.ping().await.unwrap();
    let leases = leases_with(url, clock).await.unwrap();
    assert!(leases.acquire("scheduler", "one", Duration::from_secs(9)).await.unwrap().is_some());
}

async fn is_refused(url: &str) {
    let error = jobs_with(url, Arc::new(SystemClock::new())).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, "redis-login"), "{url}: {error:?}");
    assert!(!format!("{error:?}").contains("wrong-password"), "{error:?}");
}

#[tokio::test]
async fn a_single_server() {
    let server = RedisServer::start();
    restrict(&server, "bull:", "");
    assert_eq!(server.ask(&["ACL", "SETUSER", "default", "off"]).text(), "OK");
    runs_a_job(&with_login(&server.url(), "shop:hunter2")).await;
    is_refused(&with_login(&server.url(), "shop:wrong-password")).await;
    is_refused(&server.url()).await;
}

#[tokio::test]
async fn keys_of_others_are_out_of_reach() {
    let server = RedisServer::start();
    restrict(&server, "shop:", "");
    let jobs = jobs(&with_login(&server.url(), "shop:hunter2")).await;
    let error = jobs.counts(&crate::support::queue()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, "redis-permission"), "{error:?}");
}

#[tokio::test]
async fn a_cluster() {
    let cluster = RedisCluster::start();
    for node in cluster.nodes() {
        restrict(node, "{bull}:", "+cluster|slots +cluster|keyslot");
        assert_eq!(node.ask(&["ACL", "SETUSER", "default", "off"]).text(), "OK");
    }
    runs_a_job(&with_login(&cluster.url(), "shop:hunter2")).await;
    is_refused(&with_login(&cluster.url(), "shop:wrong-password")).await;
}

#[tokio::test]
async fn sentinels_that_want_no_login_and_sentinels_that_do() {
    let service = RedisSentinel::start();
    for server in service.servers() {
        restrict(server, "bull:", "");
    }
    let url = with_login(&service.url(), "shop:hunter2");
    runs_a_job(&url).await;
    for sentinel in service.sentinels() {
        let words =
            ["ACL", "SETUSER", "shop", "on", ">hunter2", "-@all", "+sentinel|get-master-addr-by-name", "+@connection"];
        assert_eq!(sentinel.ask(&words).text(), "OK");
        assert_eq!(sentinel.ask(&["ACL", "SETUSER", "default", "off"]).text(), "OK");
    }
    assert_eq!(jobs(&url).await.counts(&crate::support::queue()).await.unwrap().completed, 1);
    is_refused(&with_login(&service.url(), "shop:wrong-password")).await;
}
