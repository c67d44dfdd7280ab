//! Many callers, one commit.
//!
//! A commit that survives power loss waits for the disk, and while it does, others arrive. They run together in the next
//! transaction, and each is answered once that has been committed. If one of them fails the transaction is undone and each
//! runs again in one of its own, so that nobody fails because of another.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::transaction::SqliteTransaction;
use super::writer::Writer;
use crate::adapters::sql::dialect::LockClock;
use crate::adapters::sql::operation::{Delivery, Operation, Session};
use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::sql::Dialect;

/// How many operations share a transaction at most, so that nobody waits for a very long one.
const LARGEST_BATCH: usize = 256;

/// Runs operations of many callers together.
pub(super) struct GroupCommit {
    writer: Writer,
    clock: Arc<dyn Clock>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    operations: VecDeque<Box<dyn Pending>>,
    /// A task is running that will look at the operations again before it ends.
    is_served: bool,
}

impl GroupCommit {
    pub(super) fn new(writer: Writer, clock: Arc<dyn Clock>) -> Self {
        Self { writer, clock, waiting: Mutex::default() }
    }

    /// Runs an operation and waits until it is committed.
    ///
    /// # Cancel safety
    /// Dropping the future does not undo what was begun.
    pub(super) async fn run<O: Operation>(self: &Arc<Self>, operation: O) -> Result<O::Answer> {
        let (reply, answer) = oneshot::channel();
        self.submit(operation, reply);
        Delivery::receive(answer).await
    }

    /// Runs an operation that nobody waits for.
    pub(super) fn run_detached<O: Operation>(self: &Arc<Self>, operation: O) {
        self.submit(operation, oneshot::channel().0);
    }

    fn submit<O: Operation>(self: &Arc<Self>, operation: O, reply: oneshot::Sender<Result<Delivery<O>>>) {
        let is_served = {
            let mut waiting = self.waiting();
            waiting.operations.push_back(Box::new(Caller { operation, answer: None, reply }));
            std::mem::replace(&mut waiting.is_served, true)
        };
        if is_served {
            return;
        }
        let service = Service { group: self.clone(), is_needed: true };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { service.serve().await })),
            // Outside of a runtime nothing can be written; dropping the service answers those who wait.
            Err(_) => drop(service),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_batch(&self) -> Vec<Box<dyn Pending>> {
        let mut waiting = self.waiting();
        let count = waiting.operations.len().min(LARGEST_BATCH);
        waiting.operations.drain(..count).filter(|operation| !operation.is_pointless()).collect()
    }

    /// Ends the service if nothing is left to do.
    fn rest_if_idle(&self) -> bool {
        let mut waiting = self.waiting();
        waiting.is_served = !waiting.operations.is_empty();
        !waiting.is_served
    }

    async fn run_batch(self: &Arc<Self>, transaction: SqliteTransaction, mut batch: Vec<Box<dyn Pending>>) {
        match self.try_batch(transaction, &mut batch).await {
            Ok(()) => batch.into_iter().for_each(|operation| operation.deliver()),
            Err(error) if batch.len() > 1 && may_be_one_operations_fault(&error) => {
                for operation in batch {
                    self.run_alone(operation).await;
                }
            }
            Err(error) => batch.into_iter().for_each(|operation| operation.fail(share(&error))),
        }
    }

    async fn run_alone(self: &Arc<Self>, operation: Box<dyn Pending>) {
        let mut alone = vec![operation];
        let outcome = match self.writer.begin().await {
            Ok(transaction) => self.try_batch(transaction, &mut alone).await,
            Err(error) => Err(error),
        };
        for operation in alone {
            match &outcome {
                Ok(()) => operation.deliver(),
                Err(error) => operation.fail(share(error)),
            }
        }
    }

    async fn try_batch(&self, mut transaction: SqliteTransaction, batch: &mut [Box<dyn Pending>]) -> Result<()> {
        let mut session = session(&mut transaction, &*self.clock);
        for operation in batch {
            operation.apply(&mut session).await?;
        }
        transaction.finish().await
    }
}

/// A session for whom both clocks are read once.
pub(super) fn session<'t>(transaction: &'t mut SqliteTransaction, clock: &dyn Clock) -> Session<'t> {
    Session::new(transaction, Dialect::Sqlite, clock.now(), lock_clock(clock))
}

/// SQLite has no server whose clock could count: the machine's does, since it booted.
pub(super) fn lock_clock(clock: &dyn Clock) -> LockClock {
    LockClock::Machine {
        boot: clock.boot_id().to_owned(),
        now: i64::try_from(clock.since_boot().as_micros()).unwrap_or(i64::MAX),
    }
}

impl fmt::Debug for GroupCommit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GroupCommit").finish_non_exhaustive()
    }
}

/// Serves whoever waits, until nobody does. If it is dropped before, those who wait are told.
struct Service {
    group: Arc<GroupCommit>,
    /// Cleared when it has ended as it should. From then on another one may serve.
    is_needed: bool,
}

impl Service {
    async fn serve(mut self) {
        let group = self.group.clone();
        loop {
            // The batch is put together after the wait for the write lock: the longer that takes, the more there are.
            match group.writer.begin().await {
                Ok(transaction) => {
                    let batch = group.next_batch();
                    if batch.is_empty() {
                        transaction.undo().await;
                    } else {
                        group.run_batch(transaction, batch).await;
                    }
                }
                Err(error) => group.next_batch().into_iter().for_each(|operation| operation.fail(share(&error))),
            }
            if group.rest_if_idle() {
                self.is_needed = false;
                return;
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.is_needed {
            let mut waiting = self.group.waiting();
            waiting.is_served = false;
            let left = std::mem::take(&mut waiting.operations);
            drop(waiting);
            drop(left);
        }
    }
}

/// Whether the others may succeed where the whole batch did not.
fn may_be_one_operations_fault(error: &Error) -> bool {
    error.code() == "disk-full" || !(error.kind().is_transient() || error.kind() == ErrorKind::UnknownOutcome)
}

/// The same error once more, for another caller.
fn share(error: &Error) -> Error {
    let shared = Error::new(error.kind(), error.message().to_owned()).with_code(error.code());
    match std::error::Error::source(error) {
        Some(_) => shared.with_source(error.report()),
        None => shared,
    }
}

/// An operation whose caller waits.
#[async_trait]
trait Pending: Send {
    async fn apply(&mut self, session: &mut Session<'_>) -> Result<()>;
    fn deliver(self: Box<Self>);
    fn fail(self: Box<Self>, error: Error);
    fn is_pointless(&self) -> bool;
}

struct Caller<O: Operation> {
    operation: O,
    answer: Option<O::Answer>,
    reply: oneshot::Sender<Result<Delivery<O>>>,
}

#[async_trait]
impl<O: Operation> Pending for Caller<O> {
    async fn apply(&mut self, session: &mut Session<'_>) -> Result<()> {
        self.answer = Some(self.operation.apply(session).await?);
        Ok(())
    }

    fn deliver(self: Box<Self>) {
        Delivery::send(self.answer, self.reply);
    }

    fn fail(self: Box<Self>, error: Error) {
        // Nobody is there any more when this fails.
        let _ = self.reply.send(Err(error));
    }

    fn is_pointless(&self) -> bool {
        self.operation.is_for_whoever_waits() && self.reply.is_closed()
    }
}
