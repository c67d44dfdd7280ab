//! Faults of limits.

use std::time::Duration;

use athyper::Result;
use athyper::jobs::{JobAdministration, JobState, Limit, QueueLimits, QueueName};

use crate::broken::BrokenQueue;
use crate::fault::Fault;

impl BrokenQueue {
    pub(crate) async fn set_limits_with_fault(&self, queue: &QueueName, limits: &QueueLimits) -> Result<()> {
        let mut limits = *limits;
        match self.fault {
            Some(Fault::IgnoresLimits) => return Ok(()),
            Some(Fault::NeverLiftsLimits) if limits.is_none() => return Ok(()),
            Some(Fault::KeepsPeriods) if self.inner.limits(queue).await? == limits => return Ok(()),
            Some(Fault::LimitsOnlyTheQueue) => limits.tenant = Limit::NONE,
            Some(Fault::LimitsTenantsTogether) if !limits.tenant.is_none() => {
                limits = QueueLimits { queue: limits.tenant, tenant: Limit::NONE };
            }
            Some(Fault::PeriodsHaveNoEnd) => {
                for rate in [&mut limits.queue.rate, &mut limits.tenant.rate].into_iter().flatten() {
                    rate.period = Duration::from_secs(1_000_000_000);
                }
            }
            Some(Fault::LimitsEveryQueue) => self.inner.set_limits(&"mail".into(), &limits).await?,
            Some(Fault::ForgetsWhatRuns) => {
                let running = u32::try_from(self.in_state(queue, JobState::Active).await.len()).unwrap();
                for most in [&mut limits.queue.concurrency, &mut limits.tenant.concurrency].into_iter().flatten() {
                    *most = most.saturating_add(running);
                }
            }
            _ => {}
        }
        self.inner.set_limits(queue, &limits).await
    }
}
