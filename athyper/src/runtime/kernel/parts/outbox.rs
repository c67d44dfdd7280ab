//! The relay of the outbox, as a hook.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::OUTBOX;
use crate::foundation::error::{Error, Result};
use crate::runtime::container::Container;
use crate::runtime::kernel::lifecycle::LifecycleHook;
use crate::runtime::outbox::Relay;

/// Moves messages of the outbox in the background.
#[derive(Debug)]
pub(in crate::runtime::kernel) struct OutboxPart {
    relay: Arc<Relay>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl OutboxPart {
    pub(in crate::runtime::kernel) fn new(relay: Arc<Relay>) -> Self {
        Self { relay, stop: CancellationToken::new(), task: Mutex::new(None) }
    }
}

#[async_trait]
impl LifecycleHook for OutboxPart {
    fn name(&self) -> &str {
        OUTBOX
    }

    fn stop_order(&self) -> u32 {
        40
    }

    async fn started(&self, _: &Container) -> Result<()> {
        let (relay, stop) = (Arc::clone(&self.relay), self.stop.clone());
        let task = tokio::spawn(async move { relay.run(stop.cancelled()).await });
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(())
    }

    async fn stopping(&self) -> Result<()> {
        self.stop.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        match task {
            Some(task) => task.await.map_err(|error| Error::internal("the relay's task died").with_source(error)),
            None => Ok(()),
        }
    }
}
