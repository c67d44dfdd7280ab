//! The files that are judged: of the repository, or of a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::policy::Policy;
use super::scan::Scan;

/// One source file: its path below the repository's root, and what its tokens say.
#[derive(Debug)]
pub(crate) struct File {
    /// Such as `athyper/src/runtime/jobs/pool.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) scan: Scan,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let scan = Scan::of(path, text);
        Self { path: path.to_owned(), text: text.to_owned(), scan }
    }

    /// The path below `athyper/src/`, for the library's own files.
    pub(crate) fn in_library(&self) -> Option<&str> {
        self.path.strip_prefix("athyper/src/")
    }
}

/// Everything a rule may look at.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) policy: Policy,
    pub(crate) files: Vec<File>,
    /// The library's cargo features.
    pub(crate) features: BTreeSet<String>,
    /// The library's dependencies, as the manifest spells them.
    pub(crate) crates: BTreeSet<String>,
    /// Modules of the library, as paths: what a relative path can mean.
    modules: BTreeSet<Vec<String>>,
    /// Modules that exist only in tests.
    test_modules: BTreeSet<Vec<String>>,
}

impl Tree {
    /// A tree of given files.
    pub(crate) fn new(policy: Policy, manifest: &str, files: Vec<File>) -> Self {
        let manifest: toml::Table = manifest.parse().expect("athyper/Cargo.toml is TOML");
        let keys = |name: &str| -> BTreeSet<String> {
            manifest
                .get(name)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flat_map(|table| table.keys().cloned())
                .collect()
        };
        let mut modules = BTreeSet::new();
        let mut test_modules = BTreeSet::new();
        for file in files.iter().filter(|file| file.in_library().is_some()) {
            modules.insert(file.scan.module.clone());
            for declared in &file.scan.modules {
                modules.insert(declared.path.clone());
                if declared.test {
                    test_modules.insert(declared.path.clone());
                }
            }
        }
        Self { policy, features: keys("features"), crates: keys("dependencies"), files, modules, test_modules }
    }

    /// The repository this test belongs to.
    pub(crate) fn of_the_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut sources = BTreeMap::new();
        for folder in ["athyper", "athyper-macros", "athyper-testkit", "benches", "drills", "examples"] {
            collect(root, &root.join(folder), &mut sources);
        }
        assert!(sources.len() > 40, "only {} source files found below {}", sources.len(), root.display());
        let files = sources.iter().map(|(path, text)| File::new(path, text)).collect();
        Self::new(Policy::parse(&read("ARCHITECTURE.md")), &read("athyper/Cargo.toml"), files)
    }

    /// The library's files with the path below `src`.
    pub(crate) fn library(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().filter_map(|file| file.in_library().map(|path| (path, file)))
    }

    /// Whether the library has this module.
    pub(crate) fn is_module(&self, path: &[String]) -> bool {
        self.modules.contains(path)
    }

    /// Whether this module, or one around it, exists only in tests.
    pub(crate) fn is_test(&self, path: &[String]) -> bool {
        (1..=path.len()).any(|length| self.test_modules.contains(&path[..length]))
    }
}

/// Every `.rs` file below `folder`, build output and compile-fail cases (which are wrong on purpose) excepted.
fn collect(root: &Path, folder: &Path, sources: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(|entry| entry.expect("a readable folder")) {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target" && name != "ui" && name != "compile_fail" {
                collect(root, &path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            sources.insert(relative, fs::read_to_string(&path).expect("a readable file"));
        }
    }
}
