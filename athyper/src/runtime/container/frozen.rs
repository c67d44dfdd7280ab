//! The container: everything that is provided, frozen before the first component is built.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::closing::{CloseFailure, Closing};
use super::hasher::KeyHasher;
use super::provider::{Convert, Provider, Source};
use super::slot::{Slot, Value};
use super::waits::Waits;
use super::{FromContainer, Instance, RequestScope, Resolve, Resolver};
use crate::foundation::clock::Clock;
use crate::foundation::container::{Graph, TypeKey, nearest_key};
use crate::foundation::context::Context;
use crate::foundation::error::{Error, Result};

pub(super) type Table<V> = HashMap<TypeKey, V, BuildHasherDefault<KeyHasher>>;

/// The components of one kernel.
///
/// Made by a [`ContainerBuilder`](super::ContainerBuilder). Singletons are built when they are wanted first, each once,
/// however many ask for it at the same time; from then on handing one out takes no lock and allocates nothing. Clones are
/// the same container.
#[derive(Clone)]
pub struct Container {
    frozen: Arc<Frozen>,
}

pub(super) struct Frozen {
    pub(super) entries: Table<Entry>,
    /// For each key, under which key which node belongs to its `Vec<Arc<T>>`, in order.
    pub(super) lists: Table<Vec<(TypeKey, usize)>>,
    pub(super) nodes: Box<[Node]>,
    pub(super) graph: Graph,
    pub(super) waits: Waits,
    pub(super) closing: Closing,
    requests: AtomicU64,
}

/// A provider, and room for what it provides.
pub(super) struct Node {
    pub(super) provider: Provider,
    pub(super) slot: Slot,
}

/// What is found under a key.
pub(super) struct Entry {
    /// The singleton; the provider's own place if there is only one and this is its own key.
    pub(super) value: Value,
    /// Whether something replaces what is provided: open until the key is resolved for the first time.
    replacement: OnceLock<Option<Instance>>,
    pub(super) candidates: Box<[Candidate]>,
}

/// One of the providers of a key.
pub(super) struct Candidate {
    pub(super) node: usize,
    pub(super) convert: Option<Arc<Convert>>,
}

