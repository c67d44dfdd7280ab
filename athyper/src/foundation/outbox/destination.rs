//! Where messages of an outbox are moved.

use std::fmt;

use async_trait::async_trait;

use super::OutboxMessage;
use crate::foundation::error::Result;
use crate::foundation::jobs::{Delivered, Delivery};

/// Where messages of an outbox are moved.
#[async_trait]
pub trait Destination: Send + Sync + fmt::Debug + 'static {
    /// The name that messages know it by.
    fn name(&self) -> &str;

    /// Takes messages over, all or none, unless this delivery has arrived before. Without messages it only counts as arrived.
    ///
    /// # Errors
    /// Of the kind `Invalid` or `TooLarge` when one of the messages will never be taken; any other is taken to pass.
    async fn deliver(&self, delivery: &Delivery, messages: &[OutboxMessage]) -> Result<Delivered>;
}
