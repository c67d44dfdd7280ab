//! What a product's files usually need: `use athyper::prelude::*;`.

// Macro output says `athyper::…`: this is how it finds us in a product that gave us another name.
#[doc(hidden)]
pub use crate as athyper;

pub use std::sync::Arc;

pub use athyper_macros::{Config, Failure, Job, Row, inject, job, port, scheduled};

pub use crate::foundation::error::{Error, Result};
pub use crate::foundation::jobs::Job;
pub use crate::runtime::jobs::JobContext;
pub use crate::runtime::scheduler::Tick;
