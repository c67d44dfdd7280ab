//! One connection: recognising its protocol, serving it, ending it.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::io::{ConnectionIo, PREFACE_BYTES};
use super::service::ConnectionService;
use super::state::{ConnectionState, ServerState};
use crate::runtime::http::refused_head;

/// What a client with prior knowledge of HTTP/2 sends first (RFC 9113, section 3.4).
const PREFACE: &[u8; PREFACE_BYTES] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection of either protocol.
trait Graceful: Future<Output = hyper::Result<()>> {
    /// Ends it once the running requests are answered.
    fn finish(self: Pin<&mut Self>);
}

impl<I, S> Graceful for http1::UpgradeableConnection<I, S>
where
    Self: Future<Output = hyper::Result<()>>,
    S: hyper::service::HttpService<hyper::body::Incoming>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S::ResBody: 'static,
    <S::ResBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, E> Graceful for http2::Connection<I, S, E>
where
    Self: Future<Output = hyper::Result<()>>,
    S: hyper::service::HttpService<hyper::body::Incoming>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S::ResBody: 'static,
    <S::ResBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, S::ResBody>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Runs the streams of one HTTP/2 connection, and drops them when the connection is dropped.
#[derive(Debug, Clone)]
struct StreamExecutor(CancellationToken);

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let closed = self.0.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stream => {}
                () = closed.cancelled() => {}
            }
        });
    }
}

/// Serves one connection to its end.
pub(super) async fn serve<S>(stream: TcpStream, peer: SocketAddr, service: S, server: Arc<ServerState>)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let mut prefix = [0; PREFACE_BYTES];
    let recognised = tokio::select! {
        recognised = recognise(&stream, &mut prefix, server.options.header_timeout) => recognised,
        () = server.force.cancelled() => return,
    };
    let length = match recognised {
        Ok(0) => return,
        Ok(length) => length,
        Err(error) => {
            tracing::debug!(%peer, %error, "a connection ended before it began a request");
            return;
        }
    };
    let connection = Arc::new(ConnectionState::new(Arc::clone(&server)));
    let io = TokioIo::new(ConnectionIo::new(stream, prefix, length, Arc::clone(&connection)));
    let service = ConnectionService { service, peer, connection: Arc::clone(&connection) };
    let options = &server.options;
    let ended = if &prefix == PREFACE {
        let streams = CancellationToken::new();
        let _closed = streams.clone().drop_guard();
        let http2 = http2::Builder::new(StreamExecutor(streams))
            .timer(TokioTimer::new())
            .max_concurrent_streams(options.http2.max_concurrent_streams)
            .max_pending_accept_reset_streams(options.http2.max_pending_resets)
            .max_local_error_reset_streams(options.http2.max_local_resets)
            .max_header_list_size(options.http2.max_header_list_bytes)
            .keep_alive_interval(options.http2.keep_alive_interval)
            .keep_alive_timeout(options.http2.keep_alive_timeout)
            .serve_connection(io, service);
        drive(http2, &connection, Some(options.idle_timeout)).await
    } else {
        let http1 = http1::Builder::new()
            .timer(TokioTimer::new())
            // hyper begins this one when it begins to wait for a head; the head's own deadline lies in the socket.
            .header_read_timeout(options.idle_timeout.max(options.header_timeout))
            .max_header_size(options.max_head_bytes)
            .max_buf_size((options.max_head_bytes * 2).max(64 * 1024))
            .serve_connection(io, service)
            .with_upgrades();
        // hyper closes idle HTTP/1.1 connections by the header time-out.
        drive(http1, &connection, None).await
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error = &error as &dyn std::error::Error, "a connection ended early");
        if let Some(metrics) = &server.metrics {
            metrics.broken(&error);
        }
        if let Some(status) = connection.refusal().filter(|_| error.is_parse()) {
            refused_head::log(peer, status, &error);
            if let Some(metrics) = &server.metrics {
                metrics.refused.count(status);
            }
        }
    }
}

/// Reads until the bytes are, or cannot become, the HTTP/2 preface; how many were read.
async fn recognise(stream: &TcpStream, prefix: &mut [u8; PREFACE_BYTES], within: Duration) -> io::Result<usize> {
    let mut length = 0;
    let reading = async {
        while length < PREFACE_BYTES && prefix[..length] == PREFACE[..length] {
            stream.readable().await?;
            match stream.try_read(&mut prefix[length..]) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    };
    tokio::time::timeout(within, reading).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Drives a connection to its end: its own, that of the drain, or that of the drain's deadline.
async fn drive(
    served: impl Graceful,
    connection: &ConnectionState,
    idle_timeout: Option<Duration>,
) -> hyper::Result<()> {
    let server = &*connection.server;
    let mut served = pin!(served);
    loop {
        let idle = async {
            match idle_timeout {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The connection first: what has arrived counts as accepted.
            biased;
            ended = served.as_mut() => return ended,
            () = server.drain.cancelled() => break,
            () = idle => {
                if !connection.is_running() && !connection.was_used() {
                    served.as_mut().finish();
                }
            }
        }
    }
    connection.begin_draining();
    if !connection.is_running() {
        let linger = tokio::time::sleep(server.options.drain_linger);
        tokio::select! {
            biased;
            ended = served.as_mut() => return ended,
            () = linger => {}
            () = server.force.cancelled() => {}
        }
    }
    served.as_mut().finish();
    tokio::select! {
        biased;
        ended = served.as_mut() => ended,
        () = server.force.cancelled() => {
            server.forced_connections.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }
}
