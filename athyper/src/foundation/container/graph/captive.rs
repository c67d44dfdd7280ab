//! What lives for a request and is held by something that lives longer.

use std::collections::VecDeque;

use super::Graph;
use super::reach::{Reached, Wanting};
use crate::foundation::container::{Scope, Want};
use crate::foundation::problem::{Problem, ProblemClass, Problems};

impl Graph {
    /// Singletons, and roots outside of any request, that hold a request's component: directly, through transient ones, or
    /// lazily, for a `Lazy` in a singleton has no request to look into either.
    pub(super) fn find_captives(&self, reached: &Reached<'_>) -> Problems {
        let mut problems = Problems::new();
        for wanting in reached.wanting.iter().filter(|wanting| self.is_outside(wanting)) {
            let mut seen = vec![false; self.nodes.len()];
            let mut queue: VecDeque<Vec<(&str, &Want)>> = VecDeque::new();
            queue.extend(wanting.wants.iter().map(|want| vec![(wanting.label, want)]));
            while let Some(way) = queue.pop_front() {
                let Some((_, want)) = way.last() else { continue };
                for index in self.providers(want) {
                    let node = &self.nodes[*index];
                    if std::mem::replace(&mut seen[*index], true) {
                        continue;
                    }
                    match node.scope {
                        Scope::Singleton => {}
                        Scope::Request => problems.push(self.captive(wanting, &way, *index)),
                        Scope::Transient => queue.extend(
                            node.wants.iter().map(|want| way.iter().copied().chain([(&*node.label, want)]).collect()),
                        ),
                    }
                }
            }
        }
        problems
    }

    /// Whether it outlives or knows no request. A transient component lives as long as whoever wants it.
    fn is_outside(&self, wanting: &Wanting<'_>) -> bool {
        match wanting.node {
            Some(_) => wanting.scope == Scope::Singleton,
            None => wanting.scope != Scope::Request,
        }
    }

    fn captive(&self, wanting: &Wanting<'_>, way: &[(&str, &Want)], held: usize) -> Problem {
        let held = &self.nodes[held];
        let (holder, shorter) = match wanting.node {
            Some(index) => (format!("`{}` lives as long as the kernel", self.nodes[index].key), true),
            None => (format!("{} runs outside of any request", wanting.label), false),
        };
        let what = format!("{holder} and wants `{}`, which lives as long as a request", held.key);
        let mut problem = Problem::new(ProblemClass::Wiring, "ATH-GRAPH-CAPTIVE", what);
        for (label, want) in way {
            let text = format!("{label}, {} is `{}`", want.label, want.key);
            problem = problem.with_detail("holds", text, Some(want.place.to_string()));
        }
        problem = problem.with_detail("request", held.label.clone(), Some(held.place.to_string()));
        problem.with_fix(if shorter {
            format!("put `#[inject(scope = request)]` on the holder, or hand `{}` to its methods", held.key.named(None))
        } else {
            format!("make `{}` a singleton, or want it in a job or a handler", held.key.named(None))
        })
    }
}
