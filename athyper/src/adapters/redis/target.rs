//! Which servers a URL names, how they work together, and how each of them is reached.

/// How the servers work together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topology {
    /// There is one, or one address behind which others take its place.
    Single,
    /// A primary and its replicas, watched by sentinels. The URL names sentinels.
    Sentinel {
        /// What the sentinels call the primary.
        service: String,
    },
    /// A cluster. The URL names some of its nodes.
    Cluster,
}

/// The part of a URL in front of the options.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) topology: Topology,
    /// `host:port` of each server that is named.
    pub(super) hosts: Vec<String>,
    pub(super) is_secure: bool,
    /// `user:password@` as it is written in the URL, or nothing. It is never shown.
    login: String,
    /// `/2`, or nothing.
    database: String,
}

impl Target {
    /// Reads everything in front of the `?`. Answers also with the prefix that is written where others have the database.
    pub(super) fn parse(url: &str) -> Result<(Self, Option<&str>), String> {
        let (scheme, rest) = url.split_once("://").ok_or("nothing tells its scheme from its host")?;
        let (transport, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let is_secure = transport == "rediss";
        if kind.is_empty() {
            let hosts = vec![rest.to_owned()];
            let (login, database) = (String::new(), String::new());
            return Ok((Self { topology: Topology::Single, hosts, is_secure, login, database }, None));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let login = if login.is_empty() { String::new() } else { format!("{login}@") };
        let path = path.trim_end_matches('/');
        if kind == "cluster" {
            if !path.is_empty() && path.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err("a cluster has no numbered databases: behind its hosts stands the prefix".to_owned());
            }
            let target = Self {
                topology: Topology::Cluster,
                hosts: read_hosts(hosts, 6379)?,
                is_secure,
                login,
                database: String::new(),
            };
            return Ok((target, Some(path).filter(|prefix| !prefix.is_empty())));
        }
        let (service, database) = path.split_once('/').unwrap_or((path, ""));
        if service.is_empty() {
            return Err("behind the sentinels stands what they call the primary, as in `/mymaster`".to_owned());
        }
        if !database.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("`{database}` is no number of a database"));
        }
        let database = if database.is_empty() { String::new() } else { format!("/{database}") };
        let topology = Topology::Sentinel { service: service.to_owned() };
        Ok((Self { topology, hosts: read_hosts(hosts, 26379)?, is_secure, login, database }, None))
    }

    fn scheme(&self) -> &'static str {
        if self.is_secure { "rediss" } else { "redis" }
    }

    /// The URL of a server that holds data.
    pub(super) fn url(&self, host: &str) -> String {
        // The protocol's third version tells at once that a connection is gone, also one that nobody uses.
        format!("{}://{}{host}{}?protocol=resp3", self.scheme(), self.login, self.database)
    }

    /// The URLs of a sentinel: without user and password, and with them if there are any.
    pub(super) fn sentinel_urls(&self, host: &str) -> (String, Option<String>) {
        let scheme = self.scheme();
        let with_login = (!self.login.is_empty()).then(|| format!("{scheme}://{}{host}", self.login));
        (format!("{scheme}://{host}"), with_login)
    }
}

/// How a server that another one tells of is written.
pub(super) fn address(host: &str, port: impl std::fmt::Display) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn read_hosts(hosts: &str, port: u16) -> Result<Vec<String>, String> {
    hosts.split(',').map(|host| read_host(host, port)).collect()
}

fn read_host(host: &str, port: u16) -> Result<String, String> {
    let (name, written) = match host.rsplit_once(':') {
        // What ends in a bracket is an address of version 6.
        Some((name, written)) if !host.ends_with(']') => (name, written),
        _ => return if host.is_empty() { Err("a host is missing".to_owned()) } else { Ok(format!("{host}:{port}")) },
    };
    if name.is_empty() || written.parse::<u16>().is_err() {
        return Err(format!("`{host}` is no `host:port`"));
    }
    Ok(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Target, Topology, address};

    fn target(url: &str) -> Target {
        Target::parse(url).map(|(target, _)| target).expect("it is a URL")
    }

    #[test]
    fn a_single_server_is_left_as_it_is() {
        let single = target("redis://:hunter2@host:6380/2");
        assert_eq!(single.topology, Topology::Single);
        assert_eq!(single.url(&single.hosts[0]), "redis://:hunter2@host:6380/2?protocol=resp3");
    }

    #[test]
    fn sentinels_are_asked_and_the_primary_gets_the_login() {
        let sentinels = target("rediss+sentinel://user:p,w@one:1,two,[::1]/mymaster/3");
        assert_eq!(sentinels.topology, Topology::Sentinel { service: "mymaster".to_owned() });
        assert_eq!(sentinels.hosts, ["one:1", "two:26379", "[::1]:26379"]);
        assert_eq!(sentinels.url("primary:5"), "rediss://user:p,w@primary:5/3?protocol=resp3");
        let (plain, with_login) = sentinels.sentinel_urls("one:1");
        assert_eq!((&*plain, with_login.as_deref()), ("rediss://one:1", Some("rediss://user:p,w@one:1")));
    }

    #[test]
    fn nodes_of_a_cluster_have_a_prefix_behind_them() {
        let (cluster, prefix) = Target::parse("redis+cluster://one,two:2/{shop}").expect("it is a URL");
        assert_eq!((cluster.topology, prefix), (Topology::Cluster, Some("{shop}")));
        assert_eq!(cluster.hosts, ["one:6379", "two:2"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, said) in [
            ("redis+sentinel://one:1,two:2", "what they call the primary"),
            ("redis+sentinel://one:1/mymaster/x", "`x` is no number"),
            ("redis+sentinel://one:x/mymaster", "`one:x` is no `host:port`"),
            ("redis+sentinel://one:1,/mymaster", "a host is missing"),
            ("redis+cluster://one:1/0", "no numbered databases"),
        ] {
            let why = Target::parse(url).err().expect(url);
            assert!(why.contains(said), "{url}: {why}");
        }
    }

    #[test]
    fn an_address_of_version_6_gets_brackets() {
        assert_eq!((address("::1", 7), address("host", 7)), ("[::1]:7".to_owned(), "host:7".to_owned()));
    }
}