impl Entry {
    /// What replaces that which is provided; from this call on nothing can.
    pub(super) fn replacement(&self) -> Option<&Instance> {
        self.replacement.get_or_init(|| None).as_ref()
    }
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` ({})", self.provider.key, self.provider.place)
    }
}

impl Frozen {
    /// A component that is there already.
    #[inline]
    pub(super) fn get<T: ?Sized + Send + Sync + 'static>(&self, key: &TypeKey) -> Option<&Arc<T>> {
        let entry = self.entries.get(key)?;
        let instance = match entry.value.get() {
            Some(instance) => instance,
            None => self.get_ready(entry)?,
        };
        instance.downcast_ref()
    }

    /// A component that replaces another or was given as a value, before it was resolved for the first time.
    #[cold]
    fn get_ready<'a>(&'a self, entry: &'a Entry) -> Option<&'a Instance> {
        if let Some(Some(instance)) = entry.replacement.get() {
            return Some(instance);
        }
        let [candidate] = &*entry.candidates else { return None };
        let node = &self.nodes[candidate.node];
        let Source::Ready(ready) = &node.provider.source else { return None };
        if let Some(instance) = entry.replacement() {
            return Some(instance);
        }
        let own = self.entries.get(&node.provider.key)?;
        let instance = own.replacement().unwrap_or_else(|| node.slot.value.get_or_init(|| ready()));
        Some(match &candidate.convert {
            None => instance,
            Some(convert) => entry.value.get_or_init(|| convert(instance)),
        })
    }

    pub(super) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }
}

impl Container {
    pub(super) fn freeze(providers: Vec<Provider>, graph: Graph) -> Self {
        let nodes: Box<[Node]> =
            providers.into_iter().map(|provider| Node { provider, slot: Slot::default() }).collect();
        let mut candidates: Table<Vec<Candidate>> = Table::default();
        for want in graph.wants() {
            candidates.entry(want.key).or_default();
        }
        for (index, node) in nodes.iter().enumerate() {
            let provider = &node.provider;
            let own = (provider.key, None);
            let aliases = provider.aliases.iter().map(|alias| (alias.key, Some(Arc::clone(&alias.convert))));
            for (key, convert) in std::iter::once(own).chain(aliases) {
                let known = candidates.entry(key).or_default();
                if !known.iter().any(|candidate| candidate.node == index) {
                    known.push(Candidate { node: index, convert });
                }
            }
        }
        let lists = lists(&candidates, &nodes);
        let entries = candidates.into_iter().map(|(key, candidates)| (key, Entry::new(candidates, &nodes))).collect();
        let closing = Closing::default();
        for node in &nodes {
            closing.admit_given(&node.provider);
        }
        let requests = AtomicU64::new(1);
        Self { frozen: Arc::new(Frozen { entries, lists, nodes, graph, waits: Waits::default(), closing, requests }) }
    }

    /// A singleton that is there already; it takes no lock and allocates nothing.
    ///
    /// Values given to the builder are there from the start, all others once they were [resolved](Self::resolve).
    #[inline]
    #[must_use]
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<&Arc<T>> {
        self.frozen.get(&TypeKey::of::<T>())
    }

    /// The singleton of a name that is there already.
    #[inline]
    #[must_use]
    pub fn get_named<T: ?Sized + Send + Sync + 'static>(&self, name: &'static str) -> Option<&Arc<T>> {
        self.frozen.get(&TypeKey::of::<T>().named(Some(name)))
    }

    /// Hands out `F`, such as `Arc<dyn Mailer>`, outside of any request.
    ///
    /// # Errors
    /// As [`Resolver::resolve`].
    ///
    /// # Cancel safety
    /// As [`Resolver::resolve`].
    pub fn resolve<F: FromContainer>(&self) -> Resolve<'_, F> {
        self.resolver().resolve()
    }

    /// Hands out the `F` of a name, outside of any request.
    ///
    /// # Errors
    /// As [`Resolver::resolve`].
    ///
    /// # Cancel safety
    /// As [`Resolver::resolve`].
    pub fn resolve_named<F: FromContainer>(&self, name: &'static str) -> Resolve<'_, F> {
        self.resolver().resolve_named(name)
    }

    /// The view of the container from outside of any request.
    #[must_use]
    pub fn resolver(&self) -> Resolver<'_> {
        Resolver::new(&self.frozen, None, None)
    }

    /// Room for the components of one request, job attempt or tick.
    #[must_use]
    pub fn request(&self, context: Context) -> RequestScope {
        RequestScope::new(&self.frozen, context)
    }

    /// Who provides what, and who wants it.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.frozen.graph
    }

    /// Hands out `instance` wherever `T` is wanted, instead of what provides it; for tests. If several provide `T`, it
    /// stands for all of them. If the provider is found by further keys, it stands in for it there as well. The container
    /// does not close it.
    ///
    /// # Errors
    /// `ATH-GRAPH-LATE-OVERRIDE` when `T` was resolved or replaced before, so that somebody may hold the original;
    /// `ATH-GRAPH-MISSING` when nothing provides or wants `T`.
    pub fn override_with<T: ?Sized + Send + Sync + 'static>(&self, instance: Arc<T>) -> Result<()> {
        self.replace(TypeKey::of::<T>(), Box::new(instance))
    }

    /// [`override_with`](Self::override_with) for the `T` of a name.
    ///
    /// # Errors
    /// As [`override_with`](Self::override_with).
    pub fn override_named<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &'static str,
        instance: Arc<T>,
    ) -> Result<()> {
        self.replace(TypeKey::of::<T>().named(Some(name)), Box::new(instance))
    }

    fn replace(&self, key: TypeKey, instance: Instance) -> Result<()> {
        let Some(entry) = self.frozen.entries.get(&key) else {
            let nearest = nearest_key(key, self.frozen.entries.keys().copied());
            let hint = nearest.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let text = format!("`{key}` cannot be replaced: nothing provides or wants it{hint}");
            return Err(Error::configuration(text).with_code("ATH-GRAPH-MISSING"));
        };
        entry.replacement.set(Some(instance)).map_err(|_| {
            let text = format!(
                "`{key}` cannot be replaced any more: it was resolved or replaced before; replace it before anything wants it"
            );
            Error::configuration(text).with_code("ATH-GRAPH-LATE-OVERRIDE")
        })
    }

    /// Closes every component that was built and wants to be closed, once, the last one built first. From then on nothing
    /// more is built.
    ///
    /// # Cancel safety
    /// A component whose closing was cut off counts as closed; the next call goes on with the others.
    pub async fn close(&self) -> Vec<CloseFailure> {
        self.frozen.closing.close(None).await
    }

    /// [`close`](Self::close), with so much time for each component.
    ///
    /// # Cancel safety
    /// As with [`close`](Self::close).
    pub async fn close_within(&self, clock: &dyn Clock, each: Duration) -> Vec<CloseFailure> {
        self.frozen.closing.close(Some((clock, each))).await
    }
}

impl Entry {
    fn new(candidates: Vec<Candidate>, nodes: &[Node]) -> Self {
        let value = match &*candidates {
            [Candidate { node, convert: None }] => Arc::clone(&nodes[*node].slot.value),
            _ => Value::default(),
        };
        Self { value, replacement: OnceLock::new(), candidates: candidates.into() }
    }
}

/// The members of each key's `Vec<Arc<T>>`: by order, then by place. A key without a name has those with one as well.
fn lists(candidates: &Table<Vec<Candidate>>, nodes: &[Node]) -> Table<Vec<(TypeKey, usize)>> {
    let mut lists: Table<Vec<(TypeKey, usize)>> = Table::default();
    for (key, candidates) in candidates {
        let members = candidates.iter().map(|candidate| (*key, candidate.node));
        lists.entry(key.named(None)).or_default().extend(members.clone());
        if key.name().is_some() {
            lists.entry(*key).or_default().extend(members);
        }
    }
    for list in lists.values_mut() {
        list.sort_by_key(|(key, node)| (nodes[*node].provider.order, nodes[*node].provider.place, *node, key.name()));
        list.dedup_by_key(|(_, node)| *node);
    }
    lists
}

impl fmt::Debug for Frozen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Container").field("providers", &self.nodes.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.frozen.fmt(formatter)
    }
}
