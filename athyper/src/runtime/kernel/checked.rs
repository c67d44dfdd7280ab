//! A kernel that was checked and is ready to start.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::builder::KernelBuilder;
use super::insecure::refuse_given_authenticator;
use super::lifecycle::{LifecycleHook, order_hooks};
use super::modules::check_modules;
use super::parts;
use super::provided::{self, Cells};
use super::registrations::Registrations;
use super::routes::find_roots;
use super::stack;
use super::stores::find_driver;
use crate::foundation::clock::Clock;
use crate::foundation::config::{Mode, Modes, Profile};
use crate::foundation::container::{Graph, GraphRoot, Reach, Scope, TypeKey};
use crate::foundation::driver::Driver;
use crate::foundation::error::Error;
use crate::foundation::metrics::MetricsRegistry;
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::foundation::sql::{Db, Migration, MigrationSet};
use crate::runtime::config::{Configuration, ConfigurationDraft, LoadOptions, ResolvedStore, StorePort, StoreSource};
use crate::runtime::container::{Container, ContainerBuilder, Provider};
use crate::runtime::http::{RouteDescription, Router};
use crate::runtime::jobs::JobRegistry;
use crate::runtime::middleware::MiddlewareStack;
use crate::runtime::scheduler::{NextTick, Schedule, SchedulePlan};

/// A store's URL, and the driver that serves it.
#[derive(Debug, Clone)]
pub(super) struct ChosenStore {
    pub(super) store: ResolvedStore,
    pub(super) driver: &'static Driver,
}

/// Whether a store that nothing wants is left out: nobody said where it is, and the embedded one is refused or not built in.
fn is_left_out(store: &ResolvedStore, profile: Profile) -> bool {
    store.source == StoreSource::Embedded && (profile == Profile::Prod || find_driver(store).is_err())
}

/// A product that was checked as a whole: nothing has been started, built or connected.
pub struct Kernel {
    pub(super) configuration: Configuration,
    pub(super) container: Container,
    pub(super) cells: Arc<OnceLock<Cells>>,
    pub(super) router: Router,
    pub(super) middleware: MiddlewareStack,
    pub(super) metrics: MetricsRegistry,
    pub(super) registry: Arc<JobRegistry>,
    pub(super) plan: SchedulePlan,
    pub(super) hooks: Vec<Arc<dyn LifecycleHook>>,
    pub(super) migrations: Vec<Migration>,
    pub(super) stores: Vec<ChosenStore>,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Kernel")
            .field("modes", &self.modes())
            .field("profile", &self.profile())
            .finish_non_exhaustive()
    }
}

impl Kernel {
    /// Begins to collect what a product is made of.
    pub fn builder() -> KernelBuilder {
        KernelBuilder::new()
    }

