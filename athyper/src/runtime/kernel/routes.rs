//! What HTTP handlers inject, as roots of the object graph.

use crate::foundation::container::{GraphNode, GraphRoot, Scope, TypeKey, Want, WantMode};
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::runtime::http::RouteDescription;

/// The roots that routes add to the graph, and what is missing for them altogether.
pub(super) fn find_roots(routes: &[RouteDescription], nodes: &[GraphNode]) -> (Vec<GraphRoot>, Problems) {
    let mut roots = Vec::new();
    let mut problems = Problems::new();
    for route in routes {
        let label = format!("route {} {}, handler `{}`", route.method, route.path, short_name(route.handler));
        let mut wants = Vec::new();
        for name in &route.injects {
            match provided_as(name, nodes) {
                Some(key) => {
                    wants.push(Want {
                        key,
                        mode: WantMode::Required,
                        label: "an `Inject` parameter",
                        place: route.place,
                    });
                }
                None => problems.push(
                    Problem::new(
                        ProblemClass::Wiring,
                        "ATH-GRAPH-MISSING",
                        format!("nothing provides `{}`", short_name(name)),
                    )
                    .with_detail("wanted by", label.clone(), Some(route.place.to_string()))
                    .with_fix(format!(
                        "mark `{}` with `#[inject]`, or `.provide(…)` it on the builder",
                        short_name(name)
                    )),
                ),
            }
        }
        if !wants.is_empty() {
            roots.push(GraphRoot { label, place: route.place, scope: Scope::Request, wants });
        }
    }
    (roots, problems)
}

fn provided_as(type_name: &str, nodes: &[GraphNode]) -> Option<TypeKey> {
    nodes
        .iter()
        .flat_map(|node| std::iter::once(node.key).chain(node.bindings.iter().copied()))
        .find(|key| key.name().is_none() && key.type_name() == type_name)
}

/// The type's name with the paths of its parts left out.
fn short_name(type_name: &str) -> String {
    let mut text = String::new();
    let mut segment_start = 0;
    for character in type_name.chars() {
        match character {
            ':' => text.truncate(segment_start),
            _ if character.is_alphanumeric() || character == '_' => text.push(character),
            _ => {
                text.push(character);
                segment_start = text.len();
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn paths_are_left_out_of_names() {
        assert_eq!(short_name("shop::store::Repository<shop::User>"), "Repository<User>");
        assert_eq!(short_name("dyn shop::mail::Mailer"), "dyn Mailer");
        assert_eq!(short_name("shop::sign_up"), "sign_up");
    }
}
