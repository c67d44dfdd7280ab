//! All that macro output may name. Not part of the public API.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::error::Error as StdError;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

pub use async_trait::async_trait;
pub use bytes::Bytes;
pub use futures_core::future::BoxFuture;
pub use inventory;
pub use linkme;
pub use serde;
pub use serde_json;

pub use crate::foundation::config::{
    ConfigError, ConfigSection, ConfigTable, ConfigValue, DefaultValue, FieldDescriptor, FromConfigValue, Profile,
    SectionCheck, SectionDescriptor, TableReader, read_word,
};
pub use crate::foundation::container::{Accepts, Place, Scope, TypeKey, Want, WantMode};
pub use crate::foundation::error::{Error, ErrorKind, Result};
pub use crate::foundation::jobs::{
    Backoff, Growth, Job, JobOptions, Limit, Priority, QueueLimits, QueueOrdering, Rate, Retention, Upcast,
};
pub use crate::foundation::schedule::{MissedTicks, Overlap};
pub use crate::foundation::sql::{FromRow, FromSqlValue, Row, SqlValue};
use crate::runtime::command_line::run_process;
pub use crate::runtime::container::{
    Binding, Close, Component, ComponentDescriptor, Construct, FromContainer, Injection, Instance, Resolver,
};
pub use crate::runtime::jobs::{
    HandlerOutcome, JobContext, JobDescriptor, JobHandler, JobReturn, RunHandler, check_payload, decode_payload,
    upcast_payload,
};
use crate::runtime::kernel::KernelBuilder;
pub use crate::runtime::scheduler::{ScheduleDescriptor, Tick};

/// Runs a product as a process.
pub fn main(product: fn(KernelBuilder) -> KernelBuilder) -> ExitCode {
    run_process(product)
}

/// What a schedule that does not say it does about ticks that nobody fired.
pub const DEFAULT_MISSED: MissedTicks = MissedTicks::Once;

/// What a schedule that does not say it does about a tick while an earlier one runs.
pub const DEFAULT_OVERLAP: Overlap = Overlap::Skip;

/// Components of every linked crate.
#[linkme::distributed_slice]
pub static ATHYPER_COMPONENTS_V0: [ComponentDescriptor];

/// Jobs of every linked crate.
#[linkme::distributed_slice]
pub static ATHYPER_JOBS_V0: [JobDescriptor];

/// Schedules of every linked crate.
#[linkme::distributed_slice]
pub static ATHYPER_SCHEDULES_V0: [ScheduleDescriptor];

/// Sections of the configuration of every linked crate.
#[linkme::distributed_slice]
pub static ATHYPER_SECTIONS_V0: [SectionDescriptor];

/// One crate that registers items: submitted by `athyper::module!()` and `#[athyper::main]`.
#[derive(Debug, Clone, Copy)]
pub struct ModuleDescriptor {
    /// The crate's name, as `module_path!()` begins.
    pub name: &'static str,
    /// The cargo package it belongs to: the library, binaries and tests of a package are one product. Without cargo the crate's
    /// name.
    pub package: &'static str,
    /// Where the crate says so.
    pub place: Place,
    /// Whether it is the product: it has `#[athyper::main]`.
    pub is_product: bool,
}

impl ModuleDescriptor {
    /// A crate, by `module_path!()` and `option_env!("CARGO_PKG_NAME")` in it.
    #[must_use]
    pub const fn new(module_path: &'static str, package: Option<&'static str>, place: Place) -> Self {
        let name = crate_of(module_path);
        let package = match package {
            Some(package) => package,
            None => name,
        };
        Self { name, package, place, is_product: false }
    }

    /// As [`new`](Self::new), for the crate with `#[athyper::main]`.
    #[must_use]
    pub const fn product(module_path: &'static str, package: Option<&'static str>, place: Place) -> Self {
        Self { is_product: true, ..Self::new(module_path, package, place) }
    }
}

inventory::collect!(ModuleDescriptor);

/// The library crates that a crate names with `athyper::modules!(…)`.
#[derive(Debug, Clone, Copy)]
pub struct ModuleList {
    /// The crate that names them.
    pub by: &'static str,
    /// Where it does.
    pub place: Place,
    /// The crates it names.
    pub modules: &'static [&'static ModuleDescriptor],
}

inventory::collect!(ModuleList);

/// The crate part of a `module_path!()`.
#[must_use]
pub const fn crate_of(module_path: &'static str) -> &'static str {
    let bytes = module_path.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b':' {
        end += 1;
    }
    module_path.split_at(end).0
}

/// The identity of an item by a value of it, such as a function item.
pub fn item_of<T: 'static>(_: &T) -> TypeId {
    TypeId::of::<T>()
}

/// Boxes a built component for the container.
#[must_use]
pub fn instance<T: ?Sized + Send + Sync + 'static>(component: Arc<T>) -> Instance {
    Box::new(component)
}

