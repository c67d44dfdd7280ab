//! How workers that wait learn of jobs: one of them is woken for each marker.
//!
//! A queue whose workers wait has a task and a connection of its own, on which the server holds back its answer until there is a
//! marker. The task goes on when whoever waited has given up, so that a marker that arrives late is passed on and not lost.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Cmd, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Notify;

use crate::adapters::redis::connection::{Connections, Repeat, rest};
use crate::adapters::redis::servers::Connection;
use crate::foundation::jobs::QueueName;

/// For how long the server holds an answer back at most. An answer that takes a second longer is taken for lost.
const BLOCK: Duration = Duration::from_secs(3);
const OVERRUN: Duration = Duration::from_secs(1);
/// How long to wait before a lost connection is made again: doubled from the first to the last.
const PAUSES: (u64, u64) = (25, 800);
/// For how many milliseconds a connection is kept when nobody waits: a worker that is busy remains one of those that are listed.
const KEPT: u64 = 30_000;

/// Who waits for jobs of which queue.
#[derive(Default)]
pub(super) struct Wakers {
    bells: Mutex<HashMap<QueueName, Arc<Bell>>>,
}

impl fmt::Debug for Wakers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Wakers").finish_non_exhaustive()
    }
}

impl Wakers {
    /// Begins to wait for jobs of a queue, whose markers lie under `key`.
    pub(super) fn wait(
        &self,
        queue: &QueueName,
        key: impl FnOnce() -> String,
        connections: &Arc<Connections>,
    ) -> Waiting {
        let bell = {
            let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
            let make = || {
                let key = key();
                Arc::new(Bell { name: client_name(&key), key, ..Bell::default() })
            };
            bells.entry(queue.clone()).or_insert_with(make).clone()
        };
        bell.waiting.fetch_add(1, Ordering::AcqRel);
        bell.wanted.notify_waiters();
        bell.start(connections);
        Waiting { bell, connections: connections.clone(), ended: false }
    }
}

/// Rings for one queue.
#[derive(Default)]
struct Bell {
    key: String,
    /// By which BullMQ counts the workers of a queue.
    name: String,
    rung: Notify,
    wanted: Notify,
    waiting: AtomicUsize,
    running: AtomicBool,
}

impl Bell {
    fn start(self: &Arc<Self>, connections: &Arc<Connections>) {
        if !self.running.swap(true, Ordering::AcqRel) {
            connections.spawn(listen(self.clone(), connections.clone()));
        }
    }

    fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Waits for somebody who waits, for a while.
    async fn linger(&self) {
        let mut wanted = std::pin::pin!(self.wanted.notified());
        wanted.as_mut().enable();
        if !self.is_awaited() {
            futures_util::future::select(wanted, std::pin::pin!(rest(KEPT))).await;
        }
    }

    /// Whether the task has to go on, now that nobody seemed to wait.
    fn rests(&self) -> bool {
        self.running.store(false, Ordering::Release);
        // Whoever began to wait in between found the task running.
        !self.is_awaited() || self.running.swap(true, Ordering::AcqRel)
    }

    /// Leaves a marker to others.
    async fn pass_on(&self, connections: &Connections) {
        let mut command = ::redis::cmd("ZADD");
        command.arg(&self.key).arg(0).arg("0");
        // Without an answer there is no server to which it would matter; workers look for themselves now and then.
        let _unanswered = connections.call(&command, Repeat::Freely).await;
    }
}

/// The name that BullMQ gives to the connection on which a worker waits, from the key of the markers.
fn client_name(key: &str) -> String {
    let queue = key.strip_suffix(":marker").unwrap_or(key);
    let (prefix, queue) = queue.rsplit_once(':').unwrap_or_default();
    format!("{prefix}:{}", STANDARD.encode(queue))
}

/// Listens for markers while somebody waits.
async fn listen(bell: Arc<Bell>, connections: Arc<Connections>) {
    let mut command = Cmd::new();
    command.arg("BZPOPMIN").arg(&bell.key).arg(BLOCK.as_secs());
    let mut connection: Option<Connection> = None;
    let (mut pause, mut lost) = (PAUSES.0, false);
    loop {
        while !bell.is_awaited() {
            if connection.is_some() {
                bell.linger().await;
            }
            if !bell.is_awaited() && bell.rests() {
                return;
            }
        }
        let answer = match &mut connection {
            Some(open) => open.send(&command).await,
            None => match connections.open(BLOCK + OVERRUN).await {
                Ok(mut opened) => {
                    let mut naming = Cmd::new();
                    naming.arg("CLIENT").arg("SETNAME").arg(&bell.name);
                    // A worker may wait without having a name.
                    let _unnamed = opened.send(&naming).await;
                    connection = Some(opened);
                    // What happened while nobody listened is to be looked for.
                    if std::mem::take(&mut lost) {
                        bell.rung.notify_waiters();
                    }
                    continue;
                }
                Err(failure) => Err(failure),
            },
        };
        match answer {
            Ok(Value::Nil) => pause = PAUSES.0,
            Ok(_) => {
                pause = PAUSES.0;
                if bell.is_awaited() {
                    bell.rung.notify_one();
                } else {
                    bell.pass_on(&connections).await;
                }
            }
            Err(_) => {
                // Whoever waits asks for itself, and is told what is wrong.
                connection = None;
                lost = true;
                bell.rung.notify_waiters();
                rest(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

/// Somebody who waits.
pub(super) struct Waiting {
    bell: Arc<Bell>,
    connections: Arc<Connections>,
    ended: bool,
}

impl Waiting {
    /// Waits for a marker that comes after this call.
    pub(super) fn next(&self) -> tokio::sync::futures::Notified<'_> {
        self.bell.rung.notified()
    }

    /// Stops waiting, having looked after the last marker.
    pub(super) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.bell.waiting.fetch_sub(1, Ordering::AcqRel);
        if !self.ended {
            // A marker may have been meant for it.
            let (bell, connections) = (self.bell.clone(), self.connections.clone());
            self.connections.spawn(async move { bell.pass_on(&connections).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::client_name;

    #[test]
    fn connections_are_named_as_bullmq_names_them() {
        for (queue, encoded) in [("email", "ZW1haWw="), ("a", "YQ=="), ("abc", "YWJj"), ("ä", "w6Q=")] {
            assert_eq!(client_name(&format!("bull:{queue}:marker")), format!("bull:{encoded}"));
        }
    }
}
