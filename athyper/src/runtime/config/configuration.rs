//! A configuration that was read and checked.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::foundation::config::{
    ConfigSection, ConfigValue, Modes, Profile, SectionDescriptor, SectionValue, StoreUrl,
};
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::problem::Problems;

use super::effective::EffectiveConfiguration;
use super::sections::{DatabaseConfig, JobsConfig, LeasesConfig, RedisConfig};
use super::stores::{ResolvedStore, SaidStores, StorePort, resolve_store};
use super::{ConfigurationDraft, LoadOptions};

/// A configuration that was read and checked.
///
/// ```
/// use athyper::config::sections::HttpConfig;
/// use athyper::config::{Configuration, LoadOptions};
///
/// let options = LoadOptions { environment: vec![("PORT".into(), "8080".into())], ..LoadOptions::default() };
/// let configuration = Configuration::load(options).unwrap();
/// assert_eq!(configuration.section::<HttpConfig>().unwrap().port, 8080);
/// ```
#[derive(Clone)]
pub struct Configuration {
    pub(super) profile: Profile,
    pub(super) modes: Modes,
    pub(super) root: ConfigValue,
    pub(super) sections: Vec<SectionDescriptor>,
    pub(super) values: HashMap<TypeId, SectionValue>,
}

impl Configuration {
    /// Reads every source and every section.
    ///
    /// # Errors
    /// Everything that is wrong, in one report.
    pub fn load(options: LoadOptions) -> Result<Self, Problems> {
        ConfigurationDraft::read(options).finish(|_| true, |_| true)
    }

    /// What the process is run for.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Which parts the process runs.
    #[must_use]
    pub const fn modes(&self) -> Modes {
        self.modes
    }

    /// A section.
    ///
    /// # Errors
    /// `Configuration` when the section is not known to this configuration, or was not wanted and could not be read.
    pub fn section<T: ConfigSection>(&self) -> Result<Arc<T>> {
        let value = self.values.get(&TypeId::of::<T>()).cloned();
        value.and_then(|value| value.downcast::<T>().ok()).ok_or_else(|| {
            let name = T::DESCRIPTOR.name;
            let message =
                format!("section `{name}` of the configuration was not read: register it with `.config::<…>()`");
            Error::new(ErrorKind::Configuration, message)
        })
    }

    /// Every section it knows, those of the framework included.
    #[must_use]
    pub fn sections(&self) -> &[SectionDescriptor] {
        &self.sections
    }

    /// A section as it was read; `None` when it could not be.
    pub(crate) fn value(&self, section: &SectionDescriptor) -> Option<SectionValue> {
        self.values.get(&section.key.type_id()).cloned()
    }

    /// The URL of a store, and by which rule it has it.
    #[must_use]
    pub fn store(&self, port: StorePort) -> ResolvedStore {
        resolve_store(port, &self.said_stores(), self.profile)
    }

    /// Each known key, its effective value and where it came from.
    #[must_use]
    pub fn effective(&self) -> EffectiveConfiguration {
        EffectiveConfiguration::of(self)
    }

    /// Whether every section that names a store could be read, so that what is unset was not just misspelt.
    pub(super) fn stores_are_read(&self) -> bool {
        [
            TypeId::of::<DatabaseConfig>(),
            TypeId::of::<JobsConfig>(),
            TypeId::of::<LeasesConfig>(),
            TypeId::of::<RedisConfig>(),
        ]
        .iter()
        .all(|section| self.values.contains_key(section))
    }

    fn said_stores(&self) -> SaidStores {
        fn url<T: ConfigSection>(
            configuration: &Configuration,
            url: fn(&T) -> Option<&StoreUrl>,
        ) -> Option<(StoreUrl, crate::foundation::config::Origin)> {
            let section = configuration.section::<T>().ok()?;
            let origin = configuration.root.at(&[T::DESCRIPTOR.name, "url"])?.origin.clone();
            Some((url(&section)?.clone(), origin))
        }

        SaidStores {
            database: url(self, |section: &DatabaseConfig| section.url.as_ref()),
            jobs: url(self, |section: &JobsConfig| section.url.as_ref()),
            leases: url(self, |section: &LeasesConfig| section.url.as_ref()),
            redis: url(self, |section: &RedisConfig| section.url.as_ref()),
        }
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections: Vec<_> = self.sections.iter().map(|section| section.name).collect();
        formatter
            .debug_struct("Configuration")
            .field("profile", &self.profile)
            .field("modes", &self.modes)
            .field("sections", &sections)
            .finish_non_exhaustive()
    }
}
