//! A database as the job queue and the leases use it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::dialect::LockClock;
use super::job_queue::Wake;
use super::operation::{Operation, Session};
use crate::foundation::clock::Clock;
use crate::foundation::error::Result;
use crate::foundation::jobs::{Capabilities, QueueName};
use crate::foundation::sql::{Row, Statement, Tx};

/// A database whose tables of ours are up to date.
#[async_trait]
pub(in crate::adapters) trait SqlStore: Send + Sync + fmt::Debug + 'static {
    /// The clock that due times are compared with.
    fn clock(&self) -> &Arc<dyn Clock>;

    /// The time that locks run out by.
    fn lock_clock(&self) -> LockClock;

    /// Runs a statement that reads.
    async fn read(&self, statement: Statement) -> Result<Vec<Row>>;

    /// Runs an operation and waits until it is committed.
    ///
    /// # Cancel safety
    /// Dropping the future does not undo what was begun.
    async fn run<O: Operation>(&self, operation: O) -> Result<O::Answer>;

    /// Runs an operation that nobody waits for.
    fn run_detached<O: Operation>(&self, operation: O);

    /// A session in a transaction of this very database; `None` for one of another.
    fn session_in<'t>(&self, tx: &'t mut Tx) -> Option<Session<'t>>;

    /// What a queue in it can do.
    fn capabilities(&self) -> Capabilities;

    /// How long an idle worker may rest before it looks for jobs of which no news has come.
    fn longest_rest(&self) -> Duration;

    /// Whoever waits for jobs in this process.
    fn wake(&self) -> &Wake;

    /// Tells the other processes, after a commit, that there may be a job in a queue.
    fn announce(&self, queue: &QueueName);

    /// Where it is, for messages; without a password.
    fn place(&self) -> String;
}
