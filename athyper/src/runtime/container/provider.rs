//! Whatever provides a component, in one shape: what `#[inject]` describes, and what is given by hand.

use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::{ComponentDescriptor, Instance, Resolver};
use crate::foundation::config::{SectionDescriptor, SectionValue};
use crate::foundation::container::{GraphNode, Place, Scope, TypeKey, Want};
use crate::foundation::error::{Error, Result};

pub(super) type Build = dyn for<'a> Fn(&'a Resolver<'a>) -> BoxFuture<'a, Result<Instance>> + Send + Sync;
pub(super) type Convert = dyn Fn(&Instance) -> Instance + Send + Sync;
pub(super) type CloseInstance = dyn for<'a> Fn(&'a Instance) -> BoxFuture<'a, Result<()>> + Send + Sync;

/// How a provider comes by its component.
#[derive(Clone)]
pub(super) enum Source {
    /// It is there already; the function hands out one more `Arc` of it.
    Ready(Arc<dyn Fn() -> Instance + Send + Sync>),
    /// It is built.
    Built(Arc<Build>),
}

/// One more key that a provider is found by.
#[derive(Clone)]
pub(super) struct Alias {
    pub(super) key: TypeKey,
    pub(super) convert: Arc<Convert>,
}

/// Whatever provides a component: made from a [`ComponentDescriptor`] or from a [`Provide`](super::Provide).
#[derive(Clone)]
pub struct Provider {
    pub(super) key: TypeKey,
    pub(super) aliases: Vec<Alias>,
    pub(super) scope: Scope,
    pub(super) order: i32,
    pub(super) label: String,
    pub(super) place: Place,
    pub(super) module: &'static str,
    pub(super) wants: Vec<Want>,
    pub(super) source: Source,
    pub(super) close: Option<Arc<CloseInstance>>,
}

impl Provider {
    /// What it is found by first.
    #[must_use]
    pub fn key(&self) -> TypeKey {
        self.key
    }

    /// The module it stands in, empty if it was given by hand.
    #[must_use]
    pub fn module(&self) -> &'static str {
        self.module
    }

    /// The provider as the check of the graph sees it.
    #[must_use]
    pub fn node(&self) -> GraphNode {
        GraphNode {
            key: self.key,
            bindings: self.aliases.iter().map(|alias| alias.key).collect(),
            scope: self.scope,
            order: self.order,
            label: self.label.clone(),
            place: self.place,
            module: self.module,
            wants: self.wants.clone(),
            closes: self.close.is_some(),
        }
    }
}

impl Provider {
    /// Provides a section of the configuration to those who want it as `Config<T>`; `value` is missing when it could not be read,
    /// and then only the graph is of use.
    pub(crate) fn section(section: &SectionDescriptor, value: Option<SectionValue>) -> Self {
        let instance = section.instance;
        let source = Source::Built(Arc::new(move |_| {
            let built = value.as_ref().and_then(instance);
            Box::pin(async { built.ok_or_else(|| Error::configuration("the section could not be read")) })
        }));
        Self {
            key: section.key,
            aliases: Vec::new(),
            scope: Scope::Singleton,
            order: 0,
            label: section.label.to_owned(),
            place: section.place,
            module: section.module,
            wants: Vec::new(),
            source,
            close: None,
        }
    }
}

impl From<ComponentDescriptor> for Provider {
    fn from(descriptor: ComponentDescriptor) -> Self {
        Self {
            key: descriptor.key,
            aliases: descriptor
                .bindings
                .iter()
                .map(|binding| Alias { key: binding.key, convert: Arc::new(binding.convert) })
                .collect(),
            scope: descriptor.scope,
            order: descriptor.order,
            label: descriptor.label.to_owned(),
            place: descriptor.place,
            module: descriptor.module,
            wants: (descriptor.wants)(),
            source: Source::Built(Arc::new(descriptor.construct)),
            close: descriptor.close.map(|close| Arc::new(close) as Arc<CloseInstance>),
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Provider")
            .field("key", &self.key)
            .field("scope", &self.scope)
            .field("label", &self.label)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
