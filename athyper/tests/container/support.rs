//! What the tests of the container share.

use std::sync::Arc;
use std::time::Duration;

use athyper::container::{Provide, Resolver};
use athyper::{Error, Result};
use futures_util::future::BoxFuture;

/// A provider of `T` that only runs a closure, with nothing resolved inside.
#[track_caller]
pub(crate) fn made<T, F>(make: F) -> Provide<T>
where
    T: Send + Sync + 'static,
    F: Fn() -> Result<T> + Send + Sync + 'static,
{
    Provide::factory(move |_: &Resolver<'_>| -> BoxFuture<'_, Result<Arc<T>>> {
        let made = make().map(Arc::new);
        Box::pin(std::future::ready(made))
    })
}

/// Ends a test that hangs. No outcome depends on the time.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    match tokio::time::timeout(Duration::from_secs(20), future).await {
        Ok(output) => output,
        Err(_) => panic!("it hangs"),
    }
}

/// The error of something that must not succeed.
pub(crate) fn error<T>(result: Result<T>) -> Error {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(error) => error,
    }
}
