//! What the tasks of one server, and the parts of one connection, tell each other.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::metrics::ServerMetrics;
use super::options::ServerOptions;
use crate::runtime::http::refused_head::written_status;

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct ServerState {
    pub(super) options: ServerOptions,
    pub(super) metrics: Option<ServerMetrics>,
    /// No more connections; requests that run may finish.
    pub(super) drain: CancellationToken,
    /// The time to finish is over.
    pub(super) force: CancellationToken,
    pub(super) in_flight: AtomicUsize,
    pub(super) forced_connections: AtomicUsize,
}

/// What a connection is doing, as its socket sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing of a next request has arrived.
    Idle = 0,
    /// Some of a request head has arrived.
    Head = 1,
    /// A request is being handled.
    Request = 2,
}

/// What the socket, the service and the driver of one connection share.
#[derive(Debug)]
pub(super) struct ConnectionState {
    pub(super) server: Arc<ServerState>,
    phase: AtomicU8,
    running: AtomicUsize,
    used: AtomicBool,
    draining: AtomicBool,
    unread: AtomicBool,
    /// The status of the response head that was written last while no request ran; 0 once something was read after it.
    answered: AtomicU16,
}

impl ConnectionState {
    pub(super) fn new(server: Arc<ServerState>) -> Self {
        Self {
            server,
            phase: AtomicU8::new(Phase::Idle as u8),
            running: AtomicUsize::new(0),
            used: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            answered: AtomicU16::new(0),
        }
    }

    pub(super) fn is_in(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Relaxed) == phase as u8
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }

    /// Whether a request ran since this was last asked.
    pub(super) fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether a request was answered before all of its body was read.
    pub(super) fn has_unread_body(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    pub(super) fn leave_body_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Notes what hyper writes while no request runs: the end of a response, or the answer to a head that it refuses.
    pub(super) fn note_written(&self, bytes: &[u8]) {
        if let Some(status) = written_status(bytes) {
            self.answered.store(status.as_u16(), Ordering::Relaxed);
        }
    }

    pub(super) fn forget_written(&self) {
        self.answered.store(0, Ordering::Relaxed);
    }

    /// How the head that ended the connection was answered, if it was.
    pub(super) fn refusal(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.answered.load(Ordering::Relaxed)).ok()
    }

    pub(super) fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

/// Stands for one request from its head until the last byte of its response is handed over, or it is given up.
#[derive(Debug)]
pub(super) struct RequestGuard(Arc<ConnectionState>);

impl RequestGuard {
    pub(super) fn begin(connection: &Arc<ConnectionState>) -> Self {
        connection.enter(Phase::Request);
        connection.running.fetch_add(1, Ordering::Relaxed);
        connection.server.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connection))
    }

    pub(super) fn connection(&self) -> &ConnectionState {
        &self.0
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.server.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.0.running.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.enter(Phase::Idle);
            self.0.used.store(true, Ordering::Relaxed);
        }
    }
}

/// A deadline that is only armed while its owner waits, so that work that never waits never touches the timer.
#[derive(Debug, Default)]
pub(super) struct Patience {
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    is_armed: bool,
}

impl Patience {
    /// The owner got what it waited for.
    pub(super) fn disarm(&mut self) {
        self.is_armed = false;
    }

    /// The owner waits: whether it has waited for `limit` since it began to.
    pub(super) fn is_exhausted(&mut self, limit: Duration, context: &mut Context<'_>) -> bool {
        let sleep = match &mut self.sleep {
            Some(sleep) => sleep,
            empty => empty.insert(Box::pin(tokio::time::sleep(limit))),
        };
        if !self.is_armed {
            self.is_armed = true;
            sleep.as_mut().reset(Instant::now() + limit);
        }
        sleep.as_mut().poll(context).is_ready()
    }
}
