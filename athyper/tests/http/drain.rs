//! A server that is told to stop under load, seen by a client that keeps a ledger.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::http::{Drained, ServerOptions};
use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::support::{eventually, local, start, within};

type Ledger = Arc<Mutex<BTreeSet<u64>>>;

struct Outcome {
    drained: Drained,
    begun: BTreeSet<u64>,
    answered: BTreeSet<u64>,
}

/// Clients ask on many connections as fast as they can; in the middle of it the server is told to stop.
async fn drain_under_load(options: ServerOptions, http2: bool, work: Duration) -> Outcome {
    let (begun, answered) = (Ledger::default(), Ledger::default());
    let handler = {
        let begun = Arc::clone(&begun);
        async move |Path(id): Path<u64>| {
            begun.lock().unwrap().insert(id);
            tokio::time::sleep(work).await;
            id.to_string()
        }
    };
    let server = start(Router::new().route("/{id}", get(handler)), options).await;
    let next = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..32)
        .map(|_| {
            let (next, answered, address) = (Arc::clone(&next), Arc::clone(&answered), server.address);
            tokio::spawn(async move {
                // A connection that the server closed is opened anew until nobody listens any more.
                while let Ok(stream) = tokio::net::TcpStream::connect(address).await {
                    let io = TokioIo::new(stream);
                    if http2 {
                        let Ok((sender, connection)) =
                            hyper::client::conn::http2::handshake::<_, _, Empty<bytes::Bytes>>(
                                TokioExecutor::new(),
                                io,
                            )
                            .await
                        else {
                            continue;
                        };
                        tokio::spawn(connection);
                        let mut sender = sender;
                        while sender.ready().await.is_ok() {
                            let id = next.fetch_add(1, Ordering::SeqCst);
                            let request = http::Request::get(format!("http://t/{id}")).body(Empty::new()).unwrap();
                            let Ok(response) = sender.send_request(request).await else { break };
                            note(&answered, id, response).await;
                        }
                    } else {
                        let Ok((mut sender, connection)) =
                            hyper::client::conn::http1::handshake::<_, Empty<bytes::Bytes>>(io).await
                        else {
                            continue;
                        };
                        tokio::spawn(connection);
                        while sender.ready().await.is_ok() {
                            let id = next.fetch_add(1, Ordering::SeqCst);
                            let request =
                                http::Request::get(format!("/{id}")).header("host", "t").body(Empty::new()).unwrap();
                            let Ok(response) = sender.send_request(request).await else { break };
                            note(&answered, id, response).await;
                        }
                    }
                }
            })
        })
        .collect();
    eventually(async || {
        answered.lock().unwrap().len() >= 500 && begun.lock().unwrap().len() > answered.lock().unwrap().len()
    })
    .await;
    let drained = server.stop().await;
    for client in clients {
        within(client).await.unwrap();
    }
    let (begun, answered) = (begun.lock().unwrap().clone(), answered.lock().unwrap().clone());
    Outcome { drained, begun, answered }
}

async fn note(answered: &Ledger, id: u64, response: http::Response<hyper::body::Incoming>) {
    let whole = response.status() == 200;
    if let Ok(body) = response.into_body().collect().await
        && whole
        && body.to_bytes() == id.to_string().as_bytes()
    {
        answered.lock().unwrap().insert(id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_accepted_request_is_answered() {
    for http2 in [false, true] {
        let outcome = drain_under_load(local(), http2, Duration::from_millis(3)).await;
        assert!(outcome.drained.is_complete(), "{:?}", outcome.drained);
        let lost: Vec<_> = outcome.begun.difference(&outcome.answered).collect();
        assert!(lost.is_empty(), "accepted and not answered: {lost:?} (http2: {http2})");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_drain_the_ledger_would_see_it() {
    let mut options = local();
    options.drain_timeout = Duration::ZERO;
    options.drain_linger = Duration::ZERO;
    let outcome = drain_under_load(options, false, Duration::from_millis(50)).await;
    assert!(!outcome.drained.is_complete());
    assert!(outcome.begun.difference(&outcome.answered).count() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_on_its_way_when_the_drain_begins_is_answered() {
    for _ in 0..20 {
        let server = start(Router::new().route("/", get(async || "hello")), local()).await;
        let mut client = server.connect().await;
        assert_eq!(client.get("/").await.status, 200);
        client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n").await;
        let stopping = tokio::spawn(server.stop());
        let answer = client.answer().await.expect("it was sent before the drain");
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
        assert!(within(stopping).await.unwrap().is_complete());
    }
}
