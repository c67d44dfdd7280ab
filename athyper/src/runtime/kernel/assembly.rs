//! A kernel whose stores are open and whose parts are made, but not running.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::checked::{ChosenStore, Kernel};
use super::insecure::{refuse_built_authenticator, warn_of_public_metrics};
use super::lifecycle::{LifecycleHook, order_hooks};
use super::parts::{self, OutboxPart, SchedulerPart, ServerPart, WorkersPart};
use super::provided::Cells;
use super::running::{Addresses, KernelHandle, RunningKernel, StopReport, Supervisor};
use super::stack;
use super::stores::Stores;
use crate::foundation::config::Mode;
use crate::foundation::driver::{DriverContext, SharedConnections};
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::health::{Health, HealthCheck};
use crate::foundation::jobs::JobQueue;
use crate::foundation::metrics::MetricsRegistry;
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::foundation::sql::Db;
use crate::runtime::config::StorePort;
use crate::runtime::container::Container;
use crate::runtime::http::{HealthRegistry, Readiness, management_router};
use crate::runtime::jobs::{ContainerRunner, Jobs, WorkerPool};
use crate::runtime::middleware::{HttpService, MiddlewareStack};
use crate::runtime::outbox::{JobDestination, Relay};
use crate::runtime::scheduler::{Scheduler, SchedulerPorts};

/// A kernel whose stores are open, migrated, and whose parts are made, but not running: what tests drive by hand, and what
/// [`Kernel::start`] runs.
pub struct Assembly {
    kernel: Kernel,
    stores: Stores,
    jobs: Arc<Jobs>,
    http: HttpService,
    workers: Option<WorkerPool>,
    scheduler: Option<Arc<Scheduler>>,
    relay: Option<Arc<Relay>>,
    health: HealthRegistry,
    readiness: Readiness,
    metrics: MetricsRegistry,
}

impl fmt::Debug for Assembly {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Assembly").field("kernel", &self.kernel).finish_non_exhaustive()
    }
}

impl Kernel {
    /// Opens the stores, brings their schemas up to date and makes the parts of the chosen modes. Nothing runs yet.
    ///
    /// # Errors
    /// The stores that cannot be used, all at once.
    pub async fn assemble(self) -> Result<Assembly, Problems> {
        let stores = self.open_stores().await?;
        match self.assemble_on(stores.clone()).await {
            Ok(assembly) => Ok(assembly),
            Err(error) => {
                stores.close().await;
                Err(cannot_start(&error))
            }
        }
    }

    /// Opens the stores that the chosen modes use, and brings their schemas up to date.
    async fn open_stores(&self) -> Result<Stores, Problems> {
        let shared = Arc::new(SharedConnections::default());
        let context = |chosen: &ChosenStore| DriverContext {
            url: chosen.store.url.expose().to_owned(),
            clock: Arc::clone(&self.clock),
            shared: Arc::clone(&shared),
        };
        let mut stores = Stores::default();
        let mut problems = Problems::new();
        if let Some(chosen) = self.chosen(StorePort::Database) {
            match stores.open_database(&context(chosen), chosen.driver, &self.migration_set()).await {
                Ok(()) => {}
                Err(error) => problems.push(unusable(chosen, &error)),
            }
        }
        if let Some(chosen) = self.chosen(StorePort::Jobs)
            && let Err(error) = stores.open_jobs(&context(chosen), chosen.driver).await
        {
            problems.push(unusable(chosen, &error));
        }
        if problems.is_empty()
            && let Some(chosen) = self.chosen(StorePort::Database)
            && let Err(error) = stores.open_outbox(&context(chosen), chosen.driver).await
        {
            problems.push(unusable(chosen, &error));
        }
        if self.modes().contains(Mode::Scheduler)
            && let Some(chosen) = self.chosen(StorePort::Leases)
            && let Err(error) = stores.open_leases(&context(chosen), chosen.driver).await
        {
            problems.push(unusable(chosen, &error));
        }
        if problems.is_empty() {
            return Ok(stores);
        }
        stores.close().await;
        Err(problems)
    }

