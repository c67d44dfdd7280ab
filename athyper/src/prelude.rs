//! What a product's files usually need: `use athyper::prelude::*;`.

// Macro output says `athyper::…`: this is how it finds us in a product that gave us another name.
#[doc(hidden)]
pub use crate as athyper;

pub use std::sync::Arc;

pub use athyper_macros::{Config, Failure, Job, Row, inject, job, port, scheduled};

pub use crate::foundation::clock::{Clock, ClockExt, Timestamp};
pub use crate::foundation::config::ConfigSection;
pub use crate::foundation::context::{Context, Principal};
pub use crate::foundation::error::{Error, ErrorKind, Result, ResultExt};
pub use crate::foundation::jobs::{ChildFailure, Job, JobId, Priority};
pub use crate::foundation::secret::Secret;
pub use crate::foundation::sql::{Db, Isolation, Tx};
pub use crate::runtime::config::Config;
pub use crate::runtime::container::Lazy;
pub use crate::runtime::http::{
    Form, Inject, Json, Query, Router, Valid, any, delete, get, head, options, patch, post, put,
};
pub use crate::runtime::jobs::{JobContext, JobOutcome, Jobs};
pub use crate::runtime::kernel::{Kernel, KernelBuilder};
pub use crate::runtime::scheduler::{Schedule, Tick};
pub use ::http::StatusCode;
pub use axum::extract::Path;
