//! Faults of deliveries.

use athyper::Result;
use athyper::jobs::{Delivered, Delivery, JobQueue, NewJob};

use crate::broken::BrokenQueue;
use crate::fault::Fault;

/// Adds jobs that were committed elsewhere.
pub(crate) async fn deliver(queue: &BrokenQueue, delivery: &Delivery, jobs: Vec<NewJob>) -> Result<Delivered> {
    let inner = &queue.inner;
    match queue.fault {
        Some(Fault::DeliversNothing) => inner.deliver(delivery, Vec::new()).await,
        Some(Fault::DeliversAgain) => {
            queue.add(jobs).await?;
            Ok(Delivered::Now)
        }
        Some(Fault::DeliversLate) => {
            let outcome = inner.deliver(delivery, jobs.clone()).await?;
            if outcome == Delivered::Overtaken {
                queue.add(jobs).await?;
                return Ok(Delivered::Now);
            }
            Ok(outcome)
        }
        Some(Fault::MixesSourcesUp) => {
            inner.deliver(&Delivery { source: "one".to_owned(), ..delivery.clone() }, jobs).await
        }
        Some(Fault::IgnoresEmptyDeliveries) if jobs.is_empty() => Ok(Delivered::Now),
        Some(Fault::RemembersOneDelivery) => {
            let outcome = inner.deliver(delivery, jobs).await?;
            let latest = queue.memory().latest_delivery.replace(delivery.number);
            let is_before = outcome == Delivered::Before && latest.is_some_and(|latest| latest != delivery.number);
            Ok(if is_before { Delivered::Overtaken } else { outcome })
        }
        Some(Fault::DeliversInTwoSteps) => {
            let has_arrived = queue.memory().arrived.contains(&delivery.number);
            queue.step().await;
            if has_arrived {
                return Ok(Delivered::Before);
            }
            queue.memory().arrived.insert(delivery.number);
            queue.add(jobs).await?;
            Ok(Delivered::Now)
        }
        _ => {
            let outcome = inner.deliver(delivery, jobs).await;
            queue.told.notify_waiters();
            outcome
        }
    }
}
