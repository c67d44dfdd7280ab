//! What has to be closed and would not be.

use super::Graph;
use super::reach::Reached;
use crate::foundation::container::Scope;
use crate::foundation::problem::{Problem, ProblemClass, Problems};

impl Graph {
    /// Transient components with a `close`: they belong to whoever wanted them, and nobody counts them.
    pub(super) fn find_unclosed(&self, reached: &Reached<'_>) -> Problems {
        let mut problems = Problems::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if reached.nodes[index] && node.closes && node.scope == Scope::Transient {
                let what = format!("`{}` is made anew each time and has a `close` that nobody calls", node.key);
                let problem = Problem::new(ProblemClass::Wiring, "ATH-GRAPH-UNCLOSED", what)
                    .with_detail("provider", node.label.clone(), Some(node.place.to_string()))
                    .with_fix("make it a singleton or a request's component, or close it where it is used");
                problems.push(problem);
            }
        }
        problems
    }
}
