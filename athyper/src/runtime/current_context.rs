//! Which unit of work the running task belongs to.

use std::future::Future;

use crate::foundation::context::Context;

tokio::task_local! {
    static CURRENT: Context;
}

/// Runs `future` as part of the unit of work that `context` names.
///
/// The HTTP stack does it for every request and the worker pool for every attempt, so that jobs enqueued on the way carry
/// the request's id, trace, tenant and principal on. A task started with `tokio::spawn` begins without one: wrap its
/// future with the context it belongs to.
///
/// ```
/// use athyper::context::{Context, current_context, in_context};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let context = Context::background().with_tenant("acme");
/// let tenant = in_context(context, async { current_context().unwrap().tenant().map(str::to_owned) }).await;
/// assert_eq!(tenant.as_deref(), Some("acme"));
/// assert!(current_context().is_none());
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn in_context<F: Future>(context: Context, future: F) -> F::Output {
    CURRENT.scope(context, future).await
}

/// The context of the unit of work that the running task belongs to; `None` outside of one.
#[must_use]
pub fn current_context() -> Option<Context> {
    CURRENT.try_with(Clone::clone).ok()
}
