//! Takes jobs back from workers that went silent.

use std::sync::Arc;

use futures_util::FutureExt;

use super::Shared;
use super::attempt::spread;
use crate::foundation::clock::ClockExt;
use crate::foundation::error::Result;
use crate::foundation::jobs::{JobState, QueueName, RecoveryPolicy};

/// Looks for jobs of silent workers again and again, until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut round = 0_u32;
    loop {
        for (queue, _) in shared.queues() {
            let recovered = std::panic::AssertUnwindSafe(recover(&shared, &queue)).catch_unwind().await;
            match recovered {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(%queue, error = %error.report(), "jobs of silent workers could not be looked for");
                }
                Err(_) => {
                    tracing::error!(%queue, "the job queue panicked while jobs of silent workers were looked for")
                }
            }
        }
        round = round.wrapping_add(1);
        // Spread, so that the workers of a fleet do not all look at once.
        let pause = shared.settings.recover_every.mul_f64(1.0 - 0.2 * spread(&shared.settings.name, round));
        shared.link.clock.sleep(pause).await;
    }
}

/// Looks once.
pub(super) async fn recover(shared: &Shared, queue: &QueueName) -> Result<()> {
    let policy = RecoveryPolicy { max_stalls: shared.settings.max_stalls };
    for recovered in shared.link.queue.recover(queue, policy).await? {
        let (id, kind) = (&recovered.id, &recovered.kind);
        shared.observer.stalled(queue);
        if recovered.state == JobState::Failed {
            tracing::error!(%queue, %kind, %id, "a job failed for good: its workers went silent too often");
            shared.observer.failed_by_stalls(queue, kind);
            shared.link.finished.notify_waiters();
        } else {
            tracing::warn!(%queue, %kind, %id, "a job was taken back from a silent worker");
        }
    }
    Ok(())
}
