//! A server that promises less than is asked for is refused at start.

use std::sync::Arc;

use athyper::clock::SystemClock;
use athyper::jobs::JobQueue;
use athyper::{ErrorKind, Result};
use athyper_testkit::services::RedisServer;

use crate::support::{context_with, driver};

async fn open(server: &RedisServer, query: &str) -> Result<Arc<dyn JobQueue>> {
    let open = driver().jobs.unwrap();
    open(&context_with(&format!("{}?{query}", server.url()), Arc::new(SystemClock::new()))).await
}

async fn refusal(server: &RedisServer, query: &str) -> String {
    let error = open(server, query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    format!("{} {error}", error.code())
}

#[tokio::test]
async fn the_class_is_read_from_the_server() {
    let server = RedisServer::start();
    for accepted in ["", "durability=second", "durability=none"] {
        assert!(open(&server, accepted).await.unwrap().capabilities().durable);
    }
    let refused = refusal(&server, "durability=always").await;
    for said in
        ["redis-durability", "`second`", "`always`", "`appendonly yes` and `appendfsync always`", "durability=second"]
    {
        assert!(refused.contains(said), "{said}: {refused}");
    }
    server.ask(&["CONFIG", "SET", "appendfsync", "always"]);
    open(&server, "durability=always").await.unwrap();
}

#[tokio::test]
async fn a_server_that_keeps_nothing_is_refused_unless_that_is_said() {
    let server = RedisServer::start_with(&[("appendonly", "no")]);
    assert!(refusal(&server, "").await.contains("durability=none"));
    assert!(!open(&server, "durability=none").await.unwrap().capabilities().durable);
    let leases = driver().leases.unwrap();
    leases(&context_with(&server.url(), Arc::new(SystemClock::new()))).await.unwrap_err();
}

#[tokio::test]
async fn a_server_that_throws_keys_away_is_refused() {
    let server = RedisServer::start_with(&[("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")]);
    let refused = refusal(&server, "").await;
    assert!(refused.contains("redis-eviction") && refused.contains("noeviction"), "{refused}");
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    open(&server, "").await.unwrap();
}