/// The component in a box.
///
/// # Panics
/// If the box holds another type: the container hands an instance only to the descriptor that made it.
#[must_use]
pub fn component<T: ?Sized + Send + Sync + 'static>(instance: &Instance) -> &Arc<T> {
    let any: &(dyn Any + Send + Sync) = &**instance;
    any.downcast_ref().expect("the container hands an instance only to the descriptor that made it")
}

/// The result of closing a component.
///
/// # Errors
/// The component's own.
pub fn closed<E: Into<Error>>(result: Result<(), E>) -> Result<()> {
    result.map_err(Into::into)
}

/// The options of a job, all given.
#[must_use]
#[allow(clippy::too_many_arguments, reason = "macros write the call, and leave nothing out")]
pub const fn job_options(
    queue: &'static str,
    ordering: QueueOrdering,
    priority: Priority,
    attempts: u32,
    backoff: Backoff,
    timeout: Option<Duration>,
    keep_completed: Retention,
    keep_failed: Retention,
) -> JobOptions {
    JobOptions {
        queue: Cow::Borrowed(queue),
        ordering,
        priority,
        attempts,
        backoff,
        timeout,
        keep_completed,
        keep_failed,
    }
}

/// A limit, with 0 for none.
#[must_use]
pub const fn limit(concurrency: u32, count: u32, period: Duration) -> Limit {
    let rate = match NonZeroU32::new(count) {
        Some(count) => Some(Rate { count, period }),
        None => None,
    };
    Limit { concurrency: NonZeroU32::new(concurrency), rate }
}

/// What `#[derive(Job)]` says of a payload. The derive writes constants of these names on the type itself, which come
/// before these.
pub trait JobIdentity {
    /// The name on the wire, if the payload names one.
    const __ATHYPER_JOB_NAME: Option<&'static str> = None;
    /// The version of the payload's shape.
    const __ATHYPER_JOB_VERSION: u32 = 1;
    /// Earlier names.
    const __ATHYPER_JOB_ALIASES: &'static [&'static str] = &[];
    /// How payloads of earlier versions are read.
    const __ATHYPER_JOB_UPCASTS: &'static [Upcast] = &[];
}

impl<T: ?Sized> JobIdentity for T {}

/// A column, or the type's default when there is no such column or it is NULL.
///
/// # Errors
/// `Internal` when the value is of another type.
pub fn row_or_default<T: FromSqlValue + Default>(row: &Row, column: &str) -> Result<T> {
    if row.columns().iter().any(|name| name == column) {
        Ok(row.get::<Option<T>>(column)?.unwrap_or_default())
    } else {
        Ok(T::default())
    }
}

/// A column that holds a JSON document; NULL reads as `null`.
///
/// # Errors
/// `Internal` when there is no such column, or its document does not fit the type.
pub fn row_json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T> {
    let document: Option<serde_json::Value> = row.get(column)?;
    serde_json::from_value(document.unwrap_or_default()).map_err(|error| {
        let type_name = std::any::type_name::<T>();
        Error::internal(format!("column `{column}`: the document does not fit `{type_name}`"))
            .with_code("sql-type")
            .with_source(error)
    })
}

/// A column that holds a JSON document, or the type's default when there is no such column or it is NULL.
///
/// # Errors
/// As [`row_json`].
pub fn row_json_or_default<T: DeserializeOwned + Default>(row: &Row, column: &str) -> Result<T> {
    let has_value = row.columns().iter().any(|name| name == column) && row.get::<SqlValue>(column)? != SqlValue::Null;
    if has_value { row_json(row, column) } else { Ok(T::default()) }
}

/// A field marked `#[source]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the source of an error",
    label = "not an error",
    note = "a `#[source]` is `std::error::Error + Send + Sync`, or a `Box` of one"
)]
pub trait FailureSource: Sized {
    /// It, as what `std::error::Error::source` gives.
    fn as_source(&self) -> &(dyn StdError + 'static);
    /// It, as what `Error::with_source` takes.
    fn into_source(self) -> Box<dyn StdError + Send + Sync>;
}

#[diagnostic::do_not_recommend]
impl<E: StdError + Send + Sync + 'static> FailureSource for E {
    fn as_source(&self) -> &(dyn StdError + 'static) {
        self
    }

    fn into_source(self) -> Box<dyn StdError + Send + Sync> {
        Box::new(self)
    }
}

