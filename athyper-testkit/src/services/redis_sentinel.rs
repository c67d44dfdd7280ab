//! A Redis primary with a replica, watched by sentinels, for tests.

use std::net::SocketAddr;

use super::redis::RedisServer;
use super::watched::wait_for;

const SENTINELS: usize = 3;
/// What the sentinels call the primary.
const SERVICE: &str = "main";

/// A Redis primary, its replica, and three sentinels, on free ports. Once the primary is [killed](Self::kill_primary), the replica
/// takes its place after some two seconds. Dropping it kills all.
///
/// ```no_run
/// use athyper_testkit::services::RedisSentinel;
///
/// let service = RedisSentinel::start();
/// let before = service.primary_address();
/// service.fail_over();
/// assert_ne!(service.primary_address(), before);
/// # let _ = service.url();
/// ```
#[derive(Debug)]
pub struct RedisSentinel {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl RedisSentinel {
    /// Starts servers that keep a log of their writes, as [`RedisServer::start`] does, and waits until the replica follows and
    /// every sentinel knows of all others.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts the primary and the replica with further settings, such as `("min-replicas-to-write", "1")`.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let mut all = vec![("repl-diskless-sync-delay", "0"), ("repl-ping-replica-period", "1")];
        all.extend_from_slice(settings);
        let servers: Vec<RedisServer> = (0..2).map(|_| RedisServer::start_with(&all)).collect();
        let primary = reached_at(&servers[0]);
        let (host, port) = (primary.ip().to_string(), primary.port().to_string());
        servers[1].ask(&["REPLICAOF", &host, &port]);
        wait_for(|| is_linked(&servers[1]).then_some(())).expect("the replica follows the primary");
        let lines = format!(
            "sentinel monitor {SERVICE} {host} {port} 2\n\
             sentinel down-after-milliseconds {SERVICE} 1000\n\
             sentinel failover-timeout {SERVICE} 6000\n"
        );
        let own: Vec<(&str, &str)> = settings.iter().filter(|(name, _)| name.starts_with("tls-")).copied().collect();
        let sentinels = (0..SENTINELS).map(|_| RedisServer::start_sentinel(&lines, &own)).collect();
        let service = Self { servers, sentinels };
        let knows_all = |sentinel: &RedisServer| {
            let facts = sentinel.ask(&["SENTINEL", "MASTER", SERVICE]).texts();
            let fact = |name: &str| facts.chunks(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone());
            fact("num-slaves").as_deref() == Some("1")
                && fact("num-other-sentinels").as_deref() == Some("2")
                && fact("flags").as_deref() == Some("master")
        };
        let known = wait_for(|| service.sentinels.iter().all(knows_all).then_some(()));
        assert!(known.is_some(), "the sentinels do not find each other:\n{}", service.sentinels[0].log());
        service
    }

