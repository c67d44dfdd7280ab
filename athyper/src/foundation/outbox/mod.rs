//! The outbox: what a transaction of a database says to another store. It is written in the transaction, and moved over after the
//! commit.

mod destination;
mod job_batch;
mod message;
mod port;

pub use destination::Destination;
pub use job_batch::{JOBS, JobBatch};
pub use message::{OutboxCounts, OutboxFilter, OutboxMessage, OutboxRecord, OutboxState};
pub use port::{Outbox, OutboxAnswer, OutboxBatch, OutboxStep, Settled, Settlement};
