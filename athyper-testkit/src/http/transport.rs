//! How a request reaches the product.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use athyper::http::middleware::HttpService;
use athyper::http::{HttpServer, ServerOptions};
use axum::body::Body;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;

use super::{TestRequest, TestResponse};

/// How a request reaches the product.
#[derive(Clone)]
pub(crate) enum Transport {
    /// By calling it.
    Service(HttpService),
    /// Over TCP.
    Socket(SocketAddr),
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(_) => formatter.write_str("Service"),
            Self::Socket(address) => write!(formatter, "Socket({address})"),
        }
    }
}

impl Transport {
    pub(crate) async fn send(self, request: Request<Vec<u8>>) -> TestResponse {
        match self {
            Self::Service(service) => {
                let response = match service.oneshot(request.map(Body::from)).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                let (parts, body) = response.into_parts();
                let body = body.collect().await.expect("the body of the answer is whole").to_bytes();
                TestResponse::new(parts.status, parts.headers, body.to_vec())
            }
            Self::Socket(address) => {
                let stream = TcpStream::connect(address).await.expect("the product accepts connections");
                let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .expect("the product speaks HTTP/1.1");
                let driver = tokio::spawn(connection);
                let mut request = request.map(|body| Full::new(axum::body::Bytes::from(body)));
                let host = http::HeaderValue::from_str(&address.to_string()).expect("an address is a header value");
                request.headers_mut().entry(http::header::HOST).or_insert(host);
                let response = sender.send_request(request).await.expect("the product answers");
                let (parts, body) = response.into_parts();
                let body = body.collect().await.expect("the body of the answer is whole").to_bytes();
                drop(sender);
                driver.abort();
                TestResponse::new(parts.status, parts.headers, body.to_vec())
            }
        }
    }
}

/// Requests over TCP to a product that serves a socket: each on a connection of its own.
///
/// The product is served until the last clone of the client goes.
#[derive(Debug, Clone)]
pub struct SocketClient {
    address: SocketAddr,
    _server: Arc<DropGuard>,
}

impl SocketClient {
    pub(crate) async fn serve(service: HttpService) -> Self {
        let options = ServerOptions::default().listen_on(([127, 0, 0, 1], 0));
        let server = match HttpServer::bind(options).await {
            Ok(server) => server,
            Err(error) => panic!("{}", error.report()),
        };
        let address = server.local_addresses()[0];
        let stop = CancellationToken::new();
        tokio::spawn(server.serve(service, stop.clone()));
        Self { address, _server: Arc::new(stop.drop_guard()) }
    }

    /// Where it is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request of any method.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        TestRequest::new(Transport::Socket(self.address), method, path)
    }

    /// A `GET` request.
    pub fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }

    /// A `POST` request.
    pub fn post(&self, path: &str) -> TestRequest {
        self.request(Method::POST, path)
    }
}
