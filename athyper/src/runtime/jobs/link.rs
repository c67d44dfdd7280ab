//! What the client, its handles and the worker pool of one kernel share.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::foundation::clock::Clock;
use crate::foundation::jobs::JobQueue;
use crate::foundation::outbox::Outbox;

/// What the client, its handles and the worker pool of one kernel share.
pub(super) struct Link {
    pub(super) queue: Arc<dyn JobQueue>,
    /// For transactions that the queue takes no part in.
    pub(super) outbox: Option<Arc<dyn Outbox>>,
    pub(super) clock: Arc<dyn Clock>,
    /// Told whenever a job of this process finished, so that whoever waits for a result need not poll for it.
    pub(super) finished: Notify,
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Link").field("queue", &self.queue).finish_non_exhaustive()
    }
}
