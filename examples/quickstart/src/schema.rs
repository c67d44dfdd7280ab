//! The product's tables.

use athyper::sql::Migration;

/// Applied in order at start.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "users, mails and reports",
    sql: "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL);
          CREATE TABLE mails (job_id TEXT PRIMARY KEY, recipient TEXT NOT NULL, text TEXT NOT NULL, sent_at TEXT NOT NULL);
          CREATE TABLE reports (tick TEXT NOT NULL, name TEXT NOT NULL, users INTEGER NOT NULL, PRIMARY KEY (tick, name));",
}];
