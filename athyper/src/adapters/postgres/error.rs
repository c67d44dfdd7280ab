//! What PostgreSQL reports, turned into the framework's error: one place for the whole adapter.

use crate::foundation::error::{Error, ErrorKind};

/// What went wrong, as far as callers must tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Unique,
    Exclusion,
    ForeignKey,
    NotNull,
    Check,
    /// A value has no place in its type.
    Value,
    TooLarge,
    /// Transactions got in each other's way, and this one was undone.
    Serialization,
    Deadlock,
    LockNotAvailable,
    /// The server ended the statement.
    Cancelled,
    /// An earlier error has undone the transaction.
    TransactionEnded,
    Login,
    NoDatabase,
    Permission,
    ReadOnly,
    TooManyConnections,
    Full,
    OutOfMemory,
    /// The server is there and takes no work at the moment.
    NotReady,
    /// The server or the way to it is gone.
    Disconnected,
    Tls,
    /// A prepared statement is not where it was left.
    Pooler,
    /// The statement itself is wrong.
    Statement,
}

impl Fault {
    /// Tells by the SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => database.code().map_or(Self::Statement, |code| Self::of_state(&code)),
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::PoolClosed
            | sqlx::Error::PoolTimedOut => Self::Disconnected,
            sqlx::Error::Tls(_) => Self::Tls,
            _ => Self::Statement,
        }
    }

    fn of_state(code: &str) -> Self {
        match code {
            "23505" => Self::Unique,
            "23P01" => Self::Exclusion,
            "23503" => Self::ForeignKey,
            "23502" => Self::NotNull,
            "23514" => Self::Check,
            "54000" | "54001" | "54011" | "54023" => Self::TooLarge,
            "40001" => Self::Serialization,
            "40P01" => Self::Deadlock,
            "55P03" => Self::LockNotAvailable,
            "57014" => Self::Cancelled,
            "25P02" => Self::TransactionEnded,
            "3D000" => Self::NoDatabase,
            "42501" => Self::Permission,
            "25006" => Self::ReadOnly,
            "53300" => Self::TooManyConnections,
            "53100" => Self::Full,
            "53200" => Self::OutOfMemory,
            "57P03" => Self::NotReady,
            "57P01" | "57P02" | "57P04" | "57P05" => Self::Disconnected,
            "26000" | "42P05" => Self::Pooler,
            _ if code.starts_with("08") => Self::Disconnected,
            _ if code.starts_with("22") => Self::Value,
            _ if code.starts_with("28") => Self::Login,
            _ => Self::Statement,
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) const fn breaks_connection(self) -> bool {
        // A server that was demoted keeps its connections: only another one can lead to its successor.
        matches!(self, Self::Disconnected | Self::NotReady | Self::ReadOnly | Self::Tls | Self::Pooler)
    }

    /// The framework's error for it.
    pub(super) fn into_error(self, source: sqlx::Error, place: &str) -> Error {
        let error = match self {
            Self::Unique => {
                Error::new(ErrorKind::Conflict, "a row with the same unique value exists").with_code("sql-unique")
            }
            Self::Exclusion => {
                Error::new(ErrorKind::Conflict, "a row that excludes this one exists").with_code("sql-exclusion")
            }
            Self::ForeignKey => {
                Error::new(ErrorKind::Conflict, "a row that is referred to does not exist, or is still referred to")
                    .with_code("sql-foreign-key")
            }
            Self::NotNull => Error::invalid("a value that must be given is missing").with_code("sql-not-null"),
            Self::Check => Error::invalid("a value breaks a rule of its table").with_code("sql-check"),
            Self::Value => Error::invalid(
                "a value does not fit: too long, out of range, or text with the character NUL, which PostgreSQL cannot store",
            )
            .with_code("sql-value"),
            Self::TooLarge => {
                Error::new(ErrorKind::TooLarge, "a row or a statement is larger than PostgreSQL's limit")
                    .with_code("sql-too-large")
            }
            Self::Serialization => Error::new(
                ErrorKind::Conflict,
                "another transaction changed what this one had read, and this one was rolled back: run it again",
            )
            .with_code("sql-serialization"),
            Self::Deadlock => Error::new(
                ErrorKind::Conflict,
                "two transactions waited for one another, and this one was rolled back: run it again, and let all transactions \
                 touch rows in the same order",
            )
            .with_code("sql-deadlock"),
            Self::LockNotAvailable => {
                Error::new(ErrorKind::Conflict, "a row or table is locked by another transaction").with_code("sql-locked")
            }
            Self::Cancelled => {
                Error::new(ErrorKind::Timeout, "the server ended the statement: it took too long, or somebody cancelled it")
                    .with_code("sql-cancelled")
            }
            Self::TransactionEnded => transaction_ended(),
            Self::Login => Error::configuration(format!(
                "the database `{place}` refuses user and password: set them in the URL, as in \
                 `postgres://user:password@host/database`"
            ))
            .with_code("postgres-login"),
            Self::NoDatabase => Error::configuration(format!(
                "there is no database `{place}`: make it with `createdb`, or name another one in the URL"
            ))
            .with_code("postgres-no-database"),
            Self::Permission => Error::configuration(format!(
                "the user of the database `{place}` may not do what was asked: grant it the right, or use another user"
            ))
            .with_code("postgres-permission"),
            Self::ReadOnly => read_only(place),
            Self::TooManyConnections => Error::unavailable(format!(
                "the database `{place}` has no connection left: lower `connections` in the URLs of your processes, or raise the \
                 server's `max_connections`"
            ))
            .with_code("postgres-connections"),
            Self::Full => Error::unavailable(format!(
                "the disk of the database `{place}` is full: nothing was written; free space and try again"
            ))
            .with_code("disk-full"),
            Self::OutOfMemory => {
                Error::unavailable(format!("the database `{place}` ran out of memory")).with_code("postgres-memory")
            }
            Self::NotReady => Error::unavailable(format!("the database `{place}` is starting or stopping"))
                .with_code("postgres-not-ready"),
            Self::Disconnected => {
                Error::unavailable(format!("the database `{place}` cannot be reached")).with_code("postgres-unreachable")
            }
            Self::Tls => Error::configuration(format!(
                "the database `{place}` and this process do not agree on TLS: see `sslmode` and `sslrootcert` in the URL"
            ))
            .with_code("postgres-tls"),
            Self::Pooler => Error::unavailable(format!(
                "a connection pooler before the database `{place}` has changed servers between two statements"
            ))
            .with_code("postgres-pooler"),
            Self::Statement => Error::internal("the database refused a statement").with_code("sql-statement"),
        };
        error.with_source(source)
    }
}

