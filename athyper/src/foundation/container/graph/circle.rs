//! Components that need each other before any of them can be built.

use std::collections::VecDeque;

use super::Graph;
use super::reach::Reached;
use crate::foundation::container::{Want, WantMode};
use crate::foundation::problem::{Problem, ProblemClass, Problems};

/// For each provider what it needs, and whose want that is.
type Edges<'a> = Vec<Vec<(usize, &'a Want)>>;

/// Providers in a row with the want that leads to the next; the last one leads back to the first.
type Circle<'a> = Vec<(usize, &'a Want)>;

impl Graph {
    /// As many circles as it takes: when the last want of each is gone, none is left.
    pub(super) fn find_circles(&self, reached: &Reached<'_>) -> Problems {
        let mut edges: Edges<'_> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let wants = node.wants.iter().filter(|want| reached.nodes[index] && want.mode != WantMode::Lazy);
                wants.flat_map(|want| self.providers(want).iter().map(move |target| (*target, want))).collect()
            })
            .collect();
        let mut problems = Problems::new();
        for start in 0..self.nodes.len() {
            while let Some(circle) = shortest_circle(&edges, start) {
                if let Some((last, closing)) = circle.last() {
                    edges[*last].retain(|(target, want)| *target != start || !std::ptr::eq(*want, *closing));
                }
                problems.push(self.circle(&circle));
            }
        }
        problems
    }

    fn circle(&self, circle: &Circle<'_>) -> Problem {
        let first = circle.first().into_iter();
        let names: Vec<String> =
            circle.iter().chain(first).map(|(index, _)| format!("`{}`", self.nodes[*index].key)).collect();
        let what = format!("circle: {}", names.join(" → "));
        let mut problem = Problem::new(ProblemClass::Wiring, "ATH-GRAPH-CYCLE", what);
        for (index, want) in circle {
            let text = format!("{}, {} is `{}`", self.nodes[*index].label, want.label, want.key);
            problem = problem.with_detail("needs", text, Some(want.place.to_string()));
        }
        let lazy = circle.last().map(|(_, want)| want.key.named(None).to_string()).unwrap_or_default();
        problem.with_fix(format!(
            "let one of them want the next as `Lazy<…>`, such as `Lazy<{lazy}>`, and use it after construction"
        ))
    }
}

/// The shortest way from a provider back to itself.
fn shortest_circle<'a>(edges: &Edges<'a>, start: usize) -> Option<Circle<'a>> {
    let mut came_from: Vec<Option<(usize, &Want)>> = vec![None; edges.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for (target, want) in &edges[node] {
            if came_from[*target].is_some() {
                continue;
            }
            came_from[*target] = Some((node, want));
            if *target == start {
                let mut circle: Circle<'_> = Vec::new();
                let mut step = came_from[start];
                while let Some((from, want)) = step {
                    circle.push((from, want));
                    step = if from == start { None } else { came_from[from] };
                }
                circle.reverse();
                return Some(circle);
            }
            queue.push_back(*target);
        }
    }
    None
}
