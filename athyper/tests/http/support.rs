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
    let server = HttpServer::bind(options).await.unwrap();
    let address = server.local_addresses()[0];
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(server.serve(router, shutdown.clone()));
    Running { address, shutdown, serving }
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
