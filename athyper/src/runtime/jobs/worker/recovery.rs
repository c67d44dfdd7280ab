//! Takes jobs back from workers that went silent, and looks how the queues stand.

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
            let round = async {
                recover(&shared, &queue).await?;
                look_up(&shared, &queue).await
            };
            let recovered = std::panic::AssertUnwindSafe(round).catch_unwind().await;
            match recovered {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    shared.observer.fault(&queue);
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

/// Asks the store how its jobs stand, for the metrics.
async fn look_up(shared: &Shared, queue: &QueueName) -> Result<()> {
    let (store, now) = (&shared.link.queue, shared.link.clock.now());
    shared.observer.looked_up(queue, &store.counts(queue).await?, store.oldest_waiting(queue).await?, now);
    Ok(())
}

/// Looks once.
pub(super) async fn recover(shared: &Shared, queue: &QueueName) -> Result<()> {
    let policy = RecoveryPolicy { max_stalls: shared.settings.max_stalls };
    for recovered in shared.link.queue.recover(queue, policy).await? {
        let (id, kind) = (&recovered.id, &recovered.kind);
        shared.observer.stalled(queue);
        if recovered.state == JobState::Failed {
            tracing::error!(%queue, %kind, %id, "a job failed for good: its workers went silent too often");
            shared.link.finished.notify_waiters();
        } else {
            tracing::warn!(%queue, %kind, %id, "a job was taken back from a silent worker");
        }
    }
    Ok(())
}
