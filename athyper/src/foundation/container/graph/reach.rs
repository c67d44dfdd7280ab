//! Which part of a graph the chosen modes run.

use super::{Graph, Reach};
use std::collections::HashSet;

use crate::foundation::container::{Scope, TypeKey, Want, WantMode};

/// The part of a graph that has to be sound: indices of providers, and everything that wants something in it.
pub(super) struct Reached<'a> {
    /// For each provider whether it is reached.
    pub(super) nodes: Vec<bool>,
    /// The roots, and the providers that are reached.
    pub(super) wanting: Vec<Wanting<'a>>,
}

/// One that wants something.
#[derive(Clone, Copy)]
pub(super) struct Wanting<'a> {
    /// Which provider it is; nothing for a root.
    pub(super) node: Option<usize>,
    pub(super) label: &'a str,
    pub(super) scope: Scope,
    pub(super) wants: &'a [Want],
}

impl Reached<'_> {
    /// Each want with whoever has it.
    pub(super) fn wants(&self) -> impl Iterator<Item = (&Wanting<'_>, &Want)> {
        self.wanting.iter().flat_map(|wanting| wanting.wants.iter().map(move |want| (wanting, want)))
    }
}

impl Graph {
    pub(super) fn reached(&self, reach: Reach) -> Reached<'_> {
        let mut nodes = vec![reach == Reach::Everything; self.nodes.len()];
        let mut open: Vec<&Want> = self.roots.iter().flat_map(|root| &root.wants).collect();
        while let Some(want) = open.pop() {
            for index in self.providers(want) {
                if !std::mem::replace(&mut nodes[*index], true) {
                    open.extend(&self.nodes[*index].wants);
                }
            }
        }
        let of_roots = self.roots.iter().map(|root| Wanting {
            node: None,
            label: &root.label,
            scope: root.scope,
            wants: &root.wants,
        });
        let of_nodes = self.nodes.iter().enumerate().filter(|(index, _)| nodes[*index]).map(|(index, node)| Wanting {
            node: Some(index),
            label: &node.label,
            scope: node.scope,
            wants: &node.wants,
        });
        let wanting = of_roots.chain(of_nodes).collect();
        Reached { nodes, wanting }
    }
}

impl Graph {
    /// Whether something in the chosen modes wants what `key` names.
    #[must_use]
    pub fn is_wanted(&self, key: &TypeKey, reach: Reach) -> bool {
        self.reached(reach).wants().any(|(_, want)| want.key == *key)
    }

    /// The sections of the configuration that the chosen modes read.
    #[must_use]
    pub fn wanted_sections(&self, reach: Reach) -> HashSet<TypeKey> {
        let reached = self.reached(reach);
        reached.wants().filter(|(_, want)| want.mode == WantMode::Config).map(|(_, want)| want.key).collect()
    }
}
