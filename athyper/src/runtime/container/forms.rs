//! The forms in which a component can be wanted.

use std::sync::Arc;

use super::{FromContainer, Resolver};
use crate::foundation::container::{TypeKey, WantMode};
use crate::foundation::context::Context;
use crate::foundation::error::{Error, Result};

impl<T: ?Sized + Send + Sync + 'static> FromContainer for Arc<T> {
    const KEY: TypeKey = TypeKey::of::<T>();
    const MODE: WantMode = WantMode::Required;

    async fn from_container(resolver: &Resolver<'_>, name: Option<&'static str>) -> Result<Self> {
        let key = Self::KEY.named(name);
        match resolver.find(key).await? {
            Some(component) => Ok(component),
            None => Err(missing(resolver, key)),
        }
    }

    #[inline]
    fn from_built(resolver: &Resolver<'_>, name: Option<&'static str>) -> Option<Self> {
        resolver.frozen.get(&Self::KEY.named(name)).map(Arc::clone)
    }
}

impl<T: ?Sized + Send + Sync + 'static> FromContainer for Option<Arc<T>> {
    const KEY: TypeKey = TypeKey::of::<T>();
    const MODE: WantMode = WantMode::Optional;

    async fn from_container(resolver: &Resolver<'_>, name: Option<&'static str>) -> Result<Self> {
        resolver.find(Self::KEY.named(name)).await
    }

    #[inline]
    fn from_built(resolver: &Resolver<'_>, name: Option<&'static str>) -> Option<Self> {
        resolver.frozen.get(&Self::KEY.named(name)).map(|built| Some(Arc::clone(built)))
    }
}

impl<T: ?Sized + Send + Sync + 'static> FromContainer for Vec<Arc<T>> {
    const KEY: TypeKey = TypeKey::of::<T>();
    const MODE: WantMode = WantMode::All;

    async fn from_container(resolver: &Resolver<'_>, name: Option<&'static str>) -> Result<Self> {
        resolver.find_all(Self::KEY.named(name)).await
    }
}

impl FromContainer for Context {
    const KEY: TypeKey = TypeKey::of::<Self>();
    const MODE: WantMode = WantMode::Required;

    async fn from_container(resolver: &Resolver<'_>, _name: Option<&'static str>) -> Result<Self> {
        resolver.context().cloned().map_err(|error| resolver.blame(error))
    }

    #[inline]
    fn from_built(resolver: &Resolver<'_>, _name: Option<&'static str>) -> Option<Self> {
        resolver.request.map(|request| request.context.clone())
    }
}

pub(super) fn missing(resolver: &Resolver<'_>, key: TypeKey) -> Error {
    resolver.blame(Error::configuration(format!("nothing provides `{key}`")).with_code("ATH-GRAPH-MISSING"))
}
