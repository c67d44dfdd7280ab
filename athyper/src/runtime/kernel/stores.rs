//! Opens the stores that the configuration names, each by the driver of its URL's scheme.

use std::sync::Arc;

use crate::foundation::driver::{Driver, DriverContext, KNOWN_SCHEMES, drivers};
use crate::foundation::error::Result;
use crate::foundation::jobs::JobQueue;
use crate::foundation::leadership::Leadership;
use crate::foundation::outbox::{JOBS, Outbox};
use crate::foundation::problem::{Problem, ProblemClass};
use crate::foundation::sql::{Db, Isolation, MigrationSet};
use crate::runtime::config::{ResolvedStore, StorePort};

/// Whether a driver serves a port.
fn serves(driver: &Driver, port: StorePort) -> bool {
    match port {
        StorePort::Database => driver.database.is_some(),
        StorePort::Jobs => driver.jobs.is_some(),
        StorePort::Leases => driver.leases.is_some(),
    }
}

const fn describe(port: StorePort) -> &'static str {
    match port {
        StorePort::Database => "a database",
        StorePort::Jobs => "a job queue",
        StorePort::Leases => "leases",
    }
}

/// The driver for a store's URL.
pub(super) fn find_driver(store: &ResolvedStore) -> Result<&'static Driver, Problem> {
    let (port, scheme) = (store.port, store.url.scheme());
    if let Some(driver) = drivers().find(|driver| driver.scheme == scheme && serves(driver, port)) {
        return Ok(driver);
    }
    let mut known: Vec<&str> = drivers().filter(|driver| serves(driver, port)).map(|driver| driver.scheme).collect();
    known.sort_unstable();
    known.dedup();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let is_linked = drivers().any(|driver| driver.scheme == scheme);
    let (code, what) = if is_linked {
        ("ATH-STORE-PORT", format!("`{scheme}` cannot serve as {}", describe(port)))
    } else {
        ("ATH-STORE-SCHEME", format!("no driver knows the URL scheme `{scheme}`"))
    };
    let problem = Problem::new(ProblemClass::Configuration, code, what)
        .with_detail("set by", store.source.to_string(), None)
        .with_detail("known", known.clone(), None);
    let feature = KNOWN_SCHEMES.iter().find(|(name, _)| *name == scheme && !is_linked);
    Err(problem.with_fix(match feature {
        Some((_, feature)) => format!("turn on athyper's cargo feature `{feature}`"),
        None => format!("use a URL of one of these schemes: {known}"),
    }))
}

/// The open stores of a kernel.
#[derive(Debug, Clone, Default)]
pub(super) struct Stores {
    pub(super) database: Option<Db>,
    pub(super) jobs: Option<Arc<dyn JobQueue>>,
    pub(super) leases: Option<Arc<dyn Leadership>>,
    /// The outbox of the database, if the jobs are somewhere else.
    pub(super) outbox: Option<Arc<dyn Outbox>>,
}

impl Stores {
    pub(super) async fn open_database(
        &mut self,
        context: &DriverContext,
        driver: &Driver,
        migrations: &MigrationSet,
    ) -> Result<()> {
        let Some(open) = driver.database else { return Ok(()) };
        let database = open(context).await?;
        self.database = Some(Db::new(Arc::clone(&database)));
        database.migrate(migrations).await?;
        Ok(())
    }

    pub(super) async fn open_jobs(&mut self, context: &DriverContext, driver: &Driver) -> Result<()> {
        if let Some(open) = driver.jobs {
            self.jobs = Some(open(context).await?);
        }
        Ok(())
    }

    pub(super) async fn open_leases(&mut self, context: &DriverContext, driver: &Driver) -> Result<()> {
        if let Some(open) = driver.leases {
            self.leases = Some(open(context).await?);
        }
        Ok(())
    }

    /// Opens the outbox of the database, unless jobs are added in its transactions and nothing was left in the outbox.
    pub(super) async fn open_outbox(&mut self, context: &DriverContext, driver: &Driver) -> Result<()> {
        let (Some(open), Some(database), Some(jobs)) = (driver.outbox, &self.database, &self.jobs) else {
            return Ok(());
        };
        let outbox = open(context).await?;
        if !takes_part(&**jobs, database).await? || outbox.has_waiting(JOBS).await? {
            self.outbox = Some(outbox);
        }
        Ok(())
    }

    /// Lets go of connections; jobs and leases share those of their store, or have none.
    pub(super) async fn close(&self) {
        if let Some(database) = &self.database {
            database.database().close().await;
        }
    }
}

/// Whether a queue takes part in the transactions of a database.
pub(super) async fn takes_part(queue: &dyn JobQueue, database: &Db) -> Result<bool> {
    if !queue.capabilities().transactional {
        return Ok(false);
    }
    let mut tx = database.database().begin(Isolation::Default).await?;
    let outcome = queue.add_in(&mut tx, Vec::new()).await;
    // Nothing was written.
    let _ = tx.into_inner().rollback().await;
    match outcome {
        Ok(_) => Ok(true),
        Err(error) if error.code() == "job-other-store" => Ok(false),
        Err(error) => Err(error),
    }
}
