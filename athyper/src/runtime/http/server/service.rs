//! Between hyper and the product's service: bodies with deadlines, and the count of running requests.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::Service;
use tower::util::Oneshot;

use super::state::{ConnectionState, Patience, RequestGuard};

/// The error of a request body whose sender paused for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyPaused;

impl fmt::Display for BodyPaused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the client paused for too long while it sent the body")
    }
}

impl StdError for BodyPaused {}

/// The product's service as hyper calls it on one connection.
#[derive(Debug)]
pub(super) struct ConnectionService<S> {
    pub(super) service: S,
    pub(super) peer: SocketAddr,
    pub(super) connection: Arc<ConnectionState>,
}

impl<S> hyper::service::Service<Request<Incoming>> for ConnectionService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = Answering<S>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let guard = RequestGuard::begin(&self.connection);
        let closes = request.version() <= Version::HTTP_11;
        let connection = &self.connection;
        let mut request = request.map(|incoming| {
            if incoming.is_end_stream() {
                Body::empty()
            } else {
                Body::new(BoundedBody { incoming, connection: Arc::clone(connection), pause: Patience::default() })
            }
        });
        request.extensions_mut().insert(ConnectInfo(self.peer));
        Answering { inner: tower::ServiceExt::oneshot(self.service.clone(), request), guard: Some(guard), closes }
    }
}

pin_project! {
    /// The future of a response.
    pub(super) struct Answering<S: Service<Request<Body>>> {
        #[pin]
        inner: Oneshot<S, Request<Body>>,
        guard: Option<RequestGuard>,
        closes: bool,
    }
}

impl<S> Future for Answering<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Output = Result<Response<TrackedBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(context))?;
        let guard = this.guard.take();
        // hyper closes a connection by itself only once `graceful_shutdown` was called, which closes idle ones at once.
        if *this.closes && guard.as_ref().is_some_and(|guard| guard.connection().is_draining()) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response.map(|body| TrackedBody { body, guard })))
    }
}

/// A request body whose sender may not pause for long.
#[derive(Debug)]
struct BoundedBody {
    incoming: Incoming,
    connection: Arc<ConnectionState>,
    pause: Patience,
}

impl Drop for BoundedBody {
    fn drop(&mut self) {
        if !self.incoming.is_end_stream() {
            self.connection.leave_body_unread();
        }
    }
}

impl HttpBody for BoundedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(context);
        if let Poll::Ready(frame) = polled {
            self.pause.disarm();
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let limit = self.connection.server.options.body_pause_timeout;
        if self.pause.is_exhausted(limit, context) {
            return Poll::Ready(Some(Err(axum::Error::new(BodyPaused))));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// A response body that knows when it was handed over or given up.
#[derive(Debug)]
pub(super) struct TrackedBody {
    body: Body,
    guard: Option<RequestGuard>,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() {
            self.guard = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
