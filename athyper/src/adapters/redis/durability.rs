//! What a server promises to keep, as it is configured; and whether that is enough.

use ::redis::Value;

use super::connection::{Connections, Repeat};
use super::options::Options;
use super::target::Topology;
use crate::foundation::error::{Error, Result};

/// What a server keeps. A larger one promises more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// Nothing, or what the latest snapshot holds.
    None,
    /// What was written survives the end of the server's process; a power loss undoes at most about a second of it.
    Second,
    /// What was written survives a power loss.
    Always,
}

impl Durability {
    pub(super) fn read(text: &str) -> Option<Self> {
        [Self::None, Self::Second, Self::Always].into_iter().find(|class| class.name() == text)
    }

    /// As it is written in the URL.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Second => "second",
            Self::Always => "always",
        }
    }

    const fn settings(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Second => "`appendonly yes` and `appendfsync everysec`",
            Self::Always => "`appendonly yes` and `appendfsync always`",
        }
    }
}

/// Reads how the server is configured, and refuses it when it promises less than is asked for.
pub(super) async fn check(connections: &Connections) -> Result<Durability> {
    let facts = Facts::read(connections).await?;
    facts.check_topology(&connections.options)?;
    if facts.is_too_old() {
        return Err(Error::configuration(format!(
            "the Redis server `{}` is of version {}, and the job queue needs 6.2 or later",
            connections.options.shown, facts.version
        ))
        .with_code("redis-version"));
    }
    let (wanted, found, server) = (connections.options.durability, facts.durability(), &connections.options.shown);
    if wanted == Durability::None {
        return Ok(found);
    }
    if facts.evicts() {
        return Err(Error::configuration(format!(
            "the Redis server `{server}` may throw jobs away when its memory is full: its `maxmemory-policy` is `{}`; set it to \
             `noeviction`, or say `durability=none` in the URL if jobs may be lost",
            facts.policy
        ))
        .with_code("redis-eviction"));
    }
    if found < wanted {
        return Err(Error::configuration(format!(
            "the Redis server `{server}` keeps less than is asked for: its durability is `{}`, and the URL asks for `{}`; set {} \
             on the server, or say `durability={}` in the URL if that is enough",
            found.name(),
            wanted.name(),
            wanted.settings(),
            found.name()
        ))
        .with_code("redis-durability"));
    }
    Ok(found)
}

/// How the server is configured.
#[derive(Debug)]
struct Facts {
    /// `standalone`, `sentinel` or `cluster`.
    mode: String,
    version: String,
    appends: bool,
    /// When what was appended is on the disk; unknown where the configuration may not be read.
    flushes: Option<String>,
    limited: bool,
    policy: String,
}

impl Facts {
    async fn read(connections: &Connections) -> Result<Self> {
        let mut info = ::redis::cmd("INFO");
        let info = text(connections.call(info.arg("everything"), Repeat::Freely).await?);
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let mut config = ::redis::cmd("CONFIG");
        // A managed server does not tell.
        let flushes = connections.call(config.arg("GET").arg("appendfsync"), Repeat::Freely).await.ok().map(last_text);
        Ok(Self {
            mode: field("redis_mode").or_else(|| field("server_mode")).unwrap_or_default().to_owned(),
            version: field("redis_version").unwrap_or_default().to_owned(),
            appends: field("aof_enabled") == Some("1"),
            flushes: flushes.filter(|flushes| !flushes.is_empty()),
            limited: field("maxmemory").is_some_and(|limit| limit != "0"),
            policy: field("maxmemory_policy").unwrap_or("noeviction").to_owned(),
        })
    }

    /// A server that is one of several is told of by another scheme.
    fn check_topology(&self, options: &Options) -> Result<()> {
        if options.target.topology != Topology::Single {
            return Ok(());
        }
        let secure = if options.target.is_secure { "rediss" } else { "redis" };
        let (what, write) = match &*self.mode {
            "cluster" => {
                ("a node of a cluster", format!("{secure}+cluster://host:port,host:port?prefix={}", options.prefix))
            }
            "sentinel" => ("a sentinel", format!("{secure}+sentinel://host:port,host:port/NAME")),
            _ => return Ok(()),
        };
        let message = format!(
            "the Redis server `{}` is {what}, and its URL names a single server: write `{write}`",
            options.shown
        );
        Err(Error::configuration(message).with_code("redis-topology"))
    }

    /// A server that does not say its version in numbers is taken as it is.
    fn is_too_old(&self) -> bool {
        let mut parts = self.version.split('.').map_while(|part| part.parse::<u32>().ok());
        matches!((parts.next(), parts.next()), (Some(major), Some(minor)) if (major, minor) < (6, 2))
    }

    fn durability(&self) -> Durability {
        match self.flushes.as_deref() {
            _ if !self.appends => Durability::None,
            Some("always") => Durability::Always,
            Some("no") => Durability::None,
            _ => Durability::Second,
        }
    }

    fn evicts(&self) -> bool {
        self.limited && self.policy != "noeviction"
    }
}

fn text(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => text,
        _ => String::new(),
    }
}

/// The value of the only pair.
fn last_text(value: Value) -> String {
    match value {
        Value::Map(pairs) => pairs.into_iter().next_back().map_or_else(String::new, |(_, value)| text(value)),
        Value::Array(values) => values.into_iter().next_back().map_or_else(String::new, text),
        other => text(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{Durability, Facts};

    fn facts(version: &str, appends: bool, flushes: Option<&str>) -> Facts {
        let flushes = flushes.map(str::to_owned);
        let (mode, policy) = ("standalone".to_owned(), "noeviction".to_owned());
        Facts { mode, version: version.to_owned(), appends, flushes, limited: false, policy }
    }

    #[test]
    fn a_server_before_6_2_is_too_old() {
        for (version, too_old) in
            [("6.0.16", true), ("5.0.3", true), ("6.2.0", false), ("7.0.15", false), ("df-1.2", false)]
        {
            assert_eq!(facts(version, true, None).is_too_old(), too_old, "{version}");
        }
    }

    #[test]
    fn what_a_server_keeps_follows_from_its_settings() {
        let class = |appends, flushes| facts("7.0.0", appends, flushes).durability();
        assert_eq!(class(false, Some("always")), Durability::None);
        assert_eq!(class(true, Some("no")), Durability::None);
        assert_eq!(class(true, Some("everysec")), Durability::Second);
        assert_eq!(class(true, Some("always")), Durability::Always);
        // One that does not tell when it flushes is taken for the default.
        assert_eq!(class(true, None), Durability::Second);
    }
}
