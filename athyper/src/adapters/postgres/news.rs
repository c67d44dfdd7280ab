//! News between processes: which queues have got something to do.

use std::collections::BTreeSet;
use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use super::pool::Pool;
use super::single::Single;
use super::transaction::PostgresTransaction;
use super::value::Tables;
use crate::adapters::sql::job_queue::Wake;
use crate::adapters::sql::operation::OpenTransaction;
use crate::foundation::jobs::QueueName;
use crate::foundation::sql::{Isolation, Statement};

/// The channel of all queues of a database.
const CHANNEL: &str = "athyper_jobs";

/// The server takes payloads below 8,000 bytes; a queue with a longer name is left to polling.
const LONGEST_NAME: usize = 7_000;

/// How often news are sent that cannot be.
const TRIES: u32 = 5;

/// How long to wait before the server is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// Sends and hears which queues have got something to do.
pub(super) struct News {
    pool: Arc<Pool>,
    wake: Arc<Wake>,
    /// What tells our own news from those of others.
    sender: String,
    outgoing: Mutex<Outgoing>,
    is_heard: Arc<AtomicBool>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Outgoing {
    queues: BTreeSet<String>,
    /// A task is running that will look at the queues again before it ends.
    is_served: bool,
}

impl News {
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            wake: Arc::default(),
            sender: Uuid::new_v4().simple().to_string(),
            outgoing: Mutex::default(),
            is_heard: Arc::default(),
            listener: Mutex::default(),
        }
    }

    pub(super) fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Whether news of other processes arrive at the moment.
    pub(super) fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::Relaxed)
    }

    /// Begins to listen, once.
    pub(super) fn listen(&self) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.is_none() {
            let hearing = Hearing {
                pool: self.pool.clone(),
                wake: self.wake.clone(),
                own: self.sender.clone(),
                is_heard: self.is_heard.clone(),
            };
            *listener = Some(tokio::spawn(hearing.run()));
        }
    }

    /// Stops listening.
    pub(super) fn close(&self) {
        if let Some(listener) = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take() {
            listener.abort();
        }
    }

    /// Tells the other processes about a queue. While one message is under way, further ones gather for the next.
    pub(super) fn announce(self: &Arc<Self>, queue: &QueueName) {
        if queue.as_str().len() > LONGEST_NAME {
            return;
        }
        let is_served = {
            let mut outgoing = self.outgoing();
            outgoing.queues.insert(queue.as_str().to_owned());
            std::mem::replace(&mut outgoing.is_served, true)
        };
        if is_served {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(self.clone().serve())),
            Err(_) => self.outgoing().is_served = false,
        }
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self: Arc<Self>) {
        loop {
            let queues = {
                let mut outgoing = self.outgoing();
                outgoing.is_served = !outgoing.queues.is_empty();
                if !outgoing.is_served {
                    return;
                }
                std::mem::take(&mut outgoing.queues)
            };
            for queue in queues {
                for _ in 0..TRIES {
                    if self.send(&queue).await.is_ok() {
                        break;
                    }
                    // The connection was one that had been lost. Whoever misses all of them looks by itself before long.
                    let _ = timeout(PAUSE, pending::<()>()).await;
                }
            }
        }
    }

    async fn send(&self, queue: &str) -> crate::foundation::error::Result<()> {
        let notify = Statement::text("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(format!("{}:{queue}", self.sender));
        if self.pool.is_pooled() {
            // Those that reach the server without the pooler may listen.
            let mut transaction = PostgresTransaction::begin(&self.pool, Isolation::ReadCommitted).await?;
            transaction.fetch_rows(notify).await?;
            return transaction.finish().await;
        }
        Single::take(&self.pool, Tables::Ours, true).await?.fetch_rows(notify).await.map(drop)
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for News {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("News").field("is_heard", &self.is_heard()).finish_non_exhaustive()
    }
}

/// The task that listens.
struct Hearing {
    pool: Arc<Pool>,
    wake: Arc<Wake>,
    own: String,
    is_heard: Arc<AtomicBool>,
}

impl Hearing {
    async fn run(self) {
        let options =
            PgPoolOptions::new().max_connections(1).min_connections(0).acquire_timeout(self.pool.options.wait);
        loop {
            let own_connection = options.clone().connect_lazy_with(self.pool.server().clone());
            // What failed is tried again; until then workers look by themselves.
            let _ = self.hear(&own_connection).await;
            if self.is_heard.swap(false, Ordering::Relaxed) {
                // The server is gone, or the way to it: the other connections are as old as this one was.
                self.pool.renew();
                self.wake.wake_all();
            }
            let _ = timeout(PAUSE, pending::<()>()).await;
        }
    }

    async fn hear(&self, connection: &sqlx::PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(connection).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        self.is_heard.store(true, Ordering::Relaxed);
        // Something may have happened before.
        self.wake.wake_all();
        while let Some(news) = listener.try_recv().await? {
            if let Some((_, queue)) = news.payload().split_once(':').filter(|(sender, _)| *sender != self.own) {
                self.wake.wake(&QueueName::from(queue));
            }
        }
        Ok(())
    }
}
