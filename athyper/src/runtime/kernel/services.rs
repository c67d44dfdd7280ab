//! What the command line does with a kernel's stores without starting it.

use std::sync::Arc;

use super::assembly::unusable;
use super::checked::{ChosenStore, Kernel};
use super::stores::takes_part;
use crate::foundation::driver::{DriverContext, SharedConnections};
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{Added, Capabilities, JobQueue};
use crate::foundation::outbox::Outbox;
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::foundation::sql::{AppliedMigration, Db};
use crate::runtime::config::{ResolvedStore, StorePort};
use crate::runtime::jobs::Jobs;

/// A store that was tried.
#[derive(Debug)]
pub struct ProbedStore {
    /// The store.
    pub store: ResolvedStore,
    /// What its queue can do, if it is one and answers.
    pub capabilities: Option<Capabilities>,
    /// Why it cannot be used, if so.
    pub problem: Option<Problem>,
}

/// How jobs take part in transactions of the product's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobTransactions {
    /// The queue lies in the database: they are there once the transaction has committed.
    InQueue,
    /// The queue lies elsewhere: they are written in the outbox of the database, and a relay moves them after the commit.
    ThroughOutbox,
    /// Not at all: there is no database, or it has no outbox.
    Never,
}

/// What a migration run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The migrations that this run applied.
    pub applied: Vec<AppliedMigration>,
    /// Every migration that is applied now, in order.
    pub all: Vec<AppliedMigration>,
}

impl Kernel {
    /// Opens each store and asks whether it answers. A store that is made on first use, such as a file, is made.
    pub async fn probe_stores(&self) -> Vec<ProbedStore> {
        let mut probed = Vec::new();
        for chosen in &self.stores {
            let (capabilities, problem) = match self.probe(chosen).await {
                Ok(capabilities) => (capabilities, None),
                Err(error) => (None, Some(unusable(chosen, &error))),
            };
            probed.push(ProbedStore { store: chosen.store.clone(), capabilities, problem });
        }
        probed
    }

    /// Brings the schema of the product's database up to date.
    ///
    /// # Errors
    /// When the database cannot be used, or an applied migration was changed since.
    pub async fn migrate(&self) -> Result<MigrationReport, Problems> {
        let chosen = self.need(StorePort::Database)?;
        self.migrate_store(chosen).await.map_err(|error| Problems::from(unusable(chosen, &error)))
    }

    /// Adds a job by name, its payload as JSON, which must be a payload of that job.
    ///
    /// # Errors
    /// When there is no such job, the payload is none of its, or the queue cannot be used.
    pub async fn enqueue(&self, name: &str, payload: &str) -> Result<Added, Problems> {
        let chosen = self.need(StorePort::Jobs)?;
        // Looked up before anything is opened: a name that is wrong needs no store.
        self.registry.find(name).map_err(|error| misused(&error))?;
        let queue = self.open_jobs().await?;
        let jobs = Jobs::new(queue, Arc::clone(&self.registry), Arc::clone(&self.clock));
        jobs.enqueue_named(name, payload).await.map_err(|error| match error.kind() {
            ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::TooLarge => misused(&error),
            _ => unusable(chosen, &error).into(),
        })
    }

    /// Opens the queues as any other process finds them, to look after their jobs.
    ///
    /// # Errors
    /// When they cannot be used, or belong to one process alone.
    pub async fn open_jobs(&self) -> Result<Arc<dyn JobQueue>, Problems> {
        let chosen = self.need(StorePort::Jobs)?;
        let Some(open) = chosen.driver.jobs else { return Err(unusable(chosen, &no_such_port()).into()) };
        let context = self.driver_context(chosen);
        let queue = open(&context).await.map_err(|error| Problems::from(unusable(chosen, &error)))?;
        if queue.capabilities().shared {
            return Ok(queue);
        }
        let what = format!("the queue {} belongs to one process: no other can see its jobs", chosen.store.url);
        Err(Problem::new(ProblemClass::Configuration, "ATH-STORE-PORT", what)
            .with_detail("set by", chosen.store.source.to_string(), None)
            .with_fix("DATABASE_URL=sqlite://data/athyper.db, or the URL of a server")
            .into())
    }

