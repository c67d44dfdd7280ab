//! The words in which the databases differ.

use crate::foundation::sql::Dialect;

/// The larger of several values.
pub(super) fn greatest(dialect: Dialect, values: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("max({values})"),
        Dialect::Postgres => format!("greatest({values})"),
    }
}

/// The condition that `seq` is among the rows of a query. Rows that another transaction works on are passed over; SQLite has no
/// other.
pub(super) fn among(dialect: Dialect, query: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("seq IN ({query})"),
        // As an array the query runs once, whatever the plan, and so locks no more rows than its limit says.
        Dialect::Postgres => format!("seq = ANY (ARRAY({query} FOR UPDATE SKIP LOCKED))"),
    }
}

/// The condition that `seq` is among the numbers of a list in a text, separated by commas.
pub(super) fn listed(dialect: Dialect, placeholder: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("seq IN (SELECT value FROM json_each('[' || {placeholder} || ']'))"),
        Dialect::Postgres => format!("seq = ANY (string_to_array({placeholder}, ',')::bigint[])"),
    }
}

/// Behind a query: no other transaction changes its rows until this one ends. Rows that another works on are waited for.
pub(super) const fn kept(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE",
    }
}

/// Behind a query: as [`kept`], but rows that another transaction works on are passed over.
pub(super) const fn kept_if_free(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
    }
}

/// A column of a query that keeps rows others need: a process that stops in the middle, without its connection ending, keeps them
/// for five seconds at most. It is the transaction's last word on it; what else the connection is used for goes by its own.
pub(super) const fn given_up_when_silent(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "NULL",
        Dialect::Postgres => "set_config('idle_in_transaction_session_timeout', '5000', TRUE)",
    }
}

/// The rows of an ordered query behind as many as a placeholder says.
pub(super) fn behind(dialect: Dialect, placeholder: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("LIMIT {} OFFSET {placeholder}", i64::MAX),
        Dialect::Postgres => format!("OFFSET {placeholder}"),
    }
}

/// Lets only one transaction at a time decide whose turn a serial key is; `$1` is the queue, `$2` the key. SQLite writes one
/// transaction at a time.
pub(super) const fn one_at_a_time(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => Some("SELECT pg_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0))"),
    }
}

/// Lets only one transaction at a time change schedules.
pub(super) const fn one_at_a_time_in_schedules(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => Some("LOCK TABLE athyper_schedules IN SHARE ROW EXCLUSIVE MODE"),
    }
}

/// The server's clock in microseconds since 1970.
const SERVER_CLOCK: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// The time that locks and leases run out by.
#[allow(dead_code, reason = "not every database needs it")]
#[derive(Debug, Clone)]
pub(in crate::adapters) enum LockClock {
    /// The machine's: its boot, and microseconds since then.
    Machine {
        /// Names the boot.
        boot: String,
        /// Microseconds since it.
        now: i64,
    },
    /// The database server's own, which the statements read themselves.
    Server,
}

impl LockClock {
    /// The boot that an instant of this clock belongs to; empty for a server, whose clock outlives its restarts.
    pub(super) fn boot(&self) -> &str {
        match self {
            Self::Machine { boot, .. } => boot,
            Self::Server => "",
        }
    }

    /// The value for the placeholder in [`now_sql`](Self::now_sql).
    pub(super) fn now(&self) -> i64 {
        match self {
            Self::Machine { now, .. } => *now,
            Self::Server => 0,
        }
    }

    /// Now, in a statement.
    pub(super) fn now_sql(&self, placeholder: &str) -> String {
        match self {
            Self::Machine { .. } => placeholder.to_owned(),
            Self::Server => SERVER_CLOCK.to_owned(),
        }
    }

    /// The value for the placeholder in [`end_sql`](Self::end_sql).
    pub(super) fn end(&self, span: i64) -> i64 {
        match self {
            Self::Machine { now, .. } => now.saturating_add(span),
            Self::Server => span,
        }
    }

    /// A time from now, in a statement.
    pub(super) fn end_sql(&self, placeholder: &str) -> String {
        match self {
            Self::Machine { .. } => placeholder.to_owned(),
            Self::Server => format!("{SERVER_CLOCK} + {placeholder}"),
        }
    }
}
