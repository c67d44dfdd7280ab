//! What a handler knows about the attempt it is.

use crate::foundation::context::Context;
use crate::foundation::jobs::{JobId, Lock};

/// What a handler knows about the attempt it is, and how it reports progress.
#[derive(Debug, Clone)]
pub struct JobContext {
    context: Context,
    lock: Lock,
    attempt: u32,
}

impl JobContext {
    /// The job's id.
    #[must_use]
    pub fn id(&self) -> &JobId {
        &self.lock.id
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The fencing token: it only grows, so a store can refuse a write of an older holder.
    #[must_use]
    pub fn token(&self) -> u32 {
        self.lock.token
    }

    /// On whose behalf, for which tenant, in which trace.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }
}
