//! What is wanted and nobody provides.

use super::reach::{Reached, Wanting};
use super::{Graph, is_trait, nearest_key};
use crate::foundation::container::{TypeKey, Want, WantMode};
use crate::foundation::problem::{Problem, ProblemClass, Problems};

impl Graph {
    pub(super) fn find_missing(&self, reached: &Reached<'_>) -> Problems {
        let mut missing: Vec<(TypeKey, Vec<(&Wanting<'_>, &Want)>)> = Vec::new();
        for (wanting, want) in reached.wants() {
            let may_be_missing = matches!(want.mode, WantMode::Optional | WantMode::All);
            if may_be_missing || !self.providers(want).is_empty() {
                continue;
            }
            match missing.iter_mut().find(|(key, _)| *key == want.key) {
                Some((_, wants)) => wants.push((wanting, want)),
                None => missing.push((want.key, vec![(wanting, want)])),
            }
        }
        let mut problems = Problems::new();
        for (key, wants) in missing {
            problems.push(self.missing(key, &wants));
        }
        problems
    }

    fn missing(&self, key: TypeKey, wants: &[(&Wanting<'_>, &Want)]) -> Problem {
        let what = format!("nothing provides `{key}`");
        let mut problem = Problem::new(ProblemClass::Wiring, "ATH-GRAPH-MISSING", what);
        for (wanting, want) in wants {
            let text = format!("{}, {}", wanting.label, want.label);
            problem = problem.with_detail("wanted by", text, Some(want.place.to_string()));
        }
        let config = wants.iter().any(|(_, want)| want.mode == WantMode::Config);
        let near = nearest_key(key, self.providers.keys().copied());
        let provider =
            near.and_then(|near| self.providers.get(&near)?.first().map(|index| (near, &self.nodes[*index])));
        let Some((near, node)) = provider else { return problem.with_fix(provide(key, config)) };
        let same_words = near.to_string() == key.to_string();
        let text = if same_words {
            format!("`{}`, {}", near.type_name(), node.label)
        } else {
            format!("`{near}`, {}", node.label)
        };
        problem = problem.with_detail("nearest", text, Some(node.place.to_string()));
        let fix = if same_words {
            format!("`{}` is wanted: import the type that is provided, or {}", key.type_name(), provide(key, config))
        } else {
            match hint(key, near) {
                Some(hint) => format!("{hint}, or {}", provide(key, config)),
                None => provide(key, config),
            }
        };
        problem.with_fix(fix)
    }
}

/// What to write where a nearby key was found.
fn hint(key: TypeKey, near: TypeKey) -> Option<String> {
    if key.type_id() == near.type_id() {
        return Some(match near.name() {
            Some(name) => format!("say which: `#[inject(name = \"{name}\")]`"),
            None => "leave the name out".to_owned(),
        });
    }
    match (is_trait(key), is_trait(near)) {
        (true, false) => Some(format!("bind it with `#[inject(as = {key})]` if `{near}` implements it")),
        (false, true) => Some(format!("want `Arc<{near}>`")),
        _ => None,
    }
}

fn provide(key: TypeKey, config: bool) -> String {
    let plain = key.named(None);
    let (named, argument) = match key.name() {
        Some(name) => (format!("(name = \"{name}\")"), format!("Provide::value(…).named(\"{name}\")")),
        None => (String::new(), "…".to_owned()),
    };
    match (config, is_trait(key), key.name().is_some()) {
        (true, ..) => format!("put `#[derive(Config)]` on `{plain}`, or `.config::<{plain}>()` on the builder"),
        (_, true, false) => {
            format!(
                "add `#[inject] async fn …() -> Result<Arc<{plain}>>`, or `.provide_dyn::<{plain}>(…)` on the builder"
            )
        }
        (_, true, true) => {
            format!("add `#[inject{named}] async fn …() -> Result<Arc<{plain}>>`, or `.add({argument})` on the builder")
        }
        (_, false, false) => format!("put `#[inject]` on `{plain}`, or `.provide(…)` on the builder"),
        (_, false, true) => format!("put `#[inject{named}]` on `{plain}`, or `.add({argument})` on the builder"),
    }
}
