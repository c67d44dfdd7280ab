//! Faults of taking: jobs of a paused queue, and priorities told wrongly.

use athyper::Result;
use athyper::jobs::{Claimed, Priority, Take};

use crate::broken::BrokenQueue;
use crate::fault::Fault;

impl BrokenQueue {
    pub(crate) async fn take_next(&self, look: &Take) -> Result<Vec<Claimed>> {
        if self.has(Fault::TakesNextWhilePaused) {
            let admin: &dyn athyper::jobs::JobAdministration = &*self.inner;
            let paused = admin.is_paused(&look.queue).await?;
            admin.resume(&look.queue).await?;
            let taken = self.take_once(look).await;
            if paused {
                admin.pause(&look.queue).await?;
            }
            return taken;
        }
        self.take_once(look).await
    }

    /// How the sound queue is told of a priority.
    pub(crate) fn change_priority(&self, priority: Priority, number: u32, past: bool) -> Priority {
        match self.fault {
            Some(Fault::LastInFirstOut) => Priority(u32::MAX - number),
            Some(Fault::IgnoresPriority) => Priority::Normal,
            Some(Fault::ReversesPriority) => Priority(u32::MAX - priority.0),
            Some(Fault::WrapsPriority) => Priority(priority.0 ^ (1 << 31)),
            Some(Fault::ZeroIsNoPriority) if priority.0 == 0 => Priority(u32::MAX),
            Some(Fault::HonoursThePast) if past => Priority(0),
            _ => priority,
        }
    }
}
