//! How much of a queue may run.

use std::num::NonZeroU32;

use serde_json::json;

use super::Desk;
use super::arguments::Setting;
use crate::foundation::error::Result;
use crate::foundation::jobs::{QueueLimits, Rate};
use crate::runtime::command_line::Output;

/// The limits that are to be changed; the others stay.
pub(super) struct Changes {
    pub(super) total_concurrency: Option<Setting<NonZeroU32>>,
    pub(super) rate: Option<Setting<Rate>>,
    pub(super) tenant_concurrency: Option<Setting<NonZeroU32>>,
    pub(super) tenant_rate: Option<Setting<Rate>>,
}

impl Changes {
    fn apply(self, limits: &mut QueueLimits) {
        set(&mut limits.queue.concurrency, self.total_concurrency);
        set(&mut limits.queue.rate, self.rate);
        set(&mut limits.tenant.concurrency, self.tenant_concurrency);
        set(&mut limits.tenant.rate, self.tenant_rate);
    }
}

fn set<T>(limit: &mut Option<T>, setting: Option<Setting<T>>) {
    if let Some(Setting(value)) = setting {
        *limit = value;
    }
}

impl Desk<'_> {
    pub(super) async fn limit(&self, queue: &str, changes: Changes) -> Result<Output> {
        let queue = self.named(queue).await?;
        let mut limits = self.queue.limits(&queue).await?;
        let before = limits;
        changes.apply(&mut limits);
        if limits != before {
            self.queue.set_limits(&queue, &limits).await?;
        }
        let declared = self.kernel.jobs().limits(&queue).filter(|declared| *declared != limits);
        if self.json {
            return Ok(Output::json(&json!({
                "queue": queue,
                "total_concurrency": limits.queue.concurrency,
                "rate": limits.queue.rate.map(|rate| rate.to_string()),
                "tenant_concurrency": limits.tenant.concurrency,
                "tenant_rate": limits.tenant.rate.map(|rate| rate.to_string()),
                "declared": declared.map(|declared| declared.to_string()),
            })));
        }
        let until = declared.map(|declared| format!("until a worker starts: its handlers declare {declared}\n"));
        Ok(Output::text(format!("queue `{queue}`: {limits}\n{}", until.unwrap_or_default())))
    }
}
