//! How a list of middlewares runs: one future for the whole list, whatever its length.
//!
//! A [`Filter`] looks at the request on its way in and at the response on its way out. Filters that answer themselves, wait, give
//! up after a time or catch a panic all do so within the one [`Execution`], so that a request costs one allocation for the inner
//! future and none for each filter. Every public layer of this module is a list of one filter; the whole stack is one list.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_core::future::BoxFuture;
use tower::Service;

use super::exchange::Exchange;
use crate::runtime::current_context::in_context;

/// What a [`Filter`] decides about a request.
pub(crate) enum Flow {
    /// It goes on.
    Continue,
    /// This is the answer; what lies further in does not see the request.
    Answer(Response),
    /// It goes on unless the future ends with an answer.
    Check(BoxFuture<'static, Result<(), Response>>),
    /// It has to wait. The filter took the request; the future gives it back, or an answer.
    Wait(BoxFuture<'static, Result<Request, Response>>),
}

/// Makes the answer to a panic.
pub(crate) type PanicAnswer = fn(&(dyn Any + Send), &Exchange) -> Response;

/// What a [`Filter`] promises for all that lies further in.
pub(crate) enum Guard {
    /// A panic becomes this answer.
    Panic(PanicAnswer),
    /// After this time it is given up.
    Timeout(Duration),
}

/// One middleware.
pub(crate) trait Filter: Send + Sync + fmt::Debug + 'static {
    /// Looks at the request on its way in.
    fn before(&self, _request: &mut Request, _exchange: &mut Exchange) -> Flow {
        Flow::Continue
    }

    /// Looks at the response on its way out, if [`before`](Self::before) let the request on or answered it.
    fn after(&self, _exchange: &mut Exchange, _response: &mut Response) {}

    /// How many header fields [`after`](Self::after) usually adds.
    fn added_fields(&self) -> usize {
        0
    }

    /// Whether, on its own, it runs what lies further in as part of the request's context.
    fn enters_context(&self) -> bool {
        false
    }

    /// What it promises for all that lies further in.
    fn guard(&self) -> Option<Guard> {
        None
    }

    /// Answers when the time of [`Guard::Timeout`] is over.
    fn timed_out(&self) -> Response {
        Response::new(Body::empty())
    }

    /// Waits until `deadline`, for [`Guard::Timeout`].
    fn sleep_until(&self, _deadline: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// A service behind a list of middlewares. It works on any service that takes and gives axum's bodies, a bare router included.
pub struct Filtered<S> {
    filters: Arc<[Arc<dyn Filter>]>,
    added_fields: usize,
    inner: S,
    enters_context: bool,
}

impl<S> Filtered<S> {
    /// A list: the first is the outermost. `enters_context` runs `inner` as part of the request's context.
    pub(super) fn new(filters: Arc<[Arc<dyn Filter>]>, inner: S, enters_context: bool) -> Self {
        let added_fields = filters.iter().map(|filter| filter.added_fields()).sum();
        Self { filters, added_fields, inner, enters_context }
    }
}

impl<S: Clone> Clone for Filtered<S> {
    fn clone(&self) -> Self {
        Self { filters: Arc::clone(&self.filters), inner: self.inner.clone(), ..*self }
    }
}

impl<S: fmt::Debug> fmt::Debug for Filtered<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Filtered").field("filters", &self.filters).field("inner", &self.inner).finish()
    }
}

impl<S> Service<Request> for Filtered<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Execution<S>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Execution<S> {
        // The service that was ready is the one to call; its copy has to become ready first.
        let copy = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, copy);
        let exchange = Exchange::of(&mut request);
        Execution {
            filters: Arc::clone(&self.filters),
            added_fields: self.added_fields,
            entered: 0,
            exchange,
            inner: Some(inner),
            enters_context: self.enters_context,
            state: State::In(request),
            timeout: None,
            panic: None,
        }
    }
}

