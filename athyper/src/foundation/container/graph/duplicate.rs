//! What is provided more than once where there can be only one.

use super::reach::Reached;
use super::{Graph, is_trait};
use crate::foundation::container::{TypeKey, WantMode};
use crate::foundation::problem::{Problem, ProblemClass, Problems};

impl Graph {
    /// Several providers of a key of which one is wanted, or of a type that is not a trait. Several implementations of a
    /// trait that is only wanted as a list are as it should be.
    pub(super) fn find_duplicates(&self, reached: &Reached<'_>) -> Problems {
        let mut keys: Vec<TypeKey> = Vec::new();
        let provided = self.nodes.iter().enumerate().filter(|(index, _)| reached.nodes[*index]);
        for key in provided.flat_map(|(_, node)| node.keys()) {
            if !keys.contains(&key) && self.providers.get(&key).is_some_and(|providers| providers.len() > 1) {
                keys.push(key);
            }
        }
        let mut problems = Problems::new();
        for key in keys {
            let single: Vec<_> =
                reached.wants().filter(|(_, want)| want.key == key && want.mode != WantMode::All).collect();
            if is_trait(key) && single.is_empty() {
                continue;
            }
            let providers = self.providers.get(&key).map_or(&[][..], Vec::as_slice);
            let what = format!("`{key}` is provided {} times", providers.len());
            let mut problem = Problem::new(ProblemClass::Wiring, "ATH-GRAPH-DUPLICATE", what);
            for node in providers.iter().map(|index| &self.nodes[*index]) {
                problem = problem.with_detail("provider", node.label.clone(), Some(node.place.to_string()));
            }
            for (wanting, want) in single {
                let text = format!("{}, {}", wanting.label, want.label);
                problem = problem.with_detail("wanted by", text, Some(want.place.to_string()));
            }
            problems.push(problem.with_fix(fix(key)));
        }
        problems
    }
}

fn fix(key: TypeKey) -> String {
    let plain = key.named(None);
    let list = if is_trait(key) { format!(", or want all of them: `Vec<Arc<{plain}>>`") } else { String::new() };
    match key.name() {
        Some(_) => format!("keep one, or give each a name of its own{list}"),
        None => {
            format!("keep one, or tell them apart by `#[inject(name = \"…\")]` on each and where it is wanted{list}")
        }
    }
}