/// The server is a replica, or reads only for another reason.
pub(super) fn read_only(place: &str) -> Error {
    Error::unavailable(format!(
        "the database `{place}` only reads: it is a replica, or was demoted to one; nothing was written. Name the primary in the URL, \
         or all servers, as in `postgres://user:password@one,other/database`: the one that accepts writes is then found"
    ))
    .with_code("postgres-read-only")
}

/// Nothing more runs in a transaction after an error.
pub(super) fn transaction_ended() -> Error {
    Error::new(ErrorKind::Conflict, "the transaction was rolled back by an earlier error: begin it again")
        .with_code("sql-transaction-ended")
}

/// A statement that may have written was sent, and no answer came.
pub(super) fn unknown_outcome(place: &str, source: Error) -> Error {
    Error::new(
        ErrorKind::UnknownOutcome,
        format!(
            "the connection to the database `{place}` was lost before it answered: look whether it was done before repeating it"
        ),
    )
    .with_source(source)
}

/// All connections were in use for longer than allowed.
pub(super) fn busy(place: &str) -> Error {
    Error::unavailable(format!(
        "no connection to the database `{place}` was free within `wait`: transactions take too long, code inside a transaction \
         asks for a second connection (use the `tx` it was given, and `.in_tx(tx)` for jobs), or `connections` is too small"
    ))
    .with_code("postgres-busy")
}

/// No connection could be made in time.
pub(super) fn silent(place: &str) -> Error {
    Error::unavailable(format!("the database `{place}` does not answer within `wait`"))
        .with_code("postgres-unreachable")
}

/// The store was closed.
pub(super) fn closed(place: &str) -> Error {
    Error::unavailable(format!("the connections to the database `{place}` were closed by this process"))
        .with_code("postgres-closed")
}
