//! Configuration put together: files, variables and the builder, merged by precedence, every value with its origin.

mod configuration;
mod draft;
mod effective;
mod environment;
mod file;
mod injected;
mod known_keys;
mod merge;
mod options;
mod problems;
mod root;
pub(crate) mod sections;
mod stores;

pub use configuration::Configuration;
pub use draft::ConfigurationDraft;
pub use effective::{EffectiveConfiguration, EffectiveValue};
pub use injected::Config;
pub use options::{LoadOptions, Override};
pub use stores::{ResolvedStore, StorePort, StoreSource};

pub(crate) use environment::process_environment;
