//! Who provides what and who wants it, as data; checked as a whole before any constructor runs.

mod captive;
mod circle;
mod duplicate;
mod missing;
mod nearest;
mod reach;
mod text;
mod unclosed;

use std::collections::HashMap;

use super::{Place, Scope, TypeKey, Want, WantMode};
use crate::foundation::problem::Problems;

pub(crate) use nearest::nearest_key;

/// A provider, as the check of the graph sees it.
#[derive(Debug, Clone)]
pub struct GraphNode {
    /// What it is found by.
    pub key: TypeKey,
    /// Further keys it is found by.
    pub bindings: Vec<TypeKey>,
    /// How long what it provides lives.
    pub scope: Scope,
    /// Its place among all providers of one key.
    pub order: i32,
    /// What it is in the source, such as ``struct `SignUp` `` or ``factory `mailer` ``.
    pub label: String,
    /// Where it stands.
    pub place: Place,
    /// The module it stands in.
    pub module: &'static str,
    /// What it needs.
    pub wants: Vec<Want>,
    /// Whether it has to be closed.
    pub closes: bool,
}

/// Something that wants components and provides none: a job, a schedule, a hook, something given by hand.
#[derive(Debug, Clone)]
pub struct GraphRoot {
    /// What it is in the source, such as ``job `welcome` ``.
    pub label: String,
    /// Where it stands.
    pub place: Place,
    /// [`Scope::Request`] when it runs inside of a request, job attempt or tick; any other cannot have what belongs to one.
    pub scope: Scope,
    /// What it needs.
    pub wants: Vec<Want>,
}

/// Which part of a graph has to be sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// All of it: whatever is provided may be wanted, as HTTP handlers do without saying so beforehand.
    Everything,
    /// What the roots need, directly or through others.
    Roots,
}

/// The object graph of a product.
#[derive(Debug, Clone)]
pub struct Graph {
    nodes: Vec<GraphNode>,
    roots: Vec<GraphRoot>,
    /// Under each key, its providers in order.
    providers: HashMap<TypeKey, Vec<usize>>,
    /// Under each key without its name, the providers of the type under any name, in order.
    families: HashMap<TypeKey, Vec<usize>>,
}

impl Graph {
    /// The graph of these providers and roots.
    #[must_use]
    pub fn new(mut nodes: Vec<GraphNode>, mut roots: Vec<GraphRoot>) -> Self {
        nodes.sort_by_cached_key(|node| (node.order, node.place, node.key.to_string(), node.label.clone()));
        roots.sort_by_cached_key(|root| (root.place, root.label.clone()));
        let mut providers: HashMap<TypeKey, Vec<usize>> = HashMap::new();
        let mut families: HashMap<TypeKey, Vec<usize>> = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            for key in node.keys() {
                for known in [providers.entry(key).or_default(), families.entry(key.named(None)).or_default()] {
                    if known.last() != Some(&index) {
                        known.push(index);
                    }
                }
            }
        }
        Self { nodes, roots, providers, families }
    }

    /// The providers, by order and place.
    #[must_use]
    pub fn nodes(&self) -> &[GraphNode] {
        &self.nodes
    }

    /// What wants components and provides none, by place.
    #[must_use]
    pub fn roots(&self) -> &[GraphRoot] {
        &self.roots
    }

    /// Everything that is wanted.
    pub fn wants(&self) -> impl Iterator<Item = &Want> {
        let of_nodes = self.nodes.iter().flat_map(|node| &node.wants);
        of_nodes.chain(self.roots.iter().flat_map(|root| &root.wants))
    }

    /// Everything that is wrong with the part that is reached, in one report: what nobody provides, circles, what is
    /// provided more than once, what is held longer than it lives, and what
    /// nobody would close.
    #[must_use]
    pub fn check(&self, reach: Reach) -> Problems {
        let reached = self.reached(reach);
        let mut problems = Problems::new();
        for found in [
            self.find_missing(&reached),
            self.find_circles(&reached),
            self.find_duplicates(&reached),
            self.find_captives(&reached),
            self.find_unclosed(&reached),
        ] {
            problems.extend(found);
        }
        problems
    }

    /// The providers that serve a want, in order.
    fn providers(&self, want: &Want) -> &[usize] {
        let table = match (want.mode, want.key.name()) {
            (WantMode::All, None) => &self.families,
            _ => &self.providers,
        };
        table.get(&want.key).map_or(&[], Vec::as_slice)
    }
}

impl GraphNode {
    /// Every key it is found by, its own first.
    fn keys(&self) -> impl Iterator<Item = TypeKey> {
        std::iter::once(self.key).chain(self.bindings.iter().copied())
    }
}

/// Whether a key is of a trait, of which there may be several implementations.
fn is_trait(key: TypeKey) -> bool {
    key.type_name().starts_with("dyn ")
}
