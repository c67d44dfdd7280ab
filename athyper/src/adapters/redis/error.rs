//! What went wrong on the way to the server or on it, and what that means for the caller.

use ::redis::{ErrorKind as Kind, RedisError, ServerErrorKind};

use super::servers::Connection;
use crate::foundation::error::{Error, ErrorKind};

/// What is known of a command that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was not executed; the server may execute it a moment later.
    NotExecuted,
    /// It was not executed, and this connection will never execute it.
    WrongServer,
    /// The server does not know the script.
    NoScript,
    /// It was sent, and may have been executed.
    Unknown,
    /// The server refused it, and will again.
    Refused,
}

impl Fate {
    pub(super) fn of(failure: &RedisError) -> Self {
        match failure.kind() {
            Kind::Server(ServerErrorKind::NoScript) => Self::NoScript,
            // A primary that was demoted keeps its connections: only another one can lead to its successor.
            // And what a node of a cluster has not, another one has.
            Kind::Server(
                ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::Moved
                | ServerErrorKind::ClusterDown,
            ) => Self::WrongServer,
            // While a slot is on its way its keys are in two places, and neither of them can execute a script right.
            Kind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain | ServerErrorKind::Ask) => {
                Self::NotExecuted
            }
            Kind::Io | Kind::Parse => Self::Unknown,
            Kind::Extension if matches!(failure.code(), Some("BUSY" | "NOREPLICAS")) => Self::NotExecuted,
            // A script that put back what it had begun passes the refusal on as a text.
            Kind::Server(ServerErrorKind::ResponseError)
                if failure.detail().is_some_and(|text| text.contains("READONLY ")) =>
            {
                Self::WrongServer
            }
            Kind::Server(ServerErrorKind::ResponseError)
                if failure.detail().is_some_and(|text| text.contains("NOREPLICAS ")) =>
            {
                Self::NotExecuted
            }
            _ => Self::Refused,
        }
    }

    /// Gives up the connection it happened on, where another one is needed.
    pub(super) fn settle(self, connection: &Connection) {
        match self {
            Self::WrongServer => connection.leave_server(),
            Self::Unknown => connection.give_up(),
            Self::NotExecuted | Self::NoScript | Self::Refused => {}
        }
    }
}

/// A connection could not be made.
pub(super) fn unreachable(server: &str, failure: &RedisError) -> Error {
    let text = failure.to_string();
    if failure.kind() == Kind::InvalidClientConfig
        && let Some(detail) = failure.detail()
    {
        let what = text.split(" - ").next().unwrap_or_default();
        return Error::configuration(format!("the Redis URL `{server}` cannot be used: {what}: {detail}"))
            .with_code("redis-topology")
            .with_source(failure.clone());
    }
    if is_forbidden(failure) {
        return forbidden(server).with_source(failure.clone());
    }
    if failure.kind() == Kind::AuthenticationFailed || ["WRONGPASS", "NOAUTH"].iter().any(|word| text.contains(word)) {
        return Error::configuration(format!(
            "the Redis server `{server}` refuses user and password: set them in the URL, as in `redis://user:password@host`"
        ))
        .with_code("redis-login")
        .with_source(failure.clone());
    }
    Error::unavailable(format!("the Redis server `{server}` cannot be reached"))
        .with_code("redis-unreachable")
        .with_source(failure.clone())
}

/// Whether the user may not do what was asked.
pub(super) fn is_forbidden(failure: &RedisError) -> bool {
    // Within a script it is a text.
    failure.kind() == Kind::Server(ServerErrorKind::NoPerm) || failure.to_string().contains("NOPERM")
}

fn forbidden(server: &str) -> Error {
    Error::configuration(format!(
        "the user of the Redis URL `{server}` may not do what a job queue needs: allow it the keys below the prefix, scripts, and in \
         a cluster `CLUSTER SLOTS` and `CLUSTER KEYSLOT`"
    ))
    .with_code("redis-permission")
}

/// A command failed. `repeatable` says that the caller may simply ask again.
pub(super) fn failed(server: &str, failure: RedisError, repeatable: bool) -> Error {
    let text = failure.to_string();
    let says = |word: &str| text.contains(word);
    let error = match Fate::of(&failure) {
        Fate::Unknown if repeatable => Error::unavailable(format!("the Redis server `{server}` gave no answer"))
            .with_code("redis-no-answer"),
        Fate::Unknown => Error::new(
            ErrorKind::UnknownOutcome,
            format!("the connection to the Redis server `{server}` was lost before it answered: what was asked may have been done"),
        )
        .with_code("redis-no-answer"),
        Fate::NotExecuted if says("NOREPLICAS") => Error::unavailable(format!(
            "the Redis server `{server}` has fewer replicas than its `min-replicas-to-write` and refuses writes: nothing was \
             written"
        ))
        .with_code("redis-replicas"),
        Fate::NotExecuted if is_on_its_way(&failure) => Error::unavailable(format!(
            "the slot of the queues is on its way to another node of the cluster `{server}`: nothing was done"
        ))
        .with_code("redis-slot-moving"),
        Fate::NotExecuted | Fate::WrongServer | Fate::NoScript => {
            Error::unavailable(format!("the Redis server `{server}` does not execute commands at the moment"))
                .with_code("redis-not-ready")
        }
        Fate::Refused if says("WRONGTYPE") => Error::configuration(format!(
            "a key of the queue on the Redis server `{server}` holds something else than it should: another program writes \
             below the same prefix; give one of the two a `prefix` of its own, or remove the key"
        ))
        .with_code("redis-wrong-type"),
        Fate::Refused if says("OOM") => Error::unavailable(format!(
            "the Redis server `{server}` is out of memory and nothing was written: raise `maxmemory` or remove jobs"
        ))
        .with_code("redis-out-of-memory"),
        Fate::Refused if says("MISCONF") => Error::unavailable(format!(
            "the Redis server `{server}` cannot write to its disk and refuses writes: nothing was written; make room, and see \
             the server's log"
        ))
        .with_code("redis-disk"),
        Fate::Refused if is_forbidden(&failure) || says("NOAUTH") => forbidden(server),
        Fate::Refused => {
            Error::internal(format!("the Redis server `{server}` refused a command")).with_code("redis-command")
        }
    };
    error.with_source(failure)
}

/// Whether a slot of a cluster that moves from node to node is to blame.
fn is_on_its_way(failure: &RedisError) -> bool {
    matches!(failure.kind(), Kind::Server(ServerErrorKind::TryAgain | ServerErrorKind::Ask))
}

/// It was written, and is not yet where it would survive a failover.
pub(super) fn unconfirmed(server: &str, wanted: u32) -> Error {
    Error::new(
        ErrorKind::UnknownOutcome,
        format!(
            "the Redis server `{server}` wrote what was asked, and {wanted} replica(s) did not confirm it in time: a failover may \
             undo it"
        ),
    )
    .with_code("redis-replicas")
}

/// The server answered with something that no script of ours answers with.
pub(super) fn strange(what: &str) -> Error {
    Error::internal(format!("the Redis server answered with something else than {what}")).with_code("redis-answer")
}
