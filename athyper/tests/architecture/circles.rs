//! R3: the modules of a layer form no circle, and the runtime keeps its order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::imports::{Target, layer, targets};
use super::report::{Report, Rule};
use super::tree::Tree;

/// Module → modules it imports, each with a file and line that does.
type Graph<'t> = BTreeMap<String, BTreeMap<String, (&'t str, usize)>>;

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for name in ["foundation", "runtime"] {
        let graph = graph_of(tree, name);
        for circle in components(&graph) {
            let steps = shortest(&graph, &circle);
            let shown: Vec<String> = steps
                .iter()
                .map(|(from, to)| {
                    let (file, line) = graph[from][to];
                    format!("{from} → {to} ({file}:{line})")
                })
                .collect();
            let (file, line) = graph[&steps[0].0][&steps[0].1];
            report.add(Rule::R3, file, line, format!("a circle in `{name}`: {}", shown.join(", ")));
        }
        if name == "runtime" {
            order(tree, &graph, report);
        }
    }
}

fn graph_of<'t>(tree: &'t Tree, name: &str) -> Graph<'t> {
    let mut graph = Graph::new();
    for (_, file) in tree.library().filter(|(_, file)| layer(&file.scan.module) == name) {
        let Some(from) = file.scan.module.get(1) else { continue };
        let edges = graph.entry(from.clone()).or_default();
        for (mention, target) in targets(tree, file) {
            let Target::Library(to) = target else { continue };
            let in_test = mention.test || tree.is_test(&file.scan.module);
            if layer(&to) == name
                && !in_test
                && let Some(to) = to.get(1).filter(|to| *to != from)
            {
                edges.entry(to.clone()).or_insert((&file.path, mention.line));
            }
        }
    }
    graph
}

fn order(tree: &Tree, graph: &Graph<'_>, report: &mut Report) {
    for (from, edges) in graph {
        let Some(allowed) = tree.policy.runtime_order.get(from) else {
            let file = format!("athyper/src/runtime/{from}");
            report.add(Rule::R3, &file, 0, format!("`{from}` is missing in the table of the runtime's order"));
            continue;
        };
        for (to, (file, line)) in edges.iter().filter(|(to, _)| !allowed.contains(to)) {
            report.add(Rule::R3, file, *line, format!("the runtime's order does not let `{from}` import `{to}`"));
        }
    }
}

/// Tarjan's strongly connected components of two modules or more.
fn components(graph: &Graph<'_>) -> Vec<BTreeSet<String>> {
    #[derive(Default)]
    struct Search<'g> {
        index: BTreeMap<&'g str, usize>,
        low: BTreeMap<&'g str, usize>,
        stack: Vec<&'g str>,
        found: Vec<BTreeSet<String>>,
    }
    fn visit<'g>(graph: &'g Graph<'_>, node: &'g str, search: &mut Search<'g>) {
        let number = search.index.len();
        search.index.insert(node, number);
        search.low.insert(node, number);
        search.stack.push(node);
        for next in graph.get(node).into_iter().flat_map(BTreeMap::keys) {
            if !search.index.contains_key(next.as_str()) {
                visit(graph, next, search);
                let low = search.low[node].min(search.low[next.as_str()]);
                search.low.insert(node, low);
            } else if search.stack.contains(&next.as_str()) {
                let low = search.low[node].min(search.index[next.as_str()]);
                search.low.insert(node, low);
            }
        }
        if search.low[node] == number {
            let start = search.stack.iter().position(|on_stack| *on_stack == node).expect("a visited node is stacked");
            let component: BTreeSet<String> = search.stack.drain(start..).map(str::to_owned).collect();
            if component.len() > 1 {
                search.found.push(component);
            }
        }
    }
    let mut search = Search::default();
    for node in graph.keys() {
        if !search.index.contains_key(node.as_str()) {
            visit(graph, node, &mut search);
        }
    }
    search.found
}

/// The shortest circle within a component, as its edges.
fn shortest(graph: &Graph<'_>, component: &BTreeSet<String>) -> Vec<(String, String)> {
    component
        .iter()
        .filter_map(|start| circle_through(graph, component, start))
        .min_by_key(Vec::len)
        .expect("a component of two modules has a circle")
}

/// Breadth first from `start` back to itself.
fn circle_through(graph: &Graph<'_>, component: &BTreeSet<String>, start: &str) -> Option<Vec<(String, String)>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for next in graph.get(node)?.keys().filter(|next| component.contains(*next)) {
            if next == start {
                let mut edges = vec![(node.to_owned(), start.to_owned())];
                let mut at = node;
                while at != start {
                    let before = came_from[at];
                    edges.insert(0, (before.to_owned(), at.to_owned()));
                    at = before;
                }
                return Some(edges);
            }
            if !came_from.contains_key(next.as_str()) {
                came_from.insert(next, node);
                queue.push_back(next);
            }
        }
    }
    None
}
