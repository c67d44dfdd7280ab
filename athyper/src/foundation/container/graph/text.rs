//! The graph as text for people and drawing programs: Mermaid (<https://mermaid.js.org/syntax/flowchart.html>) and
//! Graphviz DOT (<https://graphviz.org/doc/info/lang.html>).

use std::fmt::Write;

use super::{Graph, GraphNode};
use crate::foundation::container::{Scope, Want, WantMode};

/// One arrow: from an id to an id, and how.
struct Arrow {
    from: String,
    to: String,
    mode: WantMode,
}

impl Graph {
    /// The graph as a Mermaid flowchart: roots are stadiums, singletons boxes, what lives for a request has round
    /// corners, transient components are hexagons; what is built later is dotted.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (index, root) in self.roots.iter().enumerate() {
            line(&mut text, format_args!("    r{index}([\"{}\"])", mermaid(&root.label)));
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let (open, close) = match node.scope {
                Scope::Singleton => ("[", "]"),
                Scope::Request => ("(", ")"),
                Scope::Transient => ("{{", "}}"),
            };
            line(&mut text, format_args!("    n{index}{open}\"{}\"{close}", mermaid(&title(node))));
        }
        let (arrows, missing) = self.arrows();
        for (index, key) in missing.iter().enumerate() {
            line(&mut text, format_args!("    m{index}>\"nothing provides {}\"]", mermaid(key)));
        }
        for Arrow { from, to, mode } in arrows {
            let arrow = match mode {
                WantMode::Lazy => "-. lazy .->",
                WantMode::Optional => "-- optional -->",
                WantMode::All => "-- all -->",
                WantMode::Required | WantMode::Config => "-->",
            };
            line(&mut text, format_args!("    {from} {arrow} {to}"));
        }
        text
    }

    /// The graph in the language of Graphviz, with the same shapes as far as it has them.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut text = String::from("digraph components {\n    rankdir=LR;\n");
        for (index, root) in self.roots.iter().enumerate() {
            line(&mut text, format_args!("    r{index} [shape=ellipse, label=\"{}\"];", dot(&root.label)));
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let shape = match node.scope {
                Scope::Singleton => "shape=box",
                Scope::Request => "shape=box, style=rounded",
                Scope::Transient => "shape=hexagon",
            };
            line(&mut text, format_args!("    n{index} [{shape}, label=\"{}\"];", dot(&title(node))));
        }
        let (arrows, missing) = self.arrows();
        for (index, key) in missing.iter().enumerate() {
            line(&mut text, format_args!("    m{index} [shape=note, label=\"nothing provides {}\"];", dot(key)));
        }
        for Arrow { from, to, mode } in arrows {
            let attributes = match mode {
                WantMode::Lazy => " [style=dotted, label=lazy]",
                WantMode::Optional => " [label=optional]",
                WantMode::All => " [label=all]",
                WantMode::Required | WantMode::Config => "",
            };
            line(&mut text, format_args!("    {from} -> {to}{attributes};"));
        }
        text.push_str("}\n");
        text
    }

    /// Every arrow, in the order of the one that wants, and the keys that nothing provides.
    fn arrows(&self) -> (Vec<Arrow>, Vec<String>) {
        let of_roots = self.roots.iter().enumerate().map(|(index, root)| (format!("r{index}"), &root.wants));
        let of_nodes = self.nodes.iter().enumerate().map(|(index, node)| (format!("n{index}"), &node.wants));
        let mut arrows = Vec::new();
        let mut missing: Vec<String> = Vec::new();
        for (from, wants) in of_roots.chain(of_nodes) {
            for want in wants {
                let targets = self.targets(want, &mut missing);
                arrows.extend(targets.into_iter().map(|to| Arrow { from: from.clone(), to, mode: want.mode }));
            }
        }
        (arrows, missing)
    }

    fn targets(&self, want: &Want, missing: &mut Vec<String>) -> Vec<String> {
        let providers = self.providers(want);
        if !providers.is_empty() || matches!(want.mode, WantMode::Optional | WantMode::All) {
            return providers.iter().map(|index| format!("n{index}")).collect();
        }
        let key = want.key.to_string();
        let known = missing.iter().position(|other| *other == key);
        let index = known.unwrap_or_else(|| {
            missing.push(key);
            missing.len() - 1
        });
        vec![format!("m{index}")]
    }
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{words}");
}

fn title(node: &GraphNode) -> String {
    node.keys().map(|key| key.to_string()).collect::<Vec<_>>().join(", ")
}

/// Mermaid takes character references inside of quotes and no back-slash.
fn mermaid(words: &str) -> String {
    words.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

fn dot(words: &str) -> String {
    words.replace('\\', "\\\\").replace('"', "\\\"")
}
