//! Adding jobs: those that several callers add at the same time travel together.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::redis::Value;
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Inner;
use super::record::{Prepared, prepare, read_id, read_list, read_text};
use crate::adapters::redis::connection::{Call, Repeat};
use crate::adapters::redis::error::strange;
use crate::adapters::redis::scripts::{ADD, FLOW};
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{Added, FlowShape, NewJob, QueueName, another_parent};

/// How many calls are under way at once. While one is answered the next one is written; those that come meanwhile wait, and
/// travel together.
const UNDER_WAY: usize = 2;
/// How many jobs travel together at most, but for those that one caller adds.
const TOGETHER: usize = 256;

/// Who adds jobs at the moment.
#[derive(Default)]
pub(super) struct Adding {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: usize,
    waiting: VecDeque<Waiting>,
}

/// A caller whose jobs have not been sent yet.
struct Waiting {
    jobs: Vec<Prepared>,
    answer: oneshot::Sender<Result<Vec<Added>>>,
}

impl Adding {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Adding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Adding").finish_non_exhaustive()
    }
}

/// The right to have one call under way; it is passed on to those that wait.
struct Turn {
    inner: Arc<Inner>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.inner.adding.state();
        let together = state.next();
        let runtime = Handle::try_current().ok().filter(|_| !together.is_empty());
        state.under_way -= usize::from(runtime.is_none());
        drop(state);
        if let Some(runtime) = runtime {
            let turn = Self { inner: self.inner.clone() };
            // Whoever had the turn may be gone: those that wait do not depend on it.
            runtime.spawn(turn.send(together));
        }
    }
}

impl State {
    /// Those that travel next.
    fn next(&mut self) -> Vec<Waiting> {
        let mut together: Vec<Waiting> = Vec::new();
        let mut jobs = 0;
        while let Some(next) = self.waiting.front()
            && (together.is_empty() || jobs + next.jobs.len() <= TOGETHER)
        {
            jobs += next.jobs.len();
            together.extend(self.waiting.pop_front());
        }
        together
    }
}

impl Turn {
    async fn send(self, together: Vec<Waiting>) {
        let all: Vec<&Prepared> = together.iter().flat_map(|waiting| &waiting.jobs).collect();
        match self.inner.send(&all).await {
            Ok(added) => {
                let mut added = added.into_iter();
                for Waiting { jobs, answer } in together {
                    // Whoever does not wait any more need not be told.
                    let _gone = answer.send(Ok(added.by_ref().take(jobs.len()).collect()));
                }
            }
            Err(error) if error.kind() == ErrorKind::UnknownOutcome => {
                for Waiting { answer, .. } in together {
                    let error = Error::new(error.kind(), error.message().to_owned()).with_code(error.code());
                    let _gone = answer.send(Err(error));
                }
            }
            Err(error) => {
                // One of them may be to blame: each is told for itself. Unless nothing was executed, some are there already.
                let may_be_there = error.kind() != ErrorKind::Unavailable;
                let inner = &self.inner;
                join_all(together.into_iter().map(|Waiting { jobs, answer }| async move {
                    let added = inner.send(&jobs.iter().collect::<Vec<_>>()).await;
                    let own = |(added, prepared): (Added, &Prepared)| Added {
                        duplicate: added.duplicate && !(may_be_there && added.id == prepared.job.envelope.id),
                        ..added
                    };
                    let _gone = answer.send(added.map(|added| added.into_iter().zip(&jobs).map(own).collect()));
                }))
                .await;
            }
        }
    }
}

impl Inner {
    /// Adds jobs, all of them or none.
    pub(super) async fn add(self: &Arc<Self>, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        let now = self.clock.now();
        let shape = FlowShape::of(jobs.iter())?;
        let prefix = &self.connections.options.prefix;
        let jobs = jobs.into_iter().map(|job| prepare(job, prefix, now)).collect::<Result<Vec<_>>>()?;
        // A name that is not allowed is nobody else's business.
        self.remember(&queues_of(&jobs.iter().collect::<Vec<_>>())).await?;
        if let Some(shape) = shape {
            return self.add_flow(&jobs, &shape).await;
        }
        match self.take_turn(jobs) {
            Ok((_turn, jobs)) => self.send(&jobs.iter().collect::<Vec<_>>()).await,
            Err(told) => told.await.map_err(|_| Error::unavailable("the runtime is ending"))?,
        }
    }

