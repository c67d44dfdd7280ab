//! The server over real sockets.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use tokio::sync::Notify;

use crate::support::{local, start, within};

fn hello() -> Router {
    Router::new().route("/", get(async || "hello")).route("/echo", post(async |body: String| body))
}

#[tokio::test]
async fn requests_of_one_connection_are_answered_in_turn() {
    let server = start(hello(), local()).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        let answer = client.get("/").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    }
    drop(client);
    assert!(server.stop().await.is_complete());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(hello(), local()).await;
    let mut client = server.connect().await;
    client
        .send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nAPOST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nB")
        .await;
    assert_eq!(client.answer().await.unwrap().body, "A");
    assert_eq!(client.answer().await.unwrap().body, "B");
}

#[tokio::test]
async fn the_peer_stands_in_the_extensions() {
    let router =
        Router::new().route("/", get(async |ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>| peer.to_string()));
    let server = start(router, local()).await;
    let mut client = server.connect().await;
    let own = client.stream.local_addr().unwrap().to_string();
    assert_eq!(client.get("/").await.body, own);
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let mut options = local();
    options.header_timeout = Duration::from_millis(200);
    let server = start(hello(), options).await;
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: t\r\nX-Slow: "] {
        let mut client = server.connect().await;
        client.send(beginning).await;
        client.closed().await;
    }
}

#[tokio::test]
async fn a_second_head_that_never_ends_is_given_up_before_an_idle_connection() {
    let mut options = local();
    options.header_timeout = Duration::from_millis(200);
    options.idle_timeout = Duration::from_secs(3600);
    let server = start(hello(), options).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/").await.status, 200);
    client.send("GET / HT").await;
    client.closed().await;
}

#[tokio::test]
async fn a_drain_answers_what_runs_and_closes_what_is_idle() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        async move || {
            entered.notify_one();
            release.notified().await;
            "done"
        }
    };
    let server = start(hello().route("/slow", get(handler)), local()).await;
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/").await.status, 200);
    let mut busy = server.connect().await;
    busy.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n").await;
    within(entered.notified()).await;
    server.shutdown.cancel();
    idle.closed().await;
    release.notify_one();
    let answer = busy.answer().await.unwrap();
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("done", Some("close")));
    assert!(server.stop().await.is_complete());
}

#[tokio::test]
async fn a_drain_that_takes_too_long_cuts_and_says_so() {
    let entered = Arc::new(Notify::new());
    let handler = {
        let entered = Arc::clone(&entered);
        async move || {
            entered.notify_one();
            std::future::pending::<&str>().await
        }
    };
    let mut options = local();
    options.drain_timeout = Duration::from_millis(200);
    let server = start(Router::new().route("/", get(handler)), options).await;
    let mut stuck = server.connect().await;
    stuck.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n").await;
    within(entered.notified()).await;
    let drained = server.stop().await;
    assert_eq!((drained.forced_connections, drained.forced_requests), (1, 1));
    stuck.closed().await;
}
