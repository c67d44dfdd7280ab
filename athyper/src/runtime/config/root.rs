//! The keys that stand in no section: what a process is run for, and which parts it runs.

use crate::foundation::config::{FieldDescriptor, Modes, Profile};

/// The keys outside of every section.
pub(super) const ROOT_FIELDS: &[FieldDescriptor] = &[
    FieldDescriptor::new::<Option<Modes>>("mode")
        .with_variable("MODE")
        .with_doc("Which parts this process runs: all, or a list of api, worker, scheduler. Profile prod must say it."),
    FieldDescriptor::new::<Option<Profile>>("profile")
        .with_variable("ATHYPER_PROFILE")
        .with_doc("What the process is run for: dev, test or prod."),
];
