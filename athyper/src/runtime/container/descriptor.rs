//! What `#[inject]` says of a component.

use std::any::{Any, TypeId};

use futures_core::future::BoxFuture;

use super::Resolver;
use crate::foundation::container::{Place, Scope, TypeKey, Want};
use crate::foundation::error::Result;

/// A built component: the `Arc<T>` of its key's `T`, boxed.
pub type Instance = Box<dyn Any + Send + Sync>;

/// Builds a component.
pub type Construct = for<'a> fn(&'a Resolver<'a>) -> BoxFuture<'a, Result<Instance>>;

/// Closes a component when the kernel has stopped.
pub type Close = for<'a> fn(&'a Instance) -> BoxFuture<'a, Result<()>>;

/// One more key that a component is found by.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The key.
    pub key: TypeKey,
    /// Turns the component's own `Arc` into the `Arc` of [`key`](Self::key), boxed.
    pub convert: fn(&Instance) -> Instance,
}

/// What `#[inject]` says of a component: how to find it, what it needs, how to build it.
#[derive(Debug, Clone, Copy)]
pub struct ComponentDescriptor {
    /// What it is found by.
    pub key: TypeKey,
    /// Further keys it is found by: `#[inject(as = dyn Trait)]`.
    pub bindings: &'static [Binding],
    /// The item in the source: the struct, or the factory's function item, so that a builder can be given the function.
    pub item: fn() -> TypeId,
    /// How long it lives.
    pub scope: Scope,
    /// Its place among all providers of one key; smaller comes first in a `Vec<Arc<T>>`.
    pub order: i32,
    /// What it is in the source, such as ``struct `SignUp` `` or ``factory `mailer` ``.
    pub label: &'static str,
    /// Where it stands.
    pub place: Place,
    /// The module it stands in (`module_path!()`).
    pub module: &'static str,
    /// What it needs.
    pub wants: fn() -> Vec<Want>,
    /// Builds it.
    pub construct: Construct,
    /// Closes it.
    pub close: Option<Close>,
}
