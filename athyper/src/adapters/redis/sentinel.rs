//! Finding the primary with the help of sentinels.

use std::time::Duration;

use ::redis::{ErrorKind, RedisError, RedisResult, Value};

use super::error::is_forbidden;
use super::servers::{Connection, Servers, graver};
use super::target::address;

/// Asks one sentinel after another who is the primary, and connects to the first that says so itself: sentinels need a moment
/// to learn of a failover, and a primary needs one to learn that it is none any more.
pub(super) async fn connect(servers: &Servers, service: &str, answer_within: Duration) -> RedisResult<Connection> {
    let mut question = ::redis::cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
    let mut failure = None;
    let mut is_known = false;
    for sentinel in servers.to_ask() {
        let outcome = match servers.ask_sentinel(&sentinel, &question).await.map(read_address) {
            Ok(Some(primary)) => {
                if !std::mem::replace(&mut is_known, true) {
                    // What others did not know does not matter any more.
                    failure = None;
                }
                connect_to(servers, &primary, answer_within).await
            }
            Ok(None) if is_known => continue,
            Ok(None) => Err(unknown(service)),
            Err(refused) if refused.to_string().contains("unknown command") => Err(no_sentinel(&sentinel)),
            Err(failure) => Err(failure),
        };
        match outcome {
            Ok(connection) => {
                servers.ask_first(&sentinel);
                return Ok(connection);
            }
            Err(other) => failure = Some(graver(failure, other)),
        }
    }
    Err(failure.unwrap_or_else(|| unknown(service)))
}

async fn connect_to(servers: &Servers, primary: &str, answer_within: Duration) -> RedisResult<Connection> {
    let mut connection = servers.open(primary, answer_within).await?;
    match connection.send(&::redis::cmd("ROLE")).await {
        Ok(role) if is_primary(&role) => Ok(connection),
        Ok(_) => Err(RedisError::from((
            ErrorKind::Io,
            "the sentinels name a primary that is a replica",
            format!("{primary}; a failover may be under way"),
        ))),
        // Whoever may not ask finds out by the first command.
        Err(refused) if is_forbidden(&refused) => Ok(connection),
        Err(failure) => Err(failure),
    }
}

fn is_primary(role: &Value) -> bool {
    let name = match role {
        Value::Array(words) => words.first(),
        _ => None,
    };
    matches!(name, Some(Value::BulkString(name)) if name == b"master")
}

fn read_address(answer: Value) -> Option<String> {
    let words: Vec<String> = ::redis::from_redis_value(answer).ok()?;
    let [host, port] = &*words else { return None };
    Some(address(host, port))
}

fn unknown(service: &str) -> RedisError {
    RedisError::from((
        ErrorKind::InvalidClientConfig,
        "its sentinels know no such primary",
        format!("`{service}`; write the name of `sentinel monitor NAME …` behind the sentinels, as in `/mymaster`"),
    ))
}

fn no_sentinel(host: &str) -> RedisError {
    RedisError::from((
        ErrorKind::InvalidClientConfig,
        "it names a server that is no sentinel",
        format!(
            "`{host}`; write sentinels (port 26379 unless said otherwise), or `redis://{host}` for the server itself"
        ),
    ))
}
