//! The limits that handlers declare, written to the store before anything is taken.

use tokio_util::sync::CancellationToken;

use super::Shared;
use super::pause::pause_after;
use crate::foundation::clock::ClockExt;
use crate::foundation::error::Result;
use crate::foundation::jobs::QueueName;

/// Writes the limits of a queue, if its handlers declare any and the store has others.
pub(super) async fn declare(shared: &Shared, queue: &QueueName) -> Result<()> {
    let Some(limits) = shared.registry.limits(queue) else { return Ok(()) };
    let store = &shared.link.queue;
    if store.limits(queue).await? != limits {
        store.set_limits(queue, &limits).await?;
        tracing::info!(%queue, %limits, "the limits of a queue are now those that its handlers declare");
    }
    Ok(())
}

/// Goes on until they are written, or until `stop`.
pub(super) async fn declare_in_the_end(shared: &Shared, queue: &QueueName, stop: &CancellationToken) {
    let mut faults = 0_u32;
    while let Err(error) = declare(shared, queue).await {
        faults = faults.saturating_add(1);
        shared.observer.fault(queue);
        tracing::error!(%queue, error = %error.report(), "the limits of a queue could not be written: its jobs wait");
        let pause = shared.link.clock.sleep(pause_after(faults, queue));
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}