    async fn assemble_on(self, stores: Stores) -> Result<Assembly> {
        let queue = stores.jobs.clone().ok_or_else(|| missing("job queue"))?;
        let jobs = Jobs::new(Arc::clone(&queue), Arc::clone(&self.registry), Arc::clone(&self.clock));
        let jobs = Arc::new(match &stores.outbox {
            Some(outbox) => jobs.with_outbox(Arc::clone(outbox)),
            None => jobs,
        });
        // The container is frozen and the kernel is assembled once: the cell is empty.
        let _ = self.cells.set(Cells { database: stores.database.clone(), jobs: Arc::clone(&jobs) });
        refuse_built_authenticator(self.profile(), &self.container).await?;
        let health: Arc<HealthRegistry> = self.container.resolve().await?;
        let readiness: Arc<Readiness> = self.container.resolve().await?;
        let metrics = self.metrics.clone();
        if let Some(database) = stores.database.clone() {
            health.add(Arc::new(DatabaseHealth { database }));
        }
        health.add(Arc::new(QueueHealth { queue: Arc::clone(&queue) }));

        let workers = if self.modes().contains(Mode::Worker) {
            let runner = Arc::new(ContainerRunner::new(self.container.clone()));
            let pool = WorkerPool::new(&jobs, runner, self.worker_settings(), &metrics)?;
            health.add(Arc::new(pool.health()));
            Some(pool)
        } else {
            None
        };
        let scheduler = match &stores.leases {
            Some(leadership) => {
                let ports = SchedulerPorts {
                    queue: Arc::clone(&queue),
                    leadership: Arc::clone(leadership),
                    clock: Arc::clone(&self.clock),
                };
                let scheduler = Arc::new(Scheduler::new(self.plan.clone(), ports, self.scheduler_options(), &metrics)?);
                health.add(scheduler.health());
                Some(scheduler)
            }
            None => None,
        };
        let relay = match &stores.outbox {
            Some(outbox) => {
                let destination = Arc::new(JobDestination::new(Arc::clone(&queue)));
                let relay = Relay::new(Arc::clone(outbox), destination, Arc::clone(&self.clock), &metrics)?;
                health.add(relay.health());
                Some(Arc::new(relay))
            }
            None => None,
        };
        let http = stack::serve(&self, &health, &readiness, &metrics);
        Ok(Assembly {
            stores,
            jobs,
            http,
            workers,
            scheduler,
            relay,
            health: (*health).clone(),
            readiness: (*readiness).clone(),
            metrics,
            kernel: self,
        })
    }

    /// Starts it: opens stores, runs the hooks, serves HTTP, runs jobs and schedules, as the modes say.
    ///
    /// # Errors
    /// What kept it from starting. Whatever had started was stopped again, in reverse.
    pub async fn start(self) -> Result<RunningKernel, Problems> {
        self.assemble().await?.start().await
    }
}

impl Assembly {
    /// The components.
    #[must_use]
    pub fn container(&self) -> &Container {
        &self.kernel.container
    }

    /// The product's HTTP, with all its middleware.
    #[must_use]
    pub fn http(&self) -> &HttpService {
        &self.http
    }

    /// The worker pool, in a mode that has one.
    #[must_use]
    pub fn workers(&self) -> Option<&WorkerPool> {
        self.workers.as_ref()
    }

    /// The scheduler, in a mode that has one.
    #[must_use]
    pub fn scheduler(&self) -> Option<&Scheduler> {
        self.scheduler.as_deref()
    }

    /// What moves jobs from the outbox to the queue; none where the queue takes part in the transactions of the database.
    #[must_use]
    pub fn relay(&self) -> Option<&Relay> {
        self.relay.as_deref()
    }

    /// The job client.
    #[must_use]
    pub fn jobs(&self) -> &Arc<Jobs> {
        &self.jobs
    }

    /// The database; none when the product wants none and nobody says where one is.
    #[must_use]
    pub fn database(&self) -> Option<&Db> {
        self.stores.database.as_ref()
    }

    /// The kernel it was made from.
    #[must_use]
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The health checks.
    #[must_use]
    pub fn health(&self) -> &HealthRegistry {
        &self.health
    }

    /// Whether the process takes work.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Closes components and stores of an assembly that was never started.
    pub async fn close(&self) -> StopReport {
        self.supervisor(Vec::new()).stop().await
    }

    fn supervisor(&self, started: Vec<Arc<dyn LifecycleHook>>) -> Supervisor {
        let shutdown = self.kernel.shutdown_section();
        Supervisor {
            started,
            container: self.kernel.container.clone(),
            stores: self.stores.clone(),
            readiness: self.readiness.clone(),
            clock: Arc::clone(&self.kernel.clock),
            delay: shutdown.delay,
            deadline: shutdown.deadline,
        }
    }

