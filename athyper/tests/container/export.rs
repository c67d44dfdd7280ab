//! The graph as text.

use athyper::container::{Graph, GraphNode, GraphRoot, Place, Scope, TypeKey, Want, WantMode};

trait Mailer: Send + Sync {}
struct Smtp;
struct Users<T>(T);

fn place(line: u32) -> Place {
    Place { file: "src/main.rs", line, column: 1 }
}

fn want<T: ?Sized + 'static>(mode: WantMode) -> Want {
    Want { key: TypeKey::of::<T>(), mode, label: "field", place: place(9) }
}

fn node<T: 'static>(scope: Scope, line: u32, wants: Vec<Want>) -> GraphNode {
    GraphNode {
        key: TypeKey::of::<T>(),
        bindings: vec![],
        scope,
        order: 0,
        label: "struct".into(),
        place: place(line),
        module: "app",
        wants,
        closes: false,
    }
}

fn nodes() -> Vec<GraphNode> {
    let mut smtp = node::<Smtp>(Scope::Singleton, 1, vec![want::<u8>(WantMode::Optional)]);
    smtp.bindings.push(TypeKey::of::<dyn Mailer>());
    vec![
        smtp,
        node::<Users<String>>(Scope::Request, 2, vec![want::<dyn Mailer>(WantMode::All), want::<u16>(WantMode::Lazy)]),
        node::<u16>(Scope::Transient, 3, vec![want::<u64>(WantMode::Required)]),
    ]
}

fn graph(nodes: Vec<GraphNode>) -> Graph {
    let root = GraphRoot {
        label: "job \"welcome\"".into(),
        place: place(4),
        scope: Scope::Request,
        wants: vec![want::<Users<String>>(WantMode::Required), want::<u64>(WantMode::Required)],
    };
    Graph::new(nodes, vec![root])
}

#[test]
fn mermaid_shows_roots_providers_and_what_is_missing() {
    assert_eq!(
        graph(nodes()).to_mermaid(),
        r#"flowchart LR
    r0(["job &quot;welcome&quot;"])
    n0["Smtp, dyn Mailer"]
    n1("Users&lt;String&gt;")
    n2{{"u16"}}
    m0>"nothing provides u64"]
    r0 --> n1
    r0 --> m0
    n1 -- all --> n0
    n1 -. lazy .-> n2
    n2 --> m0
"#
    );
}

#[test]
fn dot_shows_the_same() {
    assert_eq!(
        graph(nodes()).to_dot(),
        r#"digraph components {
    rankdir=LR;
    r0 [shape=ellipse, label="job \"welcome\""];
    n0 [shape=box, label="Smtp, dyn Mailer"];
    n1 [shape=box, style=rounded, label="Users<String>"];
    n2 [shape=hexagon, label="u16"];
    m0 [shape=note, label="nothing provides u64"];
    r0 -> n1;
    r0 -> m0;
    n1 -> n0 [label=all];
    n1 -> n2 [style=dotted, label=lazy];
    n2 -> m0;
}
"#
    );
}

#[test]
fn the_order_of_registration_does_not_count() {
    let text = graph(nodes()).to_mermaid();
    let mut turned = nodes();
    turned.reverse();
    assert_eq!(graph(turned).to_mermaid(), text);
}
