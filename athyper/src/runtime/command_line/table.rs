//! Tables for terminals.

use super::output::{harmless, line};

/// Rows under a head, columns aligned by the widest entry.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<const COLUMNS: usize>(head: [&str; COLUMNS]) -> Self {
        Self { rows: vec![head.map(str::to_owned).to_vec()] }
    }

    pub(super) fn row<const COLUMNS: usize>(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells.iter().map(|cell| harmless(cell).into_owned()).collect());
    }

    /// The table, or `otherwise` when it has no rows.
    pub(super) fn or(self, otherwise: &str) -> String {
        if self.rows.len() == 1 { format!("{otherwise}\n") } else { self.to_text() }
    }

    pub(super) fn to_text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            line(&mut text, format_args!("{}", cells.join("  ").trim_end()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_their_widest_entry() {
        let mut table = Table::new(["NAME", "PLACE"]);
        table.row(["größer".to_owned(), "here".to_owned()]);
        table.row(["x".to_owned(), String::new()]);
        assert_eq!(table.to_text(), "NAME    PLACE\ngrößer  here\nx\n");
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(Table::new(["NAME"]).or("there is none"), "there is none\n");
    }
}