/// A port that several threads use at once.
#[diagnostic::on_unimplemented(
    message = "the port `{Self}` is not shared between threads",
    label = "requires neither `Send` nor `Sync`, or only one of them",
    note = "write `Send + Sync` behind the colon of the trait, or of the trait that it requires"
)]
pub trait SharedPort {
    /// Named to ask for the bounds.
    const CHECKED: () = ();
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + Send + Sync> SharedPort for T {}

/// The error of a factory.
#[diagnostic::on_unimplemented(
    message = "the error `{Self}` of a factory does not become `athyper::Error`",
    label = "not convertible",
    note = "write `#[derive(Failure)]` on `{Self}`, or return `athyper::Result`"
)]
pub trait FactoryError: Sized {
    /// The error it becomes.
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> FactoryError for E {
    fn into_error(self) -> Error {
        self.into()
    }
}

/// The result of a factory.
///
/// # Errors
/// The factory's own.
pub fn made<T, E: FactoryError>(result: Result<T, E>) -> Result<T> {
    result.map_err(FactoryError::into_error)
}

/// The contract of a handler that returns `R`: a payload whose own crate says how it runs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the contract of a job that returns `{R}`",
    label = "no such contract",
    note = "write `#[derive(Job)]` and `#[job(contract, output = …)]` on the payload, with the type that the handler returns"
)]
pub trait Contract<R> {
    /// As in the payload's `Job`.
    const KIND: &'static str;
    /// As in the payload's `Job`.
    const VERSION: u32;
    /// As in the payload's `Job`.
    const ALIASES: &'static [&'static str];
    /// As in the payload's `Job`.
    const UPCASTS: &'static [Upcast];
    /// As in the payload's `Job`.
    const OPTIONS: JobOptions;
}

#[diagnostic::do_not_recommend]
impl<J: Job, R: JobReturn<Output = J::Output>> Contract<R> for J {
    const KIND: &'static str = J::KIND;
    const VERSION: u32 = J::VERSION;
    const ALIASES: &'static [&'static str] = J::ALIASES;
    const UPCASTS: &'static [Upcast] = J::UPCASTS;
    const OPTIONS: JobOptions = J::OPTIONS;
}

/// Reads payloads of one type. What cannot be read as JSON is refused where the payload becomes a `Job`; here it falls back
/// to [`UnreadablePayload`], so that it is not refused over and over.
#[derive(Debug)]
pub struct Payload<T>(PhantomData<fn() -> T>);

impl<T> Payload<T> {
    /// The reader.
    pub const READER: Self = Self(PhantomData);
}

impl<T: DeserializeOwned> Payload<T> {
    /// Reads one.
    ///
    /// # Errors
    /// Those of [`decode_payload`].
    pub fn read(&self, json: &[u8]) -> Result<T> {
        decode_payload(json)
    }

    /// Whether one can be read.
    ///
    /// # Errors
    /// Those of [`check_payload`].
    pub fn check(&self, json: &[u8]) -> Result<()> {
        check_payload::<T>(json)
    }
}

/// See [`Payload`].
pub trait UnreadablePayload<T> {
    /// Never runs, because it never compiles.
    ///
    /// # Errors
    /// Always.
    fn read(&self, json: &[u8]) -> Result<T>;

    /// Never runs, because it never compiles.
    ///
    /// # Errors
    /// Always.
    fn check(&self, json: &[u8]) -> Result<()> {
        self.read(json).map(drop)
    }
}

impl<T> UnreadablePayload<T> for Payload<T> {
    fn read(&self, _json: &[u8]) -> Result<T> {
        Err(Error::internal("the payload cannot be read as JSON"))
    }
}

/// Makes a library crate a module of the products that name it: what its macros register is taken along.
///
/// It stands in the root of the crate; the product names the crate with [`modules!`](crate::modules).
///
/// ```
/// // billing/src/lib.rs
/// athyper::module!();
/// # fn main() { assert!(!__ATHYPER_MODULE.name.is_empty()); }
/// ```
#[macro_export]
macro_rules! module {
    () => {
        #[doc(hidden)]
        pub static __ATHYPER_MODULE: $crate::private::ModuleDescriptor = {
            let package = ::core::option_env!("CARGO_PKG_NAME");
            $crate::private::ModuleDescriptor::new(::core::module_path!(), package, $crate::private::Place::caller())
        };

        $crate::private::inventory::submit! { __ATHYPER_MODULE }
    };
}

/// Names the library crates that a product is made of besides its own.
///
/// A crate that is only a dependency is not linked unless code names it. This names each of them: one that is missing, or
/// does not say [`module!`](crate::module), does not compile. The other way round, a crate whose items are linked in although no
/// list names it keeps the product from starting. The crates of the product's own package need no naming.
///
/// ```
/// # extern crate self as billing;
/// # extern crate self as crm;
/// # athyper::module!();
/// athyper::modules!(billing, crm);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! modules {
    ($($module:ident),+ $(,)?) => {
        $crate::private::inventory::submit! {
            $crate::private::ModuleList {
                by: $crate::private::crate_of(::core::module_path!()),
                place: $crate::private::Place::caller(),
                modules: &[$(&::$module::__ATHYPER_MODULE),+],
            }
        }
    };
}

/// Adds a row to the driver table: an adapter of a third party says which URL scheme it serves.
///
/// ```
/// use athyper::driver::Driver;
///
/// athyper::submit_driver!(Driver {
///     scheme: "tape",
///     provided_by: "athyper-tape",
///     database: None,
///     jobs: None,
///     leases: None,
///     outbox: None,
/// });
/// # fn main() { assert!(athyper::driver::drivers().any(|driver| driver.scheme == "tape")); }
/// ```
#[macro_export]
macro_rules! submit_driver {
    ($driver:expr) => {
        $crate::private::inventory::submit! { $driver }
    };
}
