//! R1, R2 and R4: what may import what.

use std::collections::BTreeMap;

use super::report::{Report, Rule};
use super::scan::Mention;
use super::tree::{File, Tree};

/// What a path means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// A path of the library, below its root.
    Library(Vec<String>),
    /// A crate by its name in code.
    Crate(String),
}

/// Every path a library file mentions, with what it means.
pub(crate) fn targets<'t>(tree: &'t Tree, file: &'t File) -> Vec<(&'t Mention, Target)> {
    let mentions = &file.scan.mentions;
    let names: BTreeMap<&str, Target> =
        mentions.iter().filter_map(|mention| Some((mention.import.as_deref()?, resolve(tree, mention)))).collect();
    mentions
        .iter()
        .map(|mention| {
            let named =
                (mention.import.is_none() && !mention.absolute).then(|| names.get(mention.segments[0].as_str()));
            let target = match named.flatten() {
                Some(Target::Library(path)) => {
                    Target::Library(path.iter().chain(&mention.segments[1..]).cloned().collect())
                }
                Some(other) => other.clone(),
                None => resolve(tree, mention),
            };
            (mention, target)
        })
        .collect()
}

fn resolve(tree: &Tree, mention: &Mention) -> Target {
    let Mention { module, segments, .. } = mention;
    let first = segments.first().map_or("", String::as_str);
    let child: Vec<String> = module.iter().chain(segments.first()).cloned().collect();
    match first {
        "crate" => Target::Library(segments[1..].to_vec()),
        "self" => Target::Library(module.iter().chain(&segments[1..]).cloned().collect()),
        "super" => {
            let steps = segments.iter().take_while(|segment| *segment == "super").count();
            let base = module.len().saturating_sub(steps);
            Target::Library(module[..base].iter().chain(&segments[steps..]).cloned().collect())
        }
        _ if !mention.absolute && tree.is_module(&child) => {
            Target::Library(module.iter().chain(segments).cloned().collect())
        }
        _ => Target::Crate(first.to_owned()),
    }
}

/// The layer a path of the library lies in.
pub(crate) fn layer(path: &[String]) -> &str {
    match path.first().map(String::as_str) {
        Some(layer @ ("foundation" | "adapters" | "runtime")) => layer,
        _ => "facade",
    }
}

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (_, file) in tree.library() {
        for (mention, target) in targets(tree, file) {
            let Target::Library(to) = target else { continue };
            direction(tree, file, mention, &to, report);
            isolation(tree, file, mention, &to, report);
        }
    }
    for file in &tree.files {
        globs(tree, file, report);
    }
}

fn direction(tree: &Tree, file: &File, mention: &Mention, to: &[String], report: &mut Report) {
    let (from_layer, to_layer) = (layer(&file.scan.module), layer(to));
    let allowed = tree.policy.layers.get(from_layer).is_some_and(|layers| layers.iter().any(|layer| layer == to_layer));
    let excepted = tree.policy.excepted_edges.iter().any(|(from, targets)| {
        within(&file.scan.module, from) && targets.iter().any(|target| to.first() == Some(target))
    });
    if !allowed && !excepted {
        let path = to.join("::");
        let message = format!("`{from_layer}` must not import `{to_layer}` (crate::{path})");
        report.add(Rule::R1, &file.path, mention.line, message);
    }
}

fn isolation(tree: &Tree, file: &File, mention: &Mention, to: &[String], report: &mut Report) {
    if layer(&file.scan.module) != "adapters" || layer(to) != "adapters" {
        return;
    }
    let (Some(from), Some(to)) = (file.scan.module.get(1), to.get(1)) else { return };
    let shared = tree.policy.shared_adapters.get(to).is_some_and(|users| users.contains(from));
    if from != to && !shared {
        let message = format!("adapter `{from}` must not import adapter `{to}`");
        report.add(Rule::R2, &file.path, mention.line, message);
    }
}

fn globs(tree: &Tree, file: &File, report: &mut Report) {
    let library = ["athyper/src/", "athyper-macros/src/", "athyper-testkit/src/"];
    let is_library = library.iter().any(|folder| file.path.starts_with(folder));
    for mention in file.scan.mentions.iter().filter(|mention| mention.glob) {
        let test = mention.test || tree.is_test(&file.scan.module) || file.path.contains("/tests/");
        let own_parent = test && mention.segments == ["super"];
        let prelude = !is_library && mention.segments.last().is_some_and(|last| last == "prelude");
        if !own_parent && !prelude {
            let path = mention.segments.join("::");
            report.add(Rule::R4, &file.path, mention.line, format!("name what is used instead of `{path}::*`"));
        }
    }
}

/// Whether a module lies at or below a path written with slashes.
pub(crate) fn within(module: &[String], home: &str) -> bool {
    let home: Vec<&str> = home.split('/').collect();
    module.len() >= home.len() && module.iter().zip(&home).all(|(part, other)| part == other)
}
