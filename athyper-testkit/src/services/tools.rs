//! Where the programs of services are.

use std::env;
use std::path::PathBuf;

/// The path of a program: from `ATHYPER_TOOLS`, from the tools below the target folder, or by its name from the `PATH`.
pub(super) fn program(name: &str) -> PathBuf {
    let said = env::var_os("ATHYPER_TOOLS").map(PathBuf::from);
    // Test programs lie in <target>/<profile>/deps.
    let own = env::current_exe().ok().and_then(|path| Some(path.ancestors().nth(3)?.join("tools")));
    let places = said.into_iter().chain(own).map(|tools| tools.join("bin").join(name));
    places.into_iter().find(|path| path.exists()).unwrap_or_else(|| PathBuf::from(name))
}
