//! What kind of statement a text is, by the word it begins with.
//!
//! It decides which connection of SQLite runs a statement first, so a wrong guess costs time and never correctness; and what is refused
//! because only an adapter begins and ends transactions.

use crate::foundation::error::{Error, Result};

/// How a statement text is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::adapters) enum StatementKind {
    /// Only reads.
    Reads,
    /// Reads, or changes rows by the rows it gathered first: tried on a reader of SQLite, which refuses to write.
    MayChange,
    /// Changes rows.
    Changes,
    /// Changes the schema.
    Defines,
    /// Cannot run within a transaction.
    Maintains,
    /// Begins or ends a transaction, which only the adapter may.
    Controls,
}

impl StatementKind {
    /// Tells by the first word, and by whether there is more than one statement.
    pub(in crate::adapters) fn of(sql: &str) -> Self {
        let body = skip_blank(sql);
        let word_length = body.bytes().take_while(u8::is_ascii_alphabetic).count();
        let kind = match body.get(..word_length).unwrap_or_default().to_ascii_uppercase().as_str() {
            "SELECT" | "VALUES" | "EXPLAIN" => Self::Reads,
            "WITH" => Self::MayChange,
            "INSERT" | "UPDATE" | "DELETE" | "REPLACE" => Self::Changes,
            "BEGIN" | "START" | "COMMIT" | "END" | "ABORT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" => Self::Controls,
            "VACUUM" | "PRAGMA" | "ATTACH" | "DETACH" => Self::Maintains,
            _ => Self::Defines,
        };
        let several = body.split_once(';').is_some_and(|(_, rest)| !skip_blank(rest).is_empty());
        match kind {
            // Whatever stands behind the first statement may write, or leave a transaction open on a reader.
            Self::Reads | Self::MayChange if several => Self::Defines,
            other => other,
        }
    }
}

/// Only the adapter begins and ends transactions.
pub(in crate::adapters) fn refuse_control(sql: &str) -> Result<()> {
    if StatementKind::of(sql) == StatementKind::Controls {
        return Err(Error::configuration(
            "BEGIN, COMMIT, ROLLBACK and savepoints are not statements of a product: use `db.transaction(…)`",
        )
        .with_code("sql-transaction-control"));
    }
    Ok(())
}

/// Whether a text holds no statement at all.
#[allow(dead_code, reason = "not every database needs it")]
pub(in crate::adapters) fn is_blank(sql: &str) -> bool {
    skip_blank(sql).is_empty()
}

/// Passes over white space, comments and empty statements.
fn skip_blank(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|character: char| {
            character.is_whitespace() || character == ';' || character == '\u{feff}'
        });
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else {
            return rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StatementKind;

    #[test]
    fn the_first_word_decides() {
        for (sql, kind) in [
            ("SELECT 1", StatementKind::Reads),
            ("  -- why\n /* what */ select 1;", StatementKind::Reads),
            ("WITH x AS (SELECT 1) SELECT * FROM x", StatementKind::MayChange),
            ("insert into a values (';')", StatementKind::Changes),
            ("CREATE TABLE a (b)", StatementKind::Defines),
            ("VACUUM", StatementKind::Maintains),
            (";; COMMIT", StatementKind::Controls),
            ("", StatementKind::Defines),
        ] {
            assert_eq!(StatementKind::of(sql), kind, "{sql}");
        }
    }

    #[test]
    fn several_statements_never_go_to_a_reader() {
        assert_eq!(StatementKind::of("SELECT 1; BEGIN"), StatementKind::Defines);
        assert_eq!(StatementKind::of("SELECT 1; -- done\n"), StatementKind::Reads);
    }
}
