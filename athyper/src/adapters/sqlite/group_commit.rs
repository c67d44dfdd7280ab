//! Many callers, one commit.
//!
//! A commit that survives power loss waits for the disk, and while it does, others arrive. They run together in the next
//! transaction, and each is answered once that has been committed. If one of them fails the transaction is undone and each
//! runs again in one of its own, so that nobody fails because of another.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::transaction::SqliteTransaction;
use super::writer::Writer;
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::QueueName;
use crate::foundation::sql::{Row, Statement};

/// How many operations share a transaction at most, so that nobody waits for a very long one.
const LARGEST_BATCH: usize = 256;

/// A transaction in which operations run, and the time that holds for all of them.
#[derive(Debug)]
pub(super) struct Session<'t> {
    transaction: &'t mut SqliteTransaction,
    pub(super) now: Timestamp,
    /// Microseconds since the machine booted.
    pub(super) since_boot: i64,
    pub(super) boot_id: String,
    /// The queues whose due jobs were made ready in this session.
    pub(super) promoted: HashSet<QueueName>,
}

impl<'t> Session<'t> {
    /// Reads the clock once.
    pub(super) fn new(transaction: &'t mut SqliteTransaction, clock: &dyn Clock) -> Self {
        Self {
            transaction,
            now: clock.now(),
            since_boot: i64::try_from(clock.since_boot().as_micros()).unwrap_or(i64::MAX),
            boot_id: clock.boot_id().to_owned(),
            promoted: HashSet::new(),
        }
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
        self.transaction.after_commit(action);
    }
}

/// Something that is done in a transaction, alone or together with others.
#[async_trait]
pub(super) trait Operation: Send + Sync + 'static {
    /// What the caller gets once it is committed.
    type Answer: Send + 'static;

    /// Does it. An error undoes the transaction, and the operation is tried once more in one of its own; what is no reason
    /// for that belongs into the answer.
    async fn apply(&self, session: &mut Session<'_>) -> Result<Self::Answer>;

    /// Whether it is not even begun once nobody waits for its answer.
    fn is_for_whoever_waits(&self) -> bool {
        false
    }

    /// Called when it was committed and nobody was there any more to take the answer.
    fn undelivered(_answer: Self::Answer, _group: &Arc<GroupCommit>) {}
}

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
        match answer.await {
            Ok(outcome) => outcome.map(Delivery::take),
            Err(_) => Err(Error::new(
                ErrorKind::UnknownOutcome,
                "the task that writes for everybody ended before it had answered",
            )),
        }
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
            Ok(()) => batch.into_iter().for_each(|operation| operation.deliver(self)),
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
                Ok(()) => operation.deliver(self),
                Err(error) => operation.fail(share(error)),
            }
        }
    }

    async fn try_batch(&self, mut transaction: SqliteTransaction, batch: &mut [Box<dyn Pending>]) -> Result<()> {
        let mut session = Session::new(&mut transaction, &*self.clock);
        for operation in batch {
            operation.apply(&mut session).await?;
        }
        transaction.finish().await
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
    fn deliver(self: Box<Self>, group: &Arc<GroupCommit>);
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

    fn deliver(self: Box<Self>, group: &Arc<GroupCommit>) {
        // What nobody takes is dropped, and says so itself.
        let _ = self.reply.send(Ok(Delivery { answer: self.answer, group: group.clone() }));
    }

    fn fail(self: Box<Self>, error: Error) {
        // Nobody is there any more when this fails.
        let _ = self.reply.send(Err(error));
    }

    fn is_pointless(&self) -> bool {
        self.operation.is_for_whoever_waits() && self.reply.is_closed()
    }
}

/// A committed answer on its way to its caller.
struct Delivery<O: Operation> {
    answer: Option<O::Answer>,
    group: Arc<GroupCommit>,
}

impl<O: Operation> Delivery<O> {
    fn take(mut self) -> O::Answer {
        self.answer.take().expect("an operation that was committed has an answer, and it is taken once")
    }
}

impl<O: Operation> Drop for Delivery<O> {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            O::undelivered(answer, &self.group);
        }
    }
}
