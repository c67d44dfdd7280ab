//! Sections of the configuration, injected.

use super::{FromContainer, Resolver};
use crate::foundation::config::ConfigSection;
use crate::foundation::container::{TypeKey, WantMode};
use crate::foundation::error::{Error, Result};
use crate::runtime::config::Config;

impl<T: ConfigSection> FromContainer for Config<T> {
    const KEY: TypeKey = TypeKey::of::<T>();
    const MODE: WantMode = WantMode::Config;

    async fn from_container(resolver: &Resolver<'_>, name: Option<&'static str>) -> Result<Self> {
        let key = Self::KEY.named(name);
        match resolver.find(key).await? {
            Some(section) => Ok(Self::shared(section)),
            None => {
                let message = format!("section `{}` of the configuration is not known", T::DESCRIPTOR.name);
                Err(resolver.blame(Error::configuration(message).with_code("ATH-GRAPH-MISSING")))
            }
        }
    }

    fn from_built(resolver: &Resolver<'_>, name: Option<&'static str>) -> Option<Self> {
        resolver.frozen.get(&Self::KEY.named(name)).map(|section| Self::shared(std::sync::Arc::clone(section)))
    }
}
