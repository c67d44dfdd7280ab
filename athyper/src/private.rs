//! All that macro output may name. Not part of the public API.

pub use bytes::Bytes;
pub use futures_core::future::BoxFuture;
pub use inventory;
pub use linkme;
pub use serde;
pub use serde_json;

pub use crate::foundation::container::{Place, Scope, TypeKey, Want, WantMode};
pub use crate::foundation::jobs::{Backoff, Growth, Job, JobOptions, Priority, Retention};
pub use crate::foundation::schedule::{MissedTicks, Overlap};
pub use crate::foundation::sql::{FromRow, FromSqlValue, Row};
pub use crate::runtime::container::{
    Binding, Close, ComponentDescriptor, Construct, FromContainer, Instance, Resolver,
};
pub use crate::runtime::jobs::{
    HandlerOutcome, JobContext, JobDescriptor, JobHandler, JobReturn, RunHandler, check_payload, decode_payload,
};
pub use crate::runtime::scheduler::{ScheduleDescriptor, Tick};

/// Components of every linked crate.
#[linkme::distributed_slice]
pub static ATHYPER_COMPONENTS_V0: [ComponentDescriptor];

/// Jobs of every linked crate.
#[linkme::distributed_slice]
pub static ATHYPER_JOBS_V0: [JobDescriptor];

/// Schedules of every linked crate.
#[linkme::distributed_slice]
pub static ATHYPER_SCHEDULES_V0: [ScheduleDescriptor];

/// One crate that registers items: submitted by `athyper::module!()` and `#[athyper::main]`.
#[derive(Debug, Clone, Copy)]
pub struct ModuleDescriptor {
    /// The crate's name, as `module_path!()` begins.
    pub name: &'static str,
}

inventory::collect!(ModuleDescriptor);
