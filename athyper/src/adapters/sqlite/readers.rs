//! The connections that read: several at a time, and none of them can write.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::SqliteConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::connection;
use super::error::{self, Fault};
use super::store::Settings;
use crate::foundation::error::{Error, Result};

/// The connections that read. One is opened when all others are in use, up to the number the URL allows.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    settings: Arc<Settings>,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
}

impl Readers {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        let permits = Arc::new(Semaphore::new(settings.options.readers));
        Self { settings, permits, idle: Arc::default() }
    }

    /// Waits for a connection.
    pub(super) async fn take(&self) -> Result<Reader> {
        let permit = timeout(self.settings.options.busy_timeout, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| busy(&self.settings))?
            .map_err(|_| error::closed(&self.settings.file))?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                connection::open_reader(&self.settings.file).await.map_err(|failure| self.settings.explain(failure))?
            }
        };
        Ok(Reader { connection: Some(connection), idle: self.idle.clone(), _permit: permit })
    }

    /// Waits for the readers under way and lets go of all connections for good.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.settings.options.readers).unwrap_or(u32::MAX);
        let everyone = self.permits.acquire_many(all).await;
        self.permits.close();
        let connections = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in connections {
            // A reader has nothing to lose.
            let _ = sqlx::Connection::close(connection).await;
        }
        drop(everyone);
    }
}

fn busy(settings: &Settings) -> Error {
    Error::unavailable(format!(
        "none of the {} readers of the database `{}` was free within `busy_timeout`: streams are kept open too long, or \
         `?readers=` in its URL is too small",
        settings.options.readers,
        settings.file.display()
    ))
    .with_code("sqlite-busy")
}

/// A reading connection in one caller's hands. It goes back when dropped, also in the middle of a result: the thread
/// behind it stops once nobody takes its rows.
#[derive(Debug)]
pub(super) struct Reader {
    connection: Option<SqliteConnection>,
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// Does not give the connection back if it is of no use any more.
    pub(super) fn give_up_after(&mut self, fault: Fault) {
        if fault.breaks_connection() {
            self.connection = None;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

impl Deref for Reader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("only `give_up_after` takes it, which is the last thing done with a reader")
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("only `give_up_after` takes it, which is the last thing done with a reader")
    }
}
