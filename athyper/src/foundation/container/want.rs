//! What a component needs, and how long it lives.

use super::{Place, TypeKey};

/// How long a component lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Once for the kernel.
    #[default]
    Singleton,
    /// Once for a request, a job attempt or a tick.
    Request,
    /// Anew each time it is wanted.
    Transient,
}

/// In which form a component is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WantMode {
    /// `Arc<T>`: it must be there.
    Required,
    /// `Option<Arc<T>>`: it may be missing.
    Optional,
    /// `Vec<Arc<T>>`: every provider, in order; none is fine.
    All,
    /// `Lazy<T>`: it must be there and is built on first use, so it closes no cycle.
    Lazy,
    /// `Config<T>`: a section of the configuration.
    Config,
}

/// One thing that a component, job or schedule needs.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// What is needed.
    pub key: TypeKey,
    /// In which form.
    pub mode: WantMode,
    /// Where it stands in the item, such as ``parameter `mailer` `` or ``field `users` ``.
    pub label: &'static str,
    /// Its place in the source.
    pub place: Place,
}
