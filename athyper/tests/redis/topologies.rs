//! A URL whose scheme does not fit what its servers are: refused at start, and told how to write it.

use athyper::ErrorKind;
use athyper_testkit::services::{RedisCluster, RedisSentinel, RedisServer};

use crate::support::{jobs_with, leases_with};

/// How a URL is refused, as a job queue and as a store of leases.
async fn refusal(url: &str) -> String {
    let clock = || std::sync::Arc::new(athyper::clock::SystemClock::new());
    let error = jobs_with(url, clock()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, "redis-topology"), "{error:?}");
    let of_leases = leases_with(url, clock()).await.unwrap_err();
    assert_eq!(of_leases.to_string(), error.to_string());
    error.to_string()
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not said: {text}");
    }
}

#[tokio::test]
async fn a_node_of_a_cluster_is_no_single_server() {
    let cluster = RedisCluster::shared();
    for node in cluster.nodes() {
        for query in ["", "?durability=none"] {
            let refused = refusal(&format!("{}{query}", node.url())).await;
            says(&refused, &["a node of a cluster", "`redis+cluster://host:port,host:port?prefix=bull`"]);
        }
    }
}

#[tokio::test]
async fn a_single_server_is_no_cluster_and_no_sentinel() {
    let address = RedisServer::shared().address();
    let refused = refusal(&format!("redis+cluster://{address}")).await;
    says(&refused, &["no node of a cluster", &format!("write `redis://{address}`")]);
    let refused = refusal(&format!("redis+sentinel://{address}/main")).await;
    says(&refused, &["no sentinel", &format!("`redis://{address}`")]);
}

#[tokio::test]
async fn sentinels_are_no_servers_and_know_their_primary_by_name() {
    let service = RedisSentinel::start();
    let sentinel = service.sentinels()[0].address();
    says(
        &refusal(&format!("redis://{sentinel}")).await,
        &["a sentinel", "`redis+sentinel://host:port,host:port/NAME`"],
    );
    let refused = refusal(&format!("redis+sentinel://{sentinel}/other")).await;
    says(&refused, &["`other`", "sentinel monitor NAME"]);
    // A sentinel that cannot be reached does not hide what the others say, nor keep them from being asked.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    says(&refusal(&format!("redis+sentinel://{sentinel},{gone}/other")).await, &["`other`"]);
    jobs_with(
        &format!("redis+sentinel://{gone},{sentinel}/main"),
        std::sync::Arc::new(athyper::clock::SystemClock::new()),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn nobody_there_is_no_mistake_of_the_url() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("redis+sentinel://{gone}/main"), format!("redis+cluster://{gone}")] {
        let error = jobs_with(&url, std::sync::Arc::new(athyper::clock::SystemClock::new())).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "redis-unreachable"), "{url}: {error:?}");
    }
}
