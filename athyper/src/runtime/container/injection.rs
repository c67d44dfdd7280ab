//! How one dependency is handed out.

use super::{Resolve, Resolver};
use crate::foundation::container::{Place, TypeKey, Want, WantMode};

/// How one dependency of an item is handed out, for the output of macros. Only making it asks that the type can be
/// injected; using it does not, so that a type that cannot be is one compile error and not four.
#[derive(Debug, Clone, Copy)]
pub struct Injection<T> {
    pub(super) key: TypeKey,
    pub(super) mode: WantMode,
    pub(super) resolve: for<'a> fn(&Resolver<'a>, Option<&'static str>) -> Resolve<'a, T>,
}

impl<T> Injection<T> {
    /// What the graph is told.
    #[must_use]
    pub fn want(self, name: Option<&'static str>, label: &'static str, place: Place) -> Want {
        Want { key: self.key.named(name), mode: self.mode, label, place }
    }

    /// Hands it out.
    pub fn resolve<'a>(self, resolver: &Resolver<'a>, name: Option<&'static str>) -> Resolve<'a, T> {
        (self.resolve)(resolver, name)
    }
}
