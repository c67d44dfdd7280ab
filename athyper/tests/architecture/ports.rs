//! R7: an adapter implements a port in the file named after it.

use super::imports::layer;
use super::report::{Report, Rule};
use super::tree::Tree;

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (_, file) in tree.library().filter(|(_, file)| layer(&file.scan.module) == "adapters") {
        for implemented in file.scan.implemented.iter().filter(|implemented| !implemented.test) {
            let Some(stem) = tree.policy.ports.get(&implemented.port).and_then(|cells| cells.first()) else { continue };
            if file.scan.module.get(2) != Some(stem) {
                let message =
                    format!("`{}` is implemented in `{stem}.rs`, or in a folder of that name", implemented.port);
                report.add(Rule::R7, &file.path, implemented.line, message);
            }
        }
    }
}
