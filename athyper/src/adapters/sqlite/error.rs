//! What SQLite reports, turned into the framework's error: one place for the whole adapter.

use std::path::Path;

use crate::foundation::error::{Error, ErrorKind};

/// What went wrong, as far as callers must tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Unique,
    ForeignKey,
    NotNull,
    Check,
    Busy,
    ReadOnly,
    CannotOpen,
    Denied,
    NotADatabase,
    Corrupt,
    Full,
    InputOutput,
    OutOfMemory,
    Interrupted,
    TooLarge,
    /// The thread behind the connection is gone.
    Disconnected,
    /// The statement itself is wrong.
    Statement,
}

impl Fault {
    /// Tells by SQLite's result code (<https://sqlite.org/rescode.html>).
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => match database.code().and_then(|code| code.parse::<u32>().ok()) {
                Some(1555 | 2067 | 2579) => Self::Unique,
                Some(787) => Self::ForeignKey,
                Some(1299) => Self::NotNull,
                Some(code) => match code & 0xff {
                    3 | 23 => Self::Denied,
                    5 | 6 | 15 => Self::Busy,
                    7 => Self::OutOfMemory,
                    8 => Self::ReadOnly,
                    9 => Self::Interrupted,
                    10 => Self::InputOutput,
                    11 => Self::Corrupt,
                    13 => Self::Full,
                    14 => Self::CannotOpen,
                    18 => Self::TooLarge,
                    19 => Self::Check,
                    26 => Self::NotADatabase,
                    _ => Self::Statement,
                },
                None => Self::Statement,
            },
            sqlx::Error::Io(_) => Self::InputOutput,
            sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut => Self::Disconnected,
            _ => Self::Statement,
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) const fn breaks_connection(self) -> bool {
        matches!(
            self,
            Self::Disconnected
                | Self::NotADatabase
                | Self::Corrupt
                | Self::InputOutput
                | Self::CannotOpen
                | Self::OutOfMemory
        )
    }

    /// The framework's error for it.
    pub(super) fn into_error(self, source: sqlx::Error, file: &Path) -> Error {
        let path = file;
        let file = file.display();
        let error = match self {
            Self::Unique => {
                Error::new(ErrorKind::Conflict, "a row with the same unique value exists").with_code("sql-unique")
            }
            Self::ForeignKey => {
                Error::new(ErrorKind::Conflict, "a row that is referred to does not exist, or is still referred to")
                    .with_code("sql-foreign-key")
            }
            Self::NotNull => Error::invalid("a value that must be given is missing").with_code("sql-not-null"),
            Self::Check => Error::invalid("a value breaks a rule of its table").with_code("sql-check"),
            Self::TooLarge => {
                Error::new(ErrorKind::TooLarge, "a text, a blob or a statement is larger than SQLite's limit")
                    .with_code("sql-too-large")
            }
            Self::Busy => busy_elsewhere(path),
            Self::ReadOnly => Error::configuration(format!(
                "the database `{file}` cannot be written: give this process the right to write the file and its folder"
            ))
            .with_code("sqlite-read-only"),
            Self::CannotOpen | Self::Denied => Error::configuration(format!(
                "the database `{file}` cannot be opened: its folder must exist and this process must be allowed to write in it"
            ))
            .with_code("sqlite-cannot-open"),
            Self::NotADatabase => Error::configuration(format!(
                "`{file}` is not a SQLite database: name another file, or move this one away to begin with an empty database"
            ))
            .with_code("sqlite-not-a-database"),
            Self::Corrupt => Error::configuration(format!(
                "the database `{file}` is damaged: stop every process that uses it, keep a copy, and restore a backup or \
                 save what can be read with `sqlite3 {file} .recover`"
            ))
            .with_code("sqlite-corrupt"),
            Self::Full => Error::unavailable(format!(
                "the disk of the database `{file}` is full: nothing was written; free space and try again"
            ))
            .with_code("disk-full"),
            Self::InputOutput => {
                Error::unavailable(format!("reading or writing the database `{file}` failed")).with_code("sqlite-io")
            }
            Self::OutOfMemory => Error::unavailable("SQLite ran out of memory").with_code("sqlite-memory"),
            Self::Interrupted => Error::new(ErrorKind::Cancelled, "the statement was interrupted"),
            Self::Disconnected => Error::unavailable(format!("the connection to the database `{file}` is closed"))
                .with_code("sqlite-closed"),
            Self::Statement => Error::internal("the database refused a statement").with_code("sql-statement"),
        };
        error.with_source(source)
    }
}

/// Another process has held the write lock for longer than allowed.
pub(super) fn busy_elsewhere(file: &Path) -> Error {
    Error::unavailable(format!(
        "the database `{}` has been written by another process for longer than `busy_timeout`",
        file.display()
    ))
    .with_code("sqlite-busy")
}

/// The writer has been held within this process for longer than allowed.
pub(super) fn busy_here(file: &Path) -> Error {
    Error::unavailable(format!(
        "the writer of the database `{}` was not free within `busy_timeout`: a transaction takes too long, or code inside \
         a transaction writes without it (use the `tx` it was given, and `.in_tx(tx)` for jobs)",
        file.display()
    ))
    .with_code("sqlite-busy")
}

/// The store was closed.
pub(super) fn closed(file: &Path) -> Error {
    Error::unavailable(format!("the database `{}` was closed by this process", file.display()))
        .with_code("sqlite-closed")
}