    pub(super) fn check(builder: KernelBuilder, registrations: Registrations) -> Result<Self, Problems> {
        let mut problems = check_modules(registrations.items());
        problems.extend(builder.problems);
        let mut sections = registrations.sections.clone();
        sections.extend(&builder.sections);
        let draft = ConfigurationDraft::read(LoadOptions {
            directory: builder.directory,
            profile: builder.profile,
            modes: builder.modes,
            environment: builder.environment,
            overrides: builder.settings,
            sections: sections.clone(),
        });
        let mut schedules: Vec<Schedule> = registrations.schedules.iter().map(Schedule::from).collect();
        schedules.extend(builder.schedules.iter().map(Schedule::from));
        let schedule_jobs = registrations.schedules.iter().chain(&builder.schedules).map(|schedule| schedule.job);
        let jobs: Vec<_> =
            registrations.jobs.iter().chain(&builder.jobs).copied().chain(schedule_jobs.collect::<Vec<_>>()).collect();
        schedules.extend(builder.own_schedules);

        let cells = Arc::new(OnceLock::new());
        let mut container = ContainerBuilder::new();
        let metrics = MetricsRegistry::new(Arc::clone(&builder.clock));
        provided::add_to(&mut container, &cells, &builder.clock, &metrics);
        for section in draft.configuration().sections() {
            container.add(Provider::section(section, draft.configuration().value(section)));
        }
        for provider in builder.providers {
            container.add(provider);
        }
        for component in registrations.components.into_iter().chain(builder.components) {
            container.add(component);
        }
        let modes = draft.modes();
        if modes.contains(Mode::Worker) {
            for job in &jobs {
                container.root(GraphRoot {
                    label: job.label.to_owned(),
                    place: job.place,
                    scope: Scope::Request,
                    wants: (job.wants)(),
                });
            }
        }
        let reach = if modes.contains(Mode::Api) {
            let (roots, missing) = find_roots(builder.router.descriptions(), container.graph().nodes());
            problems.extend(missing);
            for root in roots {
                container.root(root);
            }
            Reach::Everything
        } else {
            Reach::Roots
        };

        let wanted = container.graph().wanted_sections(reach);
        let wants_database = !builder.migrations.is_empty() || container.graph().is_wanted(&TypeKey::of::<Db>(), reach);
        let container = note(&mut problems, container.build(reach));
        let refused = container.as_ref().and_then(|container| refuse_given_authenticator(draft.profile(), container));
        refused.into_iter().for_each(|problem| problems.push(problem));
        let registry = note(&mut problems, JobRegistry::new(jobs));
        let plan = note(&mut problems, SchedulePlan::check(schedules, builder.clock.now()));
        let hooks = note(&mut problems, order_hooks(builder.hooks, parts::NAMES));
        let uses = |port| port != StorePort::Database || wants_database;
        let mut stores = Vec::new();
        for port in StorePort::ALL {
            let store = draft.configuration().store(port);
            if !uses(port) && is_left_out(&store, draft.profile()) {
                continue;
            }
            if let Some(driver) = note(&mut problems, find_driver(&store).map_err(Problems::from)) {
                stores.push(ChosenStore { store, driver });
            }
        }
        let configuration = note(&mut problems, draft.finish(|section| wanted.contains(&section.key), uses));
        let middleware = match (&configuration, &container) {
            (Some(configuration), Some(container)) => {
                let stack = stack::standard(configuration, container, &builder.clock, &metrics);
                let stack = builder.middleware.into_iter().fold(stack, |stack, change| stack.and_then(change));
                note(&mut problems, stack.map_err(unusable_stack))
            }
            _ => None,
        };
        match (configuration, container, registry, plan, hooks, middleware) {
            (Some(configuration), Some(container), Some(registry), Some(plan), Some(hooks), Some(middleware))
                if problems.is_empty() =>
            {
                Ok(Self {
                    middleware,
                    metrics,
                    configuration,
                    container,
                    cells,
                    router: builder.router,
                    registry: Arc::new(registry),
                    plan,
                    hooks,
                    migrations: builder.migrations,
                    stores,
                    clock: builder.clock,
                })
            }
            _ => Err(problems),
        }
    }

    /// Which parts it runs.
    #[must_use]
    pub fn modes(&self) -> Modes {
        self.configuration.modes()
    }

    /// What it is run for.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.configuration.profile()
    }

    /// The configuration, every value with its origin.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The routes of the product, in the order they were added.
    #[must_use]
    pub fn routes(&self) -> &[RouteDescription] {
        self.router.descriptions()
    }

    /// Whether there are routes that cannot be listed, because a plain axum router was merged.
    #[must_use]
    pub fn has_unlisted_routes(&self) -> bool {
        self.router.has_unlisted_routes()
    }

    /// What every request passes before it reaches a handler.
    #[must_use]
    pub fn middleware(&self) -> &MiddlewareStack {
        &self.middleware
    }

    /// The handlers of jobs.
    #[must_use]
    pub fn jobs(&self) -> &JobRegistry {
        &self.registry
    }

    /// The schedules, each with its next tick.
    #[must_use]
    pub fn schedules(&self) -> Vec<NextTick> {
        self.plan.next_ticks(self.clock.now())
    }

    /// Who provides what, and who wants it.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        self.container.graph()
    }

    /// The stores it uses, with their URLs and where those were said.
    pub fn stores(&self) -> impl Iterator<Item = &ResolvedStore> {
        self.stores.iter().map(|chosen| &chosen.store)
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) fn chosen(&self, port: StorePort) -> Option<&ChosenStore> {
        self.stores.iter().find(|chosen| chosen.store.port == port)
    }

    pub(super) fn migration_set(&self) -> MigrationSet {
        MigrationSet { table: "migrations", migrations: self.migrations.clone() }
    }
}

fn unusable_stack(error: Error) -> Problems {
    Problem::new(
        ProblemClass::Wiring,
        "ATH-MIDDLEWARE",
        format!("the middleware stack cannot be built: {}", error.report()),
    )
    .into()
}

/// Keeps a result's value, or notes its problems.
fn note<T>(problems: &mut Problems, result: Result<T, Problems>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}
