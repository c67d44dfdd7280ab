//! What the server listens on, and what it puts up with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// What the server listens on, and what it puts up with. Every limit has a default that suits a public port.
///
/// ```
/// use athyper::http::ServerOptions;
///
/// let options = ServerOptions::default().listen_on(([127, 0, 0, 1], 0));
/// assert_eq!(options.max_connections, 10_000);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerOptions {
    /// The addresses; port 0 asks the system for a free one.
    pub addresses: Vec<SocketAddr>,
    /// How many connections may be open; beyond it no more are accepted until one closes.
    pub max_connections: usize,
    /// How long a client may take from the first byte of a request head to its last.
    pub header_timeout: Duration,
    /// How long a connection may lie idle between requests. Longer than that of a load balancer in front, so that it is the one
    /// to close.
    pub idle_timeout: Duration,
    /// How long a client may pause while it sends a body.
    pub body_pause_timeout: Duration,
    /// How long a client may take no byte of a response that is ready to be sent.
    pub write_pause_timeout: Duration,
    /// The largest request head, start line included, in bytes. Whatever is longer is answered 431 and the connection closed. A
    /// head has at most 100 fields, too.
    ///
    /// A head beyond these limits, or one that is not HTTP, never becomes a request: no middleware sees it, and the answer has
    /// no document, since hyper writes it by itself. The server counts it in `http_requests_total` (method `OTHER`, route `none`)
    /// and logs it like every other request.
    pub max_head_bytes: usize,
    /// What holds for HTTP/2 only.
    pub http2: Http2Options,
    /// How long running requests may take to finish once the server is told to stop.
    pub drain_timeout: Duration,
    /// How long an idle connection stays open once the server is told to stop, so that a request on its way is still answered.
    pub drain_linger: Duration,
}

/// What holds for HTTP/2 only.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Http2Options {
    /// How many requests of one connection may run at once.
    pub max_concurrent_streams: u32,
    /// How many streams that the client reset may wait to be forgotten before the connection is closed (CVE-2023-44487).
    pub max_pending_resets: usize,
    /// How many streams the server itself may have had to reset before the connection is closed (CVE-2025-8671).
    pub max_local_resets: usize,
    /// The largest header list, in bytes as RFC 9113 section 6.5.2 counts them. Whatever is longer is answered 431, or its stream
    /// reset, before there is a request; hyper does not tell, so it is neither counted nor logged.
    pub max_header_list_bytes: u32,
    /// How often the client is asked for a sign of life.
    pub keep_alive_interval: Duration,
    /// How long it may take to give one.
    pub keep_alive_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 3000))],
            max_connections: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_pause_timeout: Duration::from_secs(10),
            write_pause_timeout: Duration::from_secs(15),
            max_head_bytes: 64 * 1024,
            http2: Http2Options::default(),
            drain_timeout: Duration::from_secs(30),
            drain_linger: Duration::from_millis(100),
        }
    }
}

impl Default for Http2Options {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 200,
            max_pending_resets: 20,
            max_local_resets: 1024,
            max_header_list_bytes: 64 * 1024,
            keep_alive_interval: Duration::from_secs(20),
            keep_alive_timeout: Duration::from_secs(10),
        }
    }
}

impl ServerOptions {
    /// Listens on this address only.
    #[must_use]
    pub fn listen_on(mut self, address: impl Into<SocketAddr>) -> Self {
        self.addresses = vec![address.into()];
        self
    }
}