    /// Its URL, such as `redis+sentinel://127.0.0.1:40123,127.0.0.1:40125,127.0.0.1:40127/main`.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.sentinels.iter().map(|sentinel| sentinel.address().to_string()).collect();
        format!("redis+sentinel://{}/{SERVICE}", hosts.join(","))
    }

    /// The same by TLS. Its servers were given a certificate and `("tls-replication", "yes")`.
    ///
    /// # Panics
    /// When they were not.
    #[must_use]
    pub fn tls_url(&self) -> String {
        let address = |sentinel: &RedisServer| sentinel.tls_address().expect("there is a certificate").to_string();
        let hosts: Vec<String> = self.sentinels.iter().map(address).collect();
        format!("rediss+sentinel://{}/{SERVICE}", hosts.join(","))
    }

    /// The primary and the replica, whichever is which.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// Where the primary is, as most sentinels see it.
    ///
    /// # Panics
    /// When they do not agree within half a minute.
    #[must_use]
    pub fn primary_address(&self) -> SocketAddr {
        wait_for(|| {
            let seen: Vec<SocketAddr> = self.sentinels.iter().filter_map(seen_by).collect();
            seen.iter().copied().find(|address| seen.iter().filter(|other| *other == address).count() > SENTINELS / 2)
        })
        .expect("the sentinels agree on a primary")
    }

    /// The primary, as most sentinels see it.
    ///
    /// # Panics
    /// When they do not agree within half a minute.
    #[must_use]
    pub fn primary(&self) -> &RedisServer {
        let address = self.primary_address();
        self.servers.iter().find(|server| reached_at(server) == address).expect("the primary is one of ours")
    }

    /// The server that is not the primary.
    ///
    /// # Panics
    /// When the sentinels do not agree on a primary within half a minute.
    #[must_use]
    pub fn replica(&self) -> &RedisServer {
        let address = self.primary_address();
        self.servers.iter().find(|server| reached_at(server) != address).expect("there are two servers")
    }

    /// Kills the primary without warning. [`await_primary`](Self::await_primary) waits for its successor.
    ///
    /// # Panics
    /// When the sentinels do not agree on a primary within half a minute.
    pub fn kill_primary(&self) -> &RedisServer {
        let primary = self.primary();
        primary.kill();
        primary
    }

    /// Waits until a server other than this one is the primary, and says so itself.
    ///
    /// # Panics
    /// When there is none within half a minute.
    pub fn await_primary(&self, other_than: SocketAddr) {
        let has_changed = || {
            let primary = self.primary();
            let role = primary.try_ask(&["ROLE"]).ok()?.texts();
            (reached_at(primary) != other_than && role.first().map(String::as_str) == Some("master")).then_some(())
        };
        wait_for(has_changed).unwrap_or_else(|| panic!("no failover:\n{}", self.sentinels[0].log()));
    }

    /// Makes the replica the primary while both run, and waits for it.
    ///
    /// # Panics
    /// When that does not come about within half a minute.
    pub fn fail_over(&self) {
        let before = self.primary_address();
        // A sentinel refuses until it has seen that the replica is well.
        let begun = wait_for(|| {
            let asked = self.sentinels[0].ask(&["SENTINEL", "FAILOVER", SERVICE]);
            (asked.text() == "OK").then_some(())
        });
        assert!(begun.is_some(), "the sentinel begins no failover:\n{}", self.sentinels[0].log());
        self.await_primary(before);
    }

    /// Makes the replica the primary by hand, as an operator may: clients of the old primary, which becomes its replica, keep their
    /// connections.
    ///
    /// # Panics
    /// When a server or a sentinel refuses.
    pub fn swap(&self) {
        let (primary, replica) = (self.primary(), self.replica());
        let (host, port) = (reached_at(replica).ip().to_string(), reached_at(replica).port().to_string());
        let expect_ok = |server: &RedisServer, words: &[&str]| {
            let answer = server.ask(words);
            assert_eq!(answer.text(), "OK", "{words:?}: {answer:?}");
        };
        for sentinel in &self.sentinels {
            // They would undo it.
            expect_ok(sentinel, &["SENTINEL", "REMOVE", SERVICE]);
        }
        expect_ok(replica, &["REPLICAOF", "NO", "ONE"]);
        expect_ok(primary, &["REPLICAOF", &host, &port]);
        for sentinel in &self.sentinels {
            expect_ok(sentinel, &["SENTINEL", "MONITOR", SERVICE, &host, &port, "2"]);
        }
    }

    /// Lets the replica follow nobody any more, as when the network between the two is broken. Sentinels mend it after some ten
    /// seconds.
    ///
    /// # Panics
    /// When the sentinels do not agree on a primary within half a minute, or the replica cannot be reached.
    pub fn cut_replication(&self) {
        self.replica().ask(&["REPLICAOF", "127.0.0.1", "1"]);
    }
}

/// Where sentinels and replicas reach a server.
fn reached_at(server: &RedisServer) -> SocketAddr {
    server.tls_address().filter(|_| server.setting("tls-replication") == Some("yes")).unwrap_or(server.address())
}

fn is_linked(replica: &RedisServer) -> bool {
    replica.ask(&["INFO", "replication"]).text().contains("master_link_status:up")
}

fn seen_by(sentinel: &RedisServer) -> Option<SocketAddr> {
    let words = sentinel.try_ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE]).ok()?.texts();
    let [host, port] = &*words else { return None };
    format!("{host}:{port}").parse().ok()
}