#[allow(
    clippy::large_enum_variant,
    reason = "most requests leave by the large variant: boxing it would cost an allocation each"
)]
enum State {
    /// On the way in.
    In(Request),
    /// A filter waits, and does not need the request meanwhile.
    Checking(BoxFuture<'static, Result<(), Response>>, Request),
    /// A filter waits.
    Waiting(BoxFuture<'static, Result<Request, Response>>),
    /// The inner service works.
    Inner(BoxFuture<'static, Response>),
    /// Answered, or moving from one state to another.
    Done,
}

struct RunningTimeout {
    entered: usize,
    deadline: Duration,
    sleep: Option<BoxFuture<'static, ()>>,
}

/// The future of a response behind a list of middlewares.
pub struct Execution<S> {
    filters: Arc<[Arc<dyn Filter>]>,
    added_fields: usize,
    /// How many filters have seen the request.
    entered: usize,
    exchange: Exchange,
    inner: Option<S>,
    enters_context: bool,
    state: State,
    timeout: Option<RunningTimeout>,
    panic: Option<(usize, PanicAnswer)>,
}

impl<S> fmt::Debug for Execution<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Execution").field("entered", &self.entered).finish_non_exhaustive()
    }
}

// Nothing in it is pinned in place: the futures it polls are boxed.
impl<S> Unpin for Execution<S> {}

impl<S> Execution<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    /// Goes as far as it can without waiting.
    fn advance(&mut self, context: &mut TaskContext<'_>) -> Poll<Response> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::In(request) => {
                    if let Some(answer) = self.step_in(request) {
                        return Poll::Ready(answer);
                    }
                }
                State::Checking(mut future, request) => match future.as_mut().poll(context) {
                    Poll::Pending => {
                        self.state = State::Checking(future, request);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(())) => self.state = State::In(request),
                    Poll::Ready(Err(response)) => return Poll::Ready(response),
                },
                State::Waiting(mut future) => match future.as_mut().poll(context) {
                    Poll::Pending => {
                        self.state = State::Waiting(future);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(request)) => self.state = State::In(request),
                    Poll::Ready(Err(response)) => return Poll::Ready(response),
                },
                State::Inner(mut future) => {
                    let polled = future.as_mut().poll(context);
                    if polled.is_pending() {
                        self.state = State::Inner(future);
                    }
                    return polled;
                }
                State::Done => return Poll::Pending,
            }
        }
    }

    /// Shows the request to the filters that have not seen it, then hands it to the inner service; the answer if one gave it.
    fn step_in(&mut self, mut request: Request) -> Option<Response> {
        while let Some(filter) = self.filters.get(self.entered) {
            self.entered += 1;
            let flow = filter.before(&mut request, &mut self.exchange);
            match filter.guard() {
                Some(Guard::Panic(answer)) => self.panic = Some((self.entered, answer)),
                Some(Guard::Timeout(limit)) => {
                    let deadline = self.exchange.record.started().saturating_add(limit);
                    self.timeout = Some(RunningTimeout { entered: self.entered, deadline, sleep: None });
                }
                None => {}
            }
            match flow {
                Flow::Continue => {}
                Flow::Answer(response) => return Some(response),
                Flow::Check(future) => {
                    self.state = State::Checking(future, request);
                    return None;
                }
                Flow::Wait(future) => {
                    self.state = State::Waiting(future);
                    return None;
                }
            }
        }
        self.state = State::Inner(self.call_inner(request)?);
        None
    }

    fn call_inner(&mut self, request: Request) -> Option<BoxFuture<'static, Response>> {
        let answering = self.inner.take()?.call(request);
        let answered = async move {
            match answering.await {
                Ok(response) => response,
                Err(impossible) => match impossible {},
            }
        };
        Some(if self.enters_context {
            Box::pin(in_context(self.exchange.record.context(), answered))
        } else {
            Box::pin(answered)
        })
    }

    /// The answer of the time-out if its time is over.
    fn give_up(&mut self, context: &mut TaskContext<'_>) -> Option<Response> {
        let timeout = self.timeout.as_mut()?;
        let filter = &self.filters[timeout.entered - 1];
        let sleep = timeout.sleep.get_or_insert_with(|| filter.sleep_until(timeout.deadline));
        if sleep.as_mut().poll(context).is_pending() {
            return None;
        }
        self.entered = timeout.entered;
        self.timeout = None;
        Some(filter.timed_out())
    }

    /// Drops what runs further in, panic or not.
    fn drop_inner(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Done);
        let _ = catch_unwind(AssertUnwindSafe(|| drop(state)));
    }
}

impl<S> Future for Execution<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut response = match catch_unwind(AssertUnwindSafe(|| this.advance(context))) {
            Ok(Poll::Ready(response)) => response,
            Ok(Poll::Pending) => match this.give_up(context) {
                Some(response) => {
                    this.drop_inner();
                    response
                }
                None => return Poll::Pending,
            },
            Err(panic) => match this.panic {
                Some((entered, answer)) => {
                    this.drop_inner();
                    this.entered = entered;
                    answer(&*panic, &this.exchange)
                }
                None => resume_unwind(panic),
            },
        };
        // Growing in steps would place every field several times.
        response.headers_mut().reserve(this.added_fields);
        while this.entered > 0 {
            this.entered -= 1;
            this.filters[this.entered].after(&mut this.exchange, &mut response);
        }
        Poll::Ready(Ok(response))
    }
}

/// Makes each a tower layer of one filter, kept in its first field.
macro_rules! single_filter_layers {
    ($($layer:ident),*) => {$(
        impl<S> tower::Layer<S> for $layer {
            type Service = $crate::runtime::middleware::filter::Filtered<S>;

            fn layer(&self, inner: S) -> Self::Service {
                let filter: std::sync::Arc<dyn $crate::runtime::middleware::filter::Filter> = self.0.clone();
                let enters_context = filter.enters_context();
                $crate::runtime::middleware::filter::Filtered::new(std::sync::Arc::from([filter]), inner, enters_context)
            }
        }
    )*};
}

pub(crate) use single_filter_layers;
