//! What several macros share: errors collected before any is shown, arguments, dependencies, places, durations.

pub(crate) mod arguments;
pub(crate) mod case;
pub(crate) mod conditions;
pub(crate) mod dependency;
pub(crate) mod documentation;
pub(crate) mod errors;
pub(crate) mod item;
pub(crate) mod job_options;
pub(crate) mod literals;
pub(crate) mod place;
pub(crate) mod signature;
pub(crate) mod slot;
