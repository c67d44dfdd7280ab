//! The future of something that is resolved.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;

use super::{FromContainer, Resolver};
use crate::foundation::error::Result;

/// The future of something that is resolved. What is there already comes without a lock and without allocating.
///
/// It has a name, because a compiler that has to prove an unnamed future of an `Arc<dyn Trait>` to be `Send` fails
/// (<https://github.com/rust-lang/rust/issues/110338>).
#[must_use = "nothing is built until it is awaited"]
pub struct Resolve<'a, F>(State<'a, F>);

enum State<'a, F> {
    Built(Option<F>),
    Building(BoxFuture<'a, Result<F>>),
}

impl<'a, F: FromContainer> Resolve<'a, F> {
    pub(super) fn new(resolver: Resolver<'a>, name: Option<&'static str>) -> Self {
        Self(match F::from_built(&resolver, name) {
            Some(built) => State::Built(Some(built)),
            None => State::Building(Box::pin(async move { F::from_container(&resolver, name).await })),
        })
    }
}

impl<F: Unpin> Future for Resolve<'_, F> {
    type Output = Result<F>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            State::Built(built) => Poll::Ready(Ok(built.take().expect("a future is not polled again after it ended"))),
            State::Building(building) => building.as_mut().poll(context),
        }
    }
}

impl<F> fmt::Debug for Resolve<'_, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let built = matches!(self.0, State::Built(_));
        formatter.debug_struct("Resolve").field("built", &built).finish_non_exhaustive()
    }
}
