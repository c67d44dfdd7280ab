//! Tells idle workers of this process that there may be a job for them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::foundation::jobs::QueueName;

/// One counter a queue that anybody has waited for.
#[derive(Debug, Default)]
pub(in crate::adapters) struct Wake {
    queues: Mutex<HashMap<QueueName, watch::Sender<u64>>>,
}

impl Wake {
    /// Wakes whoever waits for the queue.
    pub(in crate::adapters) fn wake(&self, queue: &QueueName) {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = queues.get(queue) {
            counter.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Wakes everybody who waits for any queue.
    #[allow(dead_code, reason = "not every database needs it")]
    pub(in crate::adapters) fn wake_all(&self) {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        for counter in queues.values() {
            counter.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Sees every wake-up from now on.
    pub(in crate::adapters::sql) fn listen(&self, queue: &QueueName) -> watch::Receiver<u64> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        match queues.get(queue) {
            Some(counter) => counter.subscribe(),
            None => queues.entry(queue.clone()).or_insert_with(|| watch::Sender::new(0)).subscribe(),
        }
    }
}
