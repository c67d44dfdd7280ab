//! The rules as data, read from the tables of `ARCHITECTURE.md`.

use std::collections::BTreeMap;

/// A table: first column → the cells of the others, each a list of the words in backticks.
type Table = BTreeMap<String, Vec<String>>;

/// What `ARCHITECTURE.md` says.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Layer → layers it may import.
    pub(crate) layers: Table,
    /// Module → facade module it may import although its layer may not.
    pub(crate) excepted_edges: Table,
    /// Runtime module → runtime modules it may import.
    pub(crate) runtime_order: Table,
    /// Adapter folder that others share → who uses it.
    pub(crate) shared_adapters: Table,
    /// Features that are no folder.
    pub(crate) odd_features: Table,
    /// Crate → paths under `src` where it may be named.
    pub(crate) homes: Table,
    /// Port → file stem of its implementations.
    pub(crate) ports: Table,
    /// File → lines of code it may have.
    pub(crate) budgets: BTreeMap<String, usize>,
}

impl Policy {
    /// Reads the page. A missing table is an error of the page.
    pub(crate) fn parse(page: &str) -> Self {
        let budgets = table(page, "file", "lines")
            .into_iter()
            .map(|(file, cells)| {
                let lines = cells.first().and_then(|cell| cell.parse().ok());
                (file, lines.expect("a budget in ARCHITECTURE.md is a number in backticks"))
            })
            .collect();
        Self {
            layers: table(page, "layer", "may import"),
            excepted_edges: table(page, "excepted edge", "to"),
            runtime_order: table(page, "runtime module", "may import"),
            shared_adapters: table(page, "folder", "used by"),
            odd_features: table(page, "feature", "why"),
            homes: table(page, "crate", "home"),
            ports: table(page, "port", "file"),
            budgets,
        }
    }
}

/// The table whose head row begins with these two names. Only words in backticks count, so prose may stand beside them.
fn table(page: &str, first: &str, second: &str) -> Table {
    let head = format!("| {first} | {second} |");
    let mut lines = page.lines().skip_while(|line| !line.starts_with(&head));
    assert!(lines.next().is_some(), "ARCHITECTURE.md has no table that begins with `{head}`");
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|');
            let key = backticked(cells.next().unwrap_or_default()).into_iter().next();
            let key = key.unwrap_or_else(|| panic!("ARCHITECTURE.md: no word in backticks begins the row `{line}`"));
            (key, cells.next().map(backticked).unwrap_or_default())
        })
        .collect()
}

/// The words that stand between backticks.
fn backticked(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
