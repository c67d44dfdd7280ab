//! Finding the node of a cluster that serves the queues.
//!
//! All keys of a prefix in braces lie in one slot, and a slot on one node. To that node everything is said as to a single server.

use std::time::Duration;

use ::redis::{ErrorKind, RedisError, RedisResult, Value};

use super::servers::{Connection, Servers, graver};
use super::target::address;

/// What a node knows of the cluster.
struct View {
    owner: Option<String>,
    nodes: Vec<String>,
}

/// Asks one node after another who serves the slot of the prefix, and connects to the first that answers there.
pub(super) async fn connect(servers: &Servers, prefix: &str, answer_within: Duration) -> RedisResult<Connection> {
    let mut failure = None;
    let mut tried: Vec<String> = Vec::new();
    for node in servers.to_ask() {
        let view = match view_of(servers, &node, prefix).await {
            Ok(view) => view,
            Err(other) => {
                servers.ask_last(&node);
                failure = Some(graver(failure, other));
                continue;
            }
        };
        servers.remember(view.nodes);
        let Some(owner) = view.owner else {
            failure = Some(graver(failure, unserved(prefix)));
            continue;
        };
        if tried.contains(&owner) {
            continue;
        }
        match servers.open(&owner, answer_within).await {
            Ok(connection) => {
                servers.ask_first(&owner);
                return Ok(connection);
            }
            Err(other) => failure = Some(graver(failure, other)),
        }
        servers.ask_last(&owner);
        tried.push(owner);
    }
    Err(failure.unwrap_or_else(|| unserved(prefix)))
}

async fn view_of(servers: &Servers, node: &str, prefix: &str) -> RedisResult<View> {
    let mut connection = servers.consult_node(node).await?;
    let ask = |word: &str| {
        let mut command = ::redis::cmd("CLUSTER");
        command.arg(word);
        command
    };
    let no_cluster = |failure: RedisError| {
        if failure.to_string().contains("cluster support disabled") { no_node(node) } else { failure }
    };
    let slot: i64 = ask("KEYSLOT").arg(prefix).query_async(&mut connection).await.map_err(no_cluster)?;
    let ranges: Value = ask("SLOTS").query_async(&mut connection).await?;
    Ok(read_view(ranges, slot, node))
}

/// Reads ranges of slots, each with its first and its last one, and its nodes, the primary first.
fn read_view(ranges: Value, slot: i64, asked: &str) -> View {
    let mut view = View { owner: None, nodes: Vec::new() };
    for range in list(ranges) {
        let mut parts = list(range).into_iter();
        let (Some(Value::Int(first)), Some(Value::Int(last))) = (parts.next(), parts.next()) else { continue };
        let nodes: Vec<String> = parts.filter_map(|node| read_node(node, asked)).collect();
        if (first..=last).contains(&slot) {
            view.owner = nodes.first().cloned();
        }
        for node in nodes {
            if !view.nodes.contains(&node) {
                view.nodes.push(node);
            }
        }
    }
    view
}

fn read_node(node: Value, asked: &str) -> Option<String> {
    let mut parts = list(node).into_iter();
    let (host, port) = (parts.next()?, parts.next()?);
    let Value::Int(port) = port else { return None };
    match host {
        Value::BulkString(host) if !host.is_empty() && host != b"?" => {
            Some(address(&String::from_utf8_lossy(&host), port))
        }
        // A node that does not know its own name is where it was found.
        _ => asked.rsplit_once(':').map(|(host, _)| address(host, port)),
    }
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

fn unserved(prefix: &str) -> RedisError {
    RedisError::from((
        ErrorKind::ClusterConnectionNotFound,
        "no node of the cluster serves the slot of the prefix",
        format!("`{prefix}`"),
    ))
}

fn no_node(host: &str) -> RedisError {
    RedisError::from((
        ErrorKind::InvalidClientConfig,
        "it names a server that is no node of a cluster",
        format!("`{host}`; write `redis://{host}`"),
    ))
}

#[cfg(test)]
mod tests {
    use ::redis::Value;

    use super::read_view;

    fn node(host: &str, port: i64) -> Value {
        Value::Array(vec![Value::BulkString(host.into()), Value::Int(port), Value::BulkString(b"id".to_vec())])
    }

    #[test]
    fn the_owner_of_a_slot_is_the_first_node_of_its_range() {
        let ranges = Value::Array(vec![
            Value::Array(vec![Value::Int(0), Value::Int(99), node("one", 1), node("replica", 2)]),
            Value::Array(vec![Value::Int(100), Value::Int(200), node("", 3)]),
        ]);
        let view = read_view(ranges.clone(), 99, "asked:9");
        assert_eq!(view.owner.as_deref(), Some("one:1"));
        assert_eq!(view.nodes, ["one:1", "replica:2", "asked:3"]);
        assert_eq!(read_view(ranges.clone(), 100, "asked:9").owner.as_deref(), Some("asked:3"));
        assert_eq!(read_view(ranges, 201, "asked:9").owner, None);
    }
}
