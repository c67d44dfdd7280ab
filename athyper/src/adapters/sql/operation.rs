//! What is done in one transaction, and how its answer reaches whoever asked.

use std::collections::HashSet;
use std::fmt;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::dialect::LockClock;
use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::QueueName;
use crate::foundation::sql::{Dialect, Row, Statement};

/// An adapter's open transaction, for statements of ours.
#[async_trait]
pub(in crate::adapters) trait OpenTransaction: Send + fmt::Debug {
    /// Runs a statement and gathers its rows.
    async fn fetch_rows(&mut self, statement: Statement) -> Result<Vec<Row>>;

    /// Runs a statement and answers how many rows it changed.
    async fn change(&mut self, statement: Statement) -> Result<u64>;

    /// Has something done after the commit. It must not fail, and must do no harm if the commit is undone after all.
    fn after_commit(&mut self, action: Box<dyn FnOnce() + Send>);
}

/// A transaction in which operations run, and the time that holds for all of them.
#[derive(Debug)]
pub(in crate::adapters) struct Session<'t> {
    transaction: &'t mut dyn OpenTransaction,
    pub(super) dialect: Dialect,
    pub(super) now: Timestamp,
    pub(super) locks: LockClock,
    /// The queues whose due jobs were made ready in this session.
    pub(super) promoted: HashSet<QueueName>,
}

impl<'t> Session<'t> {
    /// A session whose clocks have been read.
    pub(in crate::adapters) fn new(
        transaction: &'t mut dyn OpenTransaction,
        dialect: Dialect,
        now: Timestamp,
        locks: LockClock,
    ) -> Self {
        Self { transaction, dialect, now, locks, promoted: HashSet::new() }
    }

    /// Runs a statement and gathers its rows.
    pub(super) async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>> {
        self.transaction.fetch_rows(statement).await
    }

    /// Runs a statement and answers how many rows it changed.
    pub(super) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        self.transaction.change(statement).await
    }

    /// Has something done after the commit.
    pub(super) fn after_commit(&mut self, action: impl FnOnce() + Send + 'static) {
        self.transaction.after_commit(Box::new(action));
    }
}

/// Something that is done in a transaction, alone or together with others.
#[async_trait]
pub(in crate::adapters) trait Operation: Send + Sync + 'static {
    /// What the caller gets once it is committed.
    type Answer: Send + 'static;

    /// Does it. An error undoes the transaction, and the operation may be tried again in another; what is no reason for that
    /// belongs into the answer.
    async fn apply(&self, session: &mut Session<'_>) -> Result<Self::Answer>;

    /// Whether it is not even begun once nobody waits for its answer.
    fn is_for_whoever_waits(&self) -> bool {
        false
    }

    /// Whether its statements must be committed together. One that consists of a single statement needs no transaction.
    #[allow(dead_code, reason = "not every database needs it")]
    fn is_atomic(&self) -> bool {
        true
    }

    /// Called when it was committed and nobody was there any more to take the answer.
    fn undelivered(_answer: Self::Answer) {}
}

/// A committed answer on its way to its caller.
pub(in crate::adapters) struct Delivery<O: Operation> {
    answer: Option<O::Answer>,
}

impl<O: Operation> Delivery<O> {
    /// Sends an answer; what nobody takes is [`undelivered`](Operation::undelivered).
    pub(in crate::adapters) fn send(answer: Option<O::Answer>, reply: oneshot::Sender<Result<Self>>) {
        // What nobody takes is dropped, and says so itself.
        let _ = reply.send(Ok(Self { answer }));
    }

    /// Waits for an answer.
    pub(in crate::adapters) async fn receive(answer: oneshot::Receiver<Result<Self>>) -> Result<O::Answer> {
        match answer.await {
            Ok(outcome) => outcome.map(Self::take),
            Err(_) => Err(Error::new(ErrorKind::UnknownOutcome, "the task that writes ended before it had answered")),
        }
    }

    fn take(mut self) -> O::Answer {
        self.answer.take().expect("an operation that was committed has an answer, and it is taken once")
    }
}

impl<O: Operation> Drop for Delivery<O> {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            O::undelivered(answer);
        }
    }
}