    async fn start(mut self) -> Result<RunningKernel, Problems> {
        let addresses = Arc::new(Addresses::default());
        let hooks = order_hooks(self.hooks(&addresses), parts::NAMES)?;
        let container = self.kernel.container.clone();
        let mut started: Vec<Arc<dyn LifecycleHook>> = Vec::with_capacity(hooks.len());
        for hook in &hooks {
            // Noted before it starts: one that fails half-way has something to stop, too.
            started.push(Arc::clone(hook));
            if let Err(error) = hook.starting(&container).await {
                return Err(self.give_up(started, hook.name(), &error).await);
            }
        }
        for hook in &hooks {
            if let Err(error) = hook.started(&container).await {
                return Err(self.give_up(started, hook.name(), &error).await);
            }
        }
        warn_of_public_metrics(&self.kernel);
        self.readiness.started();
        tracing::info!(modes = %self.kernel.modes(), profile = %self.kernel.profile(), "started");
        let handle = KernelHandle { addresses, shutdown: CancellationToken::new(), container };
        let supervisor = self.supervisor(started);
        let supervisor = tokio::spawn(supervisor.supervise(handle.shutdown.clone()));
        Ok(RunningKernel { handle, supervisor: Some(supervisor) })
    }

    async fn give_up(&self, started: Vec<Arc<dyn LifecycleHook>>, name: &str, error: &Error) -> Problems {
        self.supervisor(started).stop().await;
        cannot_start(
            &Error::new(error.kind(), format!("`{name}` did not start: {}", error.report())).with_code(error.code()),
        )
    }

    fn hooks(&mut self, addresses: &Arc<Addresses>) -> Vec<Arc<dyn LifecycleHook>> {
        let mut hooks: Vec<Arc<dyn LifecycleHook>> = Vec::new();
        if let Some(options) = self.kernel.management_options() {
            let router = management_router(self.health.clone(), self.readiness.clone(), self.metrics.clone());
            let part = ServerPart::management(
                MiddlewareStack::empty().apply(router),
                options,
                self.metrics.clone(),
                Arc::clone(addresses),
            );
            hooks.push(Arc::new(part));
        }
        if let Some(pool) = self.workers.take() {
            hooks.push(Arc::new(WorkersPart::new(pool, self.kernel.worker_drain())));
        }
        if let Some(scheduler) = &self.scheduler {
            hooks.push(Arc::new(SchedulerPart::new(Arc::clone(scheduler))));
        }
        if let Some(relay) = &self.relay {
            hooks.push(Arc::new(OutboxPart::new(Arc::clone(relay))));
        }
        hooks.extend(self.kernel.hooks.iter().cloned());
        if self.kernel.modes().contains(Mode::Api) {
            let options = self.kernel.server_options();
            let part = ServerPart::product(self.http.clone(), options, self.metrics.clone(), Arc::clone(addresses));
            hooks.push(Arc::new(part));
        }
        hooks
    }
}

#[derive(Debug)]
struct DatabaseHealth {
    database: Db,
}

#[async_trait]
impl HealthCheck for DatabaseHealth {
    fn name(&self) -> &str {
        "database"
    }

    async fn check(&self) -> Health {
        told(self.database.database().ping().await)
    }
}

#[derive(Debug)]
struct QueueHealth {
    queue: Arc<dyn JobQueue>,
}

#[async_trait]
impl HealthCheck for QueueHealth {
    fn name(&self) -> &str {
        "jobs"
    }

    async fn check(&self) -> Health {
        told(self.queue.ping().await)
    }
}

fn told(answer: Result<()>) -> Health {
    match answer {
        Ok(()) => Health::healthy(),
        Err(error) => Health::unhealthy(error.report()),
    }
}

fn missing(what: &str) -> Error {
    Error::configuration(format!("no {what} is configured"))
}

pub(super) fn unusable(chosen: &ChosenStore, error: &Error) -> Problem {
    Problem::new(class_of(error), "ATH-STORE-OPEN", format!("{} cannot be used: {}", chosen.store.url, error.report()))
        .with_detail("used as", chosen.store.port.key(), None)
        .with_detail("set by", chosen.store.source.to_string(), None)
}

fn cannot_start(error: &Error) -> Problems {
    Problem::new(class_of(error), "ATH-START", error.report()).into()
}

fn class_of(error: &Error) -> ProblemClass {
    match error.kind() {
        ErrorKind::Configuration | ErrorKind::Invalid => ProblemClass::Configuration,
        ErrorKind::Internal => ProblemClass::Wiring,
        _ => ProblemClass::Unavailable,
    }
}
