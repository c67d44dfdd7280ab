//! The driver table: which adapter serves which URL scheme of which port.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;

use super::clock::Clock;
use super::error::Result;
use super::jobs::JobQueue;
use super::leadership::Leadership;
use super::outbox::Outbox;
use super::sql::Database;

/// What an adapter gets to open a store.
#[derive(Clone)]
pub struct DriverContext {
    /// The whole URL, password included: never log it.
    pub url: String,
    /// The clock due times are compared with.
    pub clock: Arc<dyn Clock>,
    /// What ports of one kernel share, such as one connection pool for one URL.
    pub shared: Arc<SharedConnections>,
}

impl DriverContext {
    /// The part of the URL before the first `:`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.url.split(':').next().unwrap_or_default()
    }
}

impl fmt::Debug for DriverContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DriverContext").field("scheme", &self.scheme()).finish_non_exhaustive()
    }
}

/// Connections that several ports of one kernel use: one of each type and URL.
#[derive(Default)]
pub struct SharedConnections {
    open: Mutex<HashMap<(TypeId, String), Arc<dyn Any + Send + Sync>>>,
}

impl SharedConnections {
    /// The connection of type `T` for `url`, made by `open` when there is none yet.
    ///
    /// `open` must not wait: what it makes connects on first use.
    ///
    /// # Errors
    /// Whatever `open` reports.
    pub fn get_or_open<T: Any + Send + Sync>(&self, url: &str, open: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let mut table = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (TypeId::of::<T>(), url.to_owned());
        if let Some(found) = table.get(&key).cloned().and_then(|any| any.downcast::<T>().ok()) {
            return Ok(found);
        }
        let made = Arc::new(open()?);
        table.insert(key, made.clone());
        Ok(made)
    }
}

impl fmt::Debug for SharedConnections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedConnections").finish_non_exhaustive()
    }
}

/// Opens a port's implementation.
pub type Open<T> = for<'a> fn(&'a DriverContext) -> BoxFuture<'a, Result<Arc<T>>>;

/// One row of the driver table; adapters and third parties submit them with [`submit_driver!`](crate::submit_driver).
#[derive(Debug, Clone, Copy)]
pub struct Driver {
    /// The URL scheme, without the colon.
    pub scheme: &'static str,
    /// The cargo feature or crate that brings it.
    pub provided_by: &'static str,
    /// Opens a database.
    pub database: Option<Open<dyn Database>>,
    /// Opens a job queue.
    pub jobs: Option<Open<dyn JobQueue>>,
    /// Opens leases.
    pub leases: Option<Open<dyn Leadership>>,
    /// Opens the outbox of a database.
    pub outbox: Option<Open<dyn Outbox>>,
}

inventory::collect!(Driver);

/// Every driver that is linked in.
pub fn drivers() -> impl Iterator<Item = &'static Driver> {
    inventory::iter::<Driver>.into_iter()
}

/// Schemes that a feature which may be off would bring, for the error that names it.
pub const KNOWN_SCHEMES: &[(&str, &str)] = &[
    ("sqlite", "sqlite"),
    ("memory", "memory"),
    ("redis", "redis"),
    ("rediss", "redis"),
    ("redis+sentinel", "redis"),
    ("rediss+sentinel", "redis"),
    ("redis+cluster", "redis"),
    ("rediss+cluster", "redis"),
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
];
