//! What lives as long as one request, job attempt or tick.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::closing::{CloseFailure, Closing};
use super::frozen::Frozen;
use super::resolver::Resolver;
use super::slot::Slot;
use crate::foundation::clock::Clock;
use crate::foundation::context::Context;

/// What lives as long as one request, job attempt or tick: its [`Context`] and the components of
/// [`Scope::Request`](crate::foundation::container::Scope::Request).
///
/// Clones are the same scope. When the last one is dropped its components are dropped; [`close`](Self::close) closes them first.
#[derive(Debug, Clone)]
pub struct RequestScope {
    frozen: Arc<Frozen>,
    pub(super) request: Arc<Request>,
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: u64,
    pub(super) context: Context,
    pub(super) closing: Closing,
    slots: Mutex<HashMap<usize, Arc<Slot>>>,
}

impl Request {
    pub(super) fn slot(&self, provider: usize) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(provider).or_default())
    }
}

impl RequestScope {
    pub(super) fn new(frozen: &Arc<Frozen>, context: Context) -> Self {
        let request =
            Request { id: frozen.next_request(), context, closing: Closing::default(), slots: Mutex::default() };
        Self { frozen: Arc::clone(frozen), request: Arc::new(request) }
    }

    /// Who asked, for which tenant, in which trace.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.request.context
    }

    /// The view of the container from inside of this scope.
    #[must_use]
    pub fn resolver(&self) -> Resolver<'_> {
        Resolver::new(&self.frozen, Some(&self.request), None)
    }

    /// Whether it has a component that wants to be closed.
    pub(crate) fn is_to_be_closed(&self) -> bool {
        self.request.closing.is_due()
    }

    /// Closes the scope's components, the last one built first, and builds no more of them.
    ///
    /// # Cancel safety
    /// A component whose closing was cut off counts as closed; the next call goes on with the others.
    pub async fn close(&self) -> Vec<CloseFailure> {
        self.request.closing.close(None).await
    }

    /// [`close`](Self::close), with so much time for each component.
    ///
    /// # Cancel safety
    /// As with [`close`](Self::close).
    pub async fn close_within(&self, clock: &dyn Clock, each: Duration) -> Vec<CloseFailure> {
        self.request.closing.close(Some((clock, each))).await
    }
}
