//! R5 and R6: where other crates may be named, and where cargo features may.

use std::collections::BTreeMap;

use super::imports::{Target, layer, targets, within};
use super::report::{Report, Rule};
use super::tree::Tree;

const MANIFEST: &str = "athyper/Cargo.toml";
const FACADE: &[&str] = &["lib.rs", "prelude.rs", "private.rs"];

pub(crate) fn check_crates(tree: &Tree, report: &mut Report) {
    for name in tree.crates.iter().filter(|name| !tree.policy.homes.contains_key(*name)) {
        report.add(Rule::R5, MANIFEST, 0, format!("`{name}` has no home in the table of crates"));
    }
    for name in tree.policy.homes.keys().filter(|name| !tree.crates.contains(*name)) {
        report.add(Rule::R5, MANIFEST, 0, format!("the table of crates lists `{name}`, which is no dependency"));
    }
    let homes: BTreeMap<String, (&String, &Vec<String>)> =
        tree.policy.homes.iter().map(|(name, homes)| (name.replace('-', "_"), (name, homes))).collect();
    for (_, file) in tree.library().filter(|(_, file)| layer(&file.scan.module) != "facade") {
        for (mention, target) in targets(tree, file) {
            let Target::Crate(name) = target else { continue };
            let Some((name, homes)) = homes.get(&name) else { continue };
            let in_test = mention.test || tree.is_test(&file.scan.module);
            if !in_test && !homes.iter().any(|home| within(&file.scan.module, home)) {
                let place = if homes.is_empty() { "the facade".to_owned() } else { homes.join(", ") };
                report.add(Rule::R5, &file.path, mention.line, format!("`{name}` may be named only in {place}"));
            }
        }
    }
}

pub(crate) fn check_features(tree: &Tree, report: &mut Report) {
    for (path, file) in tree.library().filter(|(path, _)| !FACADE.contains(path)) {
        for used in &file.scan.feature_uses {
            if path != "adapters/mod.rs" || used.on != "mod" {
                let features = used.features.join(", ");
                let message = format!(
                    "`cfg(feature)` ({features}) on `{}`: it stands on the `mod` line in adapters/mod.rs",
                    used.on
                );
                report.add(Rule::R6, &file.path, used.line, message);
            }
        }
    }
    let gates: BTreeMap<&str, (&[String], usize)> = tree
        .library()
        .filter(|(path, _)| *path == "adapters/mod.rs")
        .flat_map(|(_, file)| &file.scan.modules)
        .filter_map(|declared| Some((declared.path.get(1)?.as_str(), (declared.features.as_slice(), declared.line))))
        .collect();
    for feature in tree.features.iter().filter(|feature| !tree.policy.odd_features.contains_key(*feature)) {
        if !gates.contains_key(feature.as_str()) {
            report.add(Rule::R6, MANIFEST, 0, format!("feature `{feature}` has no folder under adapters"));
        }
    }
    for (folder, (features, line)) in gates {
        let expected = match tree.policy.shared_adapters.get(folder) {
            Some(users) => users.clone(),
            None => vec![folder.to_owned()],
        };
        let mut named = features.to_vec();
        named.sort();
        if named != expected || !named.iter().all(|feature| tree.features.contains(feature)) {
            let message = format!("folder `{folder}` must stand behind the feature {}", expected.join(" or "));
            report.add(Rule::R6, "athyper/src/adapters/mod.rs", line, message);
        }
    }
}
