//! A server on a free port, and a client that speaks bytes.

use std::net::SocketAddr;
use std::time::Duration;

use athyper::http::{Drained, HttpServer, ServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything here should take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    serving: JoinHandle<Drained>,
}

pub(crate) fn local() -> ServerOptions {
    ServerOptions::default().listen_on(([127, 0, 0, 1], 0))
}

pub(crate) async fn start(router: axum::Router, options: ServerOptions) -> Running {
    serve(HttpServer::bind(options).await.unwrap(), router)
}

pub(crate) fn serve<S>(server: HttpServer, service: S) -> Running
where
    S: tower::Service<axum::extract::Request, Response = axum::response::Response, Error = std::convert::Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let address = server.local_addresses()[0];
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(server.serve(service, shutdown.clone()));
    Running { address, shutdown, serving }
}

/// Waits until it holds.
pub(crate) async fn eventually(holds: impl AsyncFn() -> bool) {
    within(async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

impl Running {
    pub(crate) async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap(), rest: Vec::new() }
    }

    pub(crate) async fn stop(self) -> Drained {
        self.shutdown.cancel();
        within(self.serving).await.unwrap()
    }
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes far too long")
}

/// A connection that sends what it is told.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    rest: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
        self.answer().await.expect("an answer")
    }

    /// The next answer; `None` when the connection ends first.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        within(async {
            let end = loop {
                if let Some(end) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                    break end;
                }
                if !self.fill().await {
                    return None;
                }
            };
            let head = String::from_utf8(self.rest.drain(..end + 4).collect()).unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let mut answer = Answer { status, head, body: String::new() };
            let length: usize = answer.header("content-length").map_or(0, |text| text.parse().unwrap());
            if answer.header("transfer-encoding").is_some() {
                while !self.rest.ends_with(b"0\r\n\r\n") {
                    if !self.fill().await {
                        return None;
                    }
                }
                answer.body = String::from_utf8(std::mem::take(&mut self.rest)).unwrap();
                return Some(answer);
            }
            while self.rest.len() < length {
                if !self.fill().await {
                    return None;
                }
            }
            answer.body = String::from_utf8(self.rest.drain(..length).collect()).unwrap();
            Some(answer)
        })
        .await
    }

    /// Waits until the server has closed the connection.
    pub(crate) async fn closed(&mut self) {
        within(async { while self.fill().await {} }).await;
    }

    async fn fill(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer).await {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.rest.extend_from_slice(&buffer[..count]);
                true
            }
        }
    }
}

/// Sends one request to a service that needs no socket.
pub(crate) async fn ask<S>(service: S, request: axum::extract::Request) -> Reply
where
    S: tower::Service<axum::extract::Request, Response = axum::response::Response, Error = std::convert::Infallible>,
{
    let response = within(tower::ServiceExt::oneshot(service, request)).await.unwrap();
    let (head, body) = response.into_parts();
    let body = within(axum::body::to_bytes(body, usize::MAX)).await.unwrap();
    Reply { head, body: String::from_utf8(body.into()).unwrap() }
}

/// A request without a body.
pub(crate) fn get(path: &str) -> axum::extract::Request {
    http::Request::get(path).body(axum::body::Body::empty()).unwrap()
}

/// A request with a JSON body.
pub(crate) fn post_json(path: &str, body: impl Into<axum::body::Body>) -> axum::extract::Request {
    http::Request::post(path).header("content-type", "application/json").body(body.into()).unwrap()
}

/// The request as if it came from this address.
pub(crate) fn from_peer(mut request: axum::extract::Request, peer: &str) -> axum::extract::Request {
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
    request
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) head: http::response::Parts,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The code of the problem document that it is.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let document = self.json();
        assert_eq!(document["status"], self.status());
        document["code"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn clock() -> std::sync::Arc<athyper_testkit::clock::VirtualClock> {
    athyper_testkit::clock::VirtualClock::new()
}

pub(crate) fn registry() -> athyper::metrics::MetricsRegistry {
    athyper::metrics::MetricsRegistry::new(std::sync::Arc::new(athyper::clock::SystemClock::new()))
}
