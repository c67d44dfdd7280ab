//! Migrations: numbered changes of a schema, checked against what was applied.

use crate::foundation::clock::Timestamp;

/// One numbered change of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order, from 1, without a gap.
    pub version: i64,
    /// What it does, in a few words.
    pub name: &'static str,
    /// The SQL text; several statements separated by `;`. It runs within a transaction, which it must not end.
    pub sql: &'static str,
}

/// The migrations of one owner, kept in a table of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationSet {
    /// The table that remembers what was applied: `athyper_migrations` for ours, `migrations` for the product's.
    pub table: &'static str,
    /// In order.
    pub migrations: Vec<Migration>,
}

/// A migration that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its place in the order.
    pub version: i64,
    /// What it does.
    pub name: String,
    /// SHA-256 of its text with line ends of one kind (LF), in hexadecimal.
    pub checksum: String,
    /// When it was applied.
    pub applied_at: Timestamp,
}