    /// How jobs take part in transactions of the product's database; `None` when one of the two cannot be used.
    pub async fn job_transactions(&self) -> Option<JobTransactions> {
        let Some(database) = self.chosen(StorePort::Database) else { return Some(JobTransactions::Never) };
        let jobs = self.chosen(StorePort::Jobs)?;
        // What is one database must be known to be one.
        let context = self.driver_context(jobs);
        let queue = jobs.driver.jobs?(&context).await.ok()?;
        let context = DriverContext { shared: context.shared, ..self.driver_context(database) };
        let db = Db::new(database.driver.database?(&context).await.ok()?);
        let takes_part = takes_part(&*queue, &db).await;
        db.database().close().await;
        Some(match takes_part.ok()? {
            true => JobTransactions::InQueue,
            false if database.driver.outbox.is_some() => JobTransactions::ThroughOutbox,
            false => JobTransactions::Never,
        })
    }

    /// Opens the outbox of the product's database, to look after its messages.
    ///
    /// # Errors
    /// When there is no database, or it cannot be used.
    pub async fn open_outbox(&self) -> Result<Arc<dyn Outbox>, Problems> {
        let chosen = self.need(StorePort::Database)?;
        let Some(open) = chosen.driver.outbox else { return Err(unusable(chosen, &no_such_port()).into()) };
        open(&self.driver_context(chosen)).await.map_err(|error| Problems::from(unusable(chosen, &error)))
    }

    async fn probe(&self, chosen: &ChosenStore) -> Result<Option<Capabilities>> {
        let context = self.driver_context(chosen);
        match chosen.store.port {
            StorePort::Database => {
                let database = chosen.driver.database.ok_or_else(no_such_port)?(&context).await?;
                let answered = database.ping().await;
                database.close().await;
                answered.map(|()| None)
            }
            StorePort::Jobs => {
                let queue = chosen.driver.jobs.ok_or_else(no_such_port)?(&context).await?;
                queue.ping().await.map(|()| Some(queue.capabilities()))
            }
            StorePort::Leases => {
                chosen.driver.leases.ok_or_else(no_such_port)?(&context).await?;
                Ok(None)
            }
        }
    }

    async fn migrate_store(&self, chosen: &ChosenStore) -> Result<MigrationReport> {
        let context = self.driver_context(chosen);
        let database = chosen.driver.database.ok_or_else(no_such_port)?(&context).await?;
        let set = self.migration_set();
        let report = match database.migrate(&set).await {
            Ok(applied) => database.applied(&set).await.map(|all| MigrationReport { applied, all }),
            Err(error) => Err(error),
        };
        database.close().await;
        report
    }

    /// Each use opens connections of its own: one of them may be closed before the next one is made.
    fn driver_context(&self, chosen: &ChosenStore) -> DriverContext {
        DriverContext {
            url: chosen.store.url.expose().to_owned(),
            clock: Arc::clone(&self.clock),
            shared: Arc::new(SharedConnections::default()),
        }
    }

    fn need(&self, port: StorePort) -> Result<&ChosenStore, Problems> {
        self.chosen(port).ok_or_else(|| {
            let what = format!("the product has no store for `{}`", port.key());
            Problem::new(ProblemClass::Configuration, "ATH-STORE-OPEN", what).into()
        })
    }
}

fn no_such_port() -> Error {
    Error::configuration("its driver does not serve this port")
}

fn misused(error: &Error) -> Problems {
    let mut problem = Problem::new(ProblemClass::Usage, "ATH-USAGE", error.report());
    for field in error.fields() {
        problem = problem.with_detail("at", field.pointer.clone(), Some(field.detail.clone()));
    }
    problem.into()
}