    /// The right to send them, or the answer to come if they wait for others.
    #[allow(clippy::type_complexity, reason = "either of two things that belong together")]
    fn take_turn(
        self: &Arc<Self>,
        jobs: Vec<Prepared>,
    ) -> Result<(Turn, Vec<Prepared>), oneshot::Receiver<Result<Vec<Added>>>> {
        let mut state = self.adding.state();
        if state.under_way < UNDER_WAY || jobs.len() > TOGETHER {
            state.under_way += 1;
            return Ok((Turn { inner: self.clone() }, jobs));
        }
        let (answer, told) = oneshot::channel();
        state.waiting.push_back(Waiting { jobs, answer });
        Err(told)
    }

    async fn send(&self, jobs: &[&Prepared]) -> Result<Vec<Added>> {
        answers(jobs, read_list(self.connections.run_here(&ADD, self.call_with(jobs), Repeat::Never).await?)?)
    }

    /// A call of a script that adds jobs.
    pub(super) fn call_with(&self, jobs: &[&Prepared]) -> Call {
        let queues = queues_of(jobs);
        let mut call = self.on_all(&queues);
        for prepared in jobs {
            push_job(&mut call, &queues, prepared);
        }
        call
    }

    /// A script on several queues, whose first argument is the time in milliseconds.
    fn on_all(&self, queues: &[QueueName]) -> Call {
        let mut call = Call::default().number(self.clock.now().timestamp_millis());
        for queue in queues {
            call.push_key(self.key(queue, "meta"));
        }
        call
    }

    /// Adds a flow, all of it or nothing.
    async fn add_flow(&self, jobs: &[Prepared], shape: &FlowShape) -> Result<Vec<Added>> {
        let jobs: Vec<&Prepared> = jobs.iter().collect();
        let call = self.flow_call_with(&jobs, shape);
        let told = read_list(self.connections.run_here(&FLOW, call, Repeat::Never).await?)?;
        answers(&jobs, accepted(told)?)
    }

    /// A call of a script that adds a flow.
    pub(super) fn flow_call_with(&self, jobs: &[&Prepared], shape: &FlowShape) -> Call {
        let queues = queues_of(jobs);
        let mut call = self.on_all(&queues);
        for (place, prepared) in jobs.iter().enumerate() {
            let (key, told) = prepared.parent.clone().unwrap_or_default();
            call.push(shape.parents[place].map_or(0, |parent| parent + 1).to_string());
            call.push(if shape.has_children[place] { "1" } else { "" });
            call.push(key);
            call.push(told);
            push_job(&mut call, &queues, prepared);
        }
        call
    }
}

/// What a script that adds a flow told, unless it was refused.
pub(super) fn accepted(mut told: Vec<Value>) -> Result<Vec<Value>> {
    if let Some(Value::Array(refused)) = told.first_mut() {
        let mut words = std::mem::take(refused).into_iter().filter_map(read_text);
        let (child, parent) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        return Err(another_parent(&read_id(&child), format_args!("`{parent}`")));
    }
    Ok(told)
}

fn push_job(call: &mut Call, queues: &[QueueName], prepared: &Prepared) {
    let number = queues.iter().position(|queue| *queue == prepared.job.envelope.queue).unwrap_or_default();
    call.push((number + 1).to_string());
    prepared.arguments(&mut |argument| call.push(argument));
}

/// Reads for each job the id that stands for it, or nothing if it was added.
fn answers(jobs: &[&Prepared], holders: Vec<Value>) -> Result<Vec<Added>> {
    if holders.len() != jobs.len() {
        return Err(strange("one answer for each job"));
    }
    let answers = jobs.iter().zip(holders).map(|(prepared, holder)| match read_text(holder) {
        Some(holder) if !holder.is_empty() => Added { id: read_id(&holder), duplicate: true },
        _ => Added { id: prepared.job.envelope.id.clone(), duplicate: false },
    });
    Ok(answers.collect())
}

/// The queues of jobs, each once.
pub(super) fn queues_of(jobs: &[&Prepared]) -> Vec<QueueName> {
    let mut queues: Vec<QueueName> = Vec::new();
    for prepared in jobs {
        let queue = &prepared.job.envelope.queue;
        if !queues.contains(queue) {
            queues.push(queue.clone());
        }
    }
    queues
}
