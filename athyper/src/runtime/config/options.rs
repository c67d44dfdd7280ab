//! Where a configuration is loaded from.

use std::path::PathBuf;

use crate::foundation::config::{Modes, Profile, SectionDescriptor};
use crate::foundation::container::Place;

/// Where a configuration is loaded from. Later sources win: defaults, `athyper.toml`, `athyper.<profile>.toml`,
/// variables, overrides.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The folder of `athyper.toml` and `athyper.<profile>.toml`; `None` reads no file. Files may be missing.
    pub directory: Option<PathBuf>,
    /// The profile, whatever the sources say.
    pub profile: Option<Profile>,
    /// The modes, whatever the sources say.
    pub modes: Option<Modes>,
    /// The variables. The process's own are read by nobody but the generated `main`.
    pub environment: Vec<(String, String)>,
    /// What the builder sets.
    pub overrides: Vec<Override>,
    /// The product's sections; those of the framework are always known.
    pub sections: Vec<SectionDescriptor>,
}

/// One key that the builder sets.
#[derive(Clone)]
pub struct Override {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) place: Option<Place>,
}

impl Override {
    /// Sets `key`, such as `jobs.url`, at `place` of the source.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<String>, place: impl Into<Option<Place>>) -> Self {
        Self { key: key.into(), value: value.into(), place: place.into() }
    }
}

impl std::fmt::Debug for Override {
    /// Leaves the value out: it may be a secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Override").field("key", &self.key).field("place", &self.place).finish_non_exhaustive()
    }
}
