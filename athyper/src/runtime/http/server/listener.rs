//! Accepting connections.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt;
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tower::Service;

use super::connection;
use super::metrics::ServerMetrics;
use super::state::ServerState;

/// How long to wait when the process or the system has no file descriptor or memory left for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until the drain begins; then takes those that the system has already completed, and stops.
pub(super) async fn accept<S>(
    listener: TcpListener,
    service: S,
    server: &Arc<ServerState>,
    room: &Arc<Semaphore>,
    connections: &TaskTracker,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let start = |stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit| {
        // Responses are written whole: waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        let server = Arc::clone(server);
        let service = service.clone();
        let open = server.metrics.as_ref().map(ServerMetrics::connection);
        connections.spawn(async move {
            let _until_it_ends = (open, permit);
            connection::serve(stream, peer, service, server).await;
        });
    };
    loop {
        let next = async {
            let permit = Arc::clone(room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = server.drain.cancelled() => break,
            next = next => next,
        };
        match (permit, accepted) {
            (Ok(permit), Ok((stream, peer))) => start(stream, peer, permit),
            // The semaphore is never closed.
            (Err(_), _) => break,
            (_, Err(error)) if is_about_one_connection(&error) => {}
            (_, Err(error)) => {
                tracing::warn!(%error, "no connection can be accepted");
                if let Some(metrics) = &server.metrics {
                    metrics.accept_failures.increment();
                }
                tokio::select! {
                    () = server.drain.cancelled() => break,
                    () = tokio::time::sleep(EXHAUSTED_PAUSE) => {}
                }
            }
        }
    }
    while let Ok(permit) = Arc::clone(room).try_acquire_owned() {
        match listener.accept().now_or_never() {
            Some(Ok((stream, peer))) => start(stream, peer, permit),
            Some(Err(error)) if is_about_one_connection(&error) => {}
            _ => break,
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
