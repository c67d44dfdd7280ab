//! Collecting what a product is made of.

use std::any::TypeId;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::checked::Kernel;
use super::lifecycle::LifecycleHook;
use super::registrations::Registrations;
use super::stack::ChangeStack;
use crate::foundation::clock::Clock;
use crate::foundation::config::{ConfigSection, Modes, Profile, SectionDescriptor};
use crate::foundation::container::Place;
use crate::foundation::error::Result;
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::foundation::sql::Migration;
use crate::runtime::clock::SystemClock;
use crate::runtime::config::Override;
use crate::runtime::container::{Component, ComponentDescriptor, Provide, Provider};
use crate::runtime::http::Router;
use crate::runtime::jobs::{JobDescriptor, JobHandler};
use crate::runtime::middleware::MiddlewareStack;
use crate::runtime::scheduler::{Schedule, ScheduleDescriptor};

/// Collects what a product is made of; [`build`](Self::build) checks it.
///
/// What the macros registered in the linked crates is taken along unless [`without_inventory`](Self::without_inventory) says
/// otherwise; everything can also be given by hand.
///
/// ```
/// use athyper::http::{Router, get};
/// use athyper::kernel::{Kernel, KernelBuilder};
///
/// fn app(kernel: KernelBuilder) -> KernelBuilder {
///     kernel.routes(Router::new().route("/", get(|| async { "hello" })))
/// }
///
/// let kernel = app(Kernel::builder()).build().unwrap();
/// assert_eq!(kernel.routes().len(), 1);
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct KernelBuilder {
    pub(super) router: Router,
    pub(super) middleware: Vec<ChangeStack>,
    pub(super) providers: Vec<Provider>,
    pub(super) components: Vec<ComponentDescriptor>,
    pub(super) jobs: Vec<JobDescriptor>,
    pub(super) schedules: Vec<ScheduleDescriptor>,
    pub(super) own_schedules: Vec<Schedule>,
    pub(super) problems: Problems,
    pub(super) sections: Vec<SectionDescriptor>,
    pub(super) settings: Vec<Override>,
    pub(super) modes: Option<Modes>,
    pub(super) profile: Option<Profile>,
    pub(super) migrations: Vec<Migration>,
    pub(super) hooks: Vec<Arc<dyn LifecycleHook>>,
    pub(super) inventory: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) directory: Option<PathBuf>,
    pub(super) environment: Vec<(String, String)>,
}

impl fmt::Debug for KernelBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KernelBuilder")
            .field("routes", &self.router.descriptions().len())
            .field("components", &(self.components.len() + self.providers.len()))
            .field("jobs", &self.jobs.len())
            .field("schedules", &(self.schedules.len() + self.own_schedules.len()))
            .finish_non_exhaustive()
    }
}

impl KernelBuilder {
    pub(super) fn new() -> Self {
        Self {
            router: Router::new(),
            middleware: Vec::new(),
            providers: Vec::new(),
            components: Vec::new(),
            jobs: Vec::new(),
            schedules: Vec::new(),
            own_schedules: Vec::new(),
            problems: Problems::new(),
            sections: Vec::new(),
            settings: Vec::new(),
            modes: None,
            profile: None,
            migrations: Vec::new(),
            hooks: Vec::new(),
            inventory: true,
            clock: Arc::new(SystemClock::new()),
            directory: None,
            environment: Vec::new(),
        }
    }

    /// Adds routes; call it as often as you like.
    ///
    /// # Panics
    /// When a path clashes with one added before.
    #[track_caller]
    pub fn routes(mut self, routes: impl Into<Router>) -> Self {
        self.router = self.router.merge(routes);
        self
    }

    /// Changes the stack of middleware: leave layers out, replace them, put own ones in between.
    ///
    /// ```
    /// # use athyper::kernel::KernelBuilder;
    /// fn app(kernel: KernelBuilder) -> KernelBuilder {
    ///     kernel.middleware(|stack| stack.without("rate-limit"))
    /// }
    /// ```
    pub fn middleware(
        mut self,
        change: impl FnOnce(MiddlewareStack) -> Result<MiddlewareStack> + Send + 'static,
    ) -> Self {
        self.middleware.push(Box::new(change));
        self
    }

