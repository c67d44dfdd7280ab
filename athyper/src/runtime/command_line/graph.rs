//! `graph`: who provides what to whom.

use serde_json::{Value, json};

use super::Output;
use super::arguments::Drawing;
use crate::foundation::container::{Scope, Want, WantMode};
use crate::runtime::kernel::Kernel;

pub(super) fn draw(kernel: &Kernel, format: Drawing) -> Output {
    Output::text(match format {
        Drawing::Mermaid => kernel.graph().to_mermaid(),
        Drawing::Dot => kernel.graph().to_dot(),
    })
}

/// The same for programs.
pub(super) fn list(kernel: &Kernel) -> Output {
    let graph = kernel.graph();
    let components = graph.nodes().iter().map(|node| {
        json!({
            "label": node.label,
            "keys": std::iter::once(&node.key).chain(&node.bindings).map(ToString::to_string).collect::<Vec<_>>(),
            "scope": scope(node.scope),
            "wants": wants(&node.wants),
            "place": node.place.to_string(),
            "module": node.module,
        })
    });
    let roots = graph.roots().iter().map(|root| {
        json!({ "label": root.label, "scope": scope(root.scope), "wants": wants(&root.wants), "place": root.place.to_string() })
    });
    Output::json(&json!({
        "components": components.collect::<Vec<_>>(),
        "roots": roots.collect::<Vec<_>>(),
    }))
}

fn wants(wants: &[Want]) -> Vec<Value> {
    let one = |want: &Want| {
        let mode = match want.mode {
            WantMode::Required => "required",
            WantMode::Optional => "optional",
            WantMode::All => "all",
            WantMode::Lazy => "lazy",
            WantMode::Config => "config",
        };
        json!({ "key": want.key.to_string(), "mode": mode, "label": want.label })
    };
    wants.iter().map(one).collect()
}

const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Singleton => "singleton",
        Scope::Request => "request",
        Scope::Transient => "transient",
    }
}
