//! The port: what every outbox can do.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::{OutboxCounts, OutboxFilter, OutboxMessage, OutboxRecord};
use crate::foundation::error::Result;
use crate::foundation::jobs::Delivery;
use crate::foundation::sql::Tx;

/// Messages that are moved together.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxBatch {
    /// By which the destination knows the batch again. The messages of a delivery stay the same until it is settled.
    pub delivery: Delivery,
    /// The messages, in their order.
    pub messages: Vec<OutboxMessage>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The [number](Delivery::number) of its delivery.
    pub number: i64,
    /// What became of it.
    pub settlement: Settlement,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It has arrived: its messages go.
    Moved,
    /// It certainly has not arrived and never will: its messages wait for another delivery.
    Released,
    /// Its destination refuses its messages: they are set aside.
    Failed {
        /// Why.
        error: String,
    },
}

/// One step of a relay.
#[derive(Debug, Clone)]
pub struct OutboxStep {
    /// Whose messages it moves.
    pub destination: String,
    /// Which relay it is: unique to it, never reused.
    pub holder: String,
    /// For how long others leave the messages to it unless it takes another step.
    pub lease: Duration,
    /// How many messages it takes at most; none if it only settles, and gives the lease up.
    pub max: usize,
    /// What became of the batch before.
    pub settled: Option<Settled>,
}

/// What there is to do for a relay.
#[derive(Debug, Clone, PartialEq)]
pub enum OutboxAnswer {
    /// Messages to be moved. Of a batch that was not settled, by this relay or another one, it is the same again.
    Batch(OutboxBatch),
    /// Nothing; the lease was given up.
    Nothing,
    /// Another relay is at work.
    Elsewhere,
}

/// The port of an outbox: messages that are written in transactions of its database, and what a relay needs to move them.
///
/// *Nothing is passed over.* A relay gets the messages that are committed when it asks, those that were written first coming
/// first. A message whose transaction commits later comes later, however early it was written. If one transaction committed
/// before another one wrote, its messages come first; those of transactions that were open at the same time may come either way.
///
/// *One at a time.* A relay that was given a batch holds the lease; nobody else is given messages until it has run out by the
/// store's clock. What keeps two relays that both believe to hold it from doing harm are the numbers of deliveries, by which
/// destinations know a batch again.
#[async_trait]
pub trait Outbox: Send + Sync + fmt::Debug + 'static {
    /// Writes messages in a transaction: they exist once it commits, or never.
    ///
    /// # Errors
    /// `Configuration` with the code `outbox-other-database` when the transaction is not one of this database.
    async fn write(&self, tx: &mut Tx, messages: Vec<OutboxMessage>) -> Result<()>;

    /// Settles the batch before and takes the next one, in one transaction. It may be repeated if its outcome is unknown.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    async fn step(&self, step: &OutboxStep) -> Result<OutboxAnswer>;

    /// Whether a message for a destination waits; costs less than a [`step`](Self::step).
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    async fn has_waiting(&self, destination: &str) -> Result<bool>;

    /// Waits until something was committed since `seen` was answered, or so much time has passed; answers what to say next time.
    /// The first time that is `u64::MAX`, which is answered at once. What other processes commit may go unnoticed.
    ///
    /// # Cancel safety
    /// Dropping the future only ends the wait.
    async fn news(&self, seen: u64, longest: Duration) -> u64;

    /// One message; `None` once it was moved.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    async fn get(&self, id: &str) -> Result<Option<OutboxRecord>>;

    /// Messages in the order they were written.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    async fn list(&self, filter: &OutboxFilter) -> Result<Vec<OutboxRecord>>;

    /// How many messages for a destination stand where.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    async fn counts(&self, destination: &str) -> Result<OutboxCounts>;

    /// Lets a message that was refused be moved again.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it was not refused.
    async fn retry(&self, id: &str) -> Result<()>;

    /// Removes a message that was refused.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it was not refused.
    async fn remove(&self, id: &str) -> Result<()>;
}