    /// Provides a value as `Arc<T>`.
    #[track_caller]
    pub fn provide<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.provider(Provide::value(value))
    }

    /// Provides a value behind a trait, as `Arc<dyn Trait>`.
    #[track_caller]
    pub fn provide_dyn<T: ?Sized + Send + Sync + 'static>(self, value: Arc<T>) -> Self {
        self.provider(Provide::shared(value))
    }

    /// Provides whatever a [`Provide`] describes: a factory, a scope, a name.
    pub fn provider(mut self, provider: impl Into<Provider>) -> Self {
        self.providers.push(provider.into());
        self
    }

    /// Provides a struct marked `#[inject]`, for products that use no inventory.
    pub fn component<C: Component>(mut self) -> Self {
        self.components.push(C::DESCRIPTOR);
        self
    }

    /// Registers the handler of a payload marked `#[job]`, for products that use no inventory.
    pub fn job<P: JobHandler>(mut self) -> Self {
        self.jobs.push(P::DESCRIPTOR);
        self
    }

    /// Registers a function marked `#[inject]`, `#[job]` or `#[scheduled]`, for products that use no inventory.
    ///
    /// ```
    /// use athyper::kernel::Kernel;
    /// use athyper::prelude::*;
    ///
    /// #[scheduled("@daily")]
    /// async fn tidy_up() {}
    ///
    /// let kernel = Kernel::builder().without_inventory().register(tidy_up).build().unwrap();
    /// assert_eq!(kernel.schedules().len(), 1);
    /// ```
    #[track_caller]
    pub fn register<F: 'static>(mut self, function: F) -> Self {
        drop(function);
        let item = TypeId::of::<F>();
        let all = Registrations::collect();
        let before = self.components.len() + self.jobs.len() + self.schedules.len();
        self.components.extend(all.components.into_iter().filter(|component| (component.item)() == item));
        self.jobs.extend(all.jobs.into_iter().filter(|job| (job.handler)() == item));
        self.schedules.extend(all.schedules.into_iter().filter(|schedule| (schedule.job.handler)() == item));
        if before == self.components.len() + self.jobs.len() + self.schedules.len() {
            let what = format!("`{}` is registered and is not marked", std::any::type_name::<F>());
            let problem = Problem::new(ProblemClass::Wiring, "ATH-ITEM-UNMARKED", what)
                .with_detail("registered", "on the builder", Some(Place::caller().to_string()))
                .with_fix("write `#[inject]`, `#[job]` or `#[scheduled(\"…\")]` on the function");
            self.problems.push(problem);
        }
        self
    }

    /// Adds a schedule that enqueues jobs of the product.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.own_schedules.push(schedule);
        self
    }

    /// Makes a section of the configuration known, for products that use no inventory.
    pub fn config<S: ConfigSection>(mut self) -> Self {
        self.sections.push(S::DESCRIPTOR);
        self
    }

    /// Sets a key of the configuration, such as `jobs.url`; stronger than every other source.
    #[track_caller]
    pub fn set(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.settings.push(Override::new(key, value.to_string(), Place::caller()));
        self
    }

    /// Runs these parts, whatever `MODE` says.
    pub fn mode(mut self, modes: impl Into<Modes>) -> Self {
        self.modes = Some(modes.into());
        self
    }

    /// Runs under this profile, whatever `ATHYPER_PROFILE` says.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Adds the product's own migrations, numbered from 1.
    pub fn migrations(mut self, migrations: &[Migration]) -> Self {
        self.migrations.extend_from_slice(migrations);
        self
    }

    /// Adds a hook around start and stop.
    pub fn hook(mut self, hook: impl LifecycleHook) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// Uses only what is given by hand, not what the macros registered.
    pub fn without_inventory(mut self) -> Self {
        self.inventory = false;
        self
    }

    /// Takes time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Reads `athyper.toml` and `athyper.<profile>.toml` in this folder. Without it no file is read.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Reads these variables. Without it none is read: a kernel does not look at the process's own.
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Checks everything: the configuration, the object graph for the chosen modes, jobs, schedules, hooks.
    ///
    /// Nothing is started, built or connected.
    ///
    /// # Errors
    /// Every problem found, in one report.
    pub fn build(self) -> Result<Kernel, Problems> {
        let registrations = if self.inventory { Registrations::collect() } else { Registrations::default() };
        Kernel::check(self, registrations)
    }
}
