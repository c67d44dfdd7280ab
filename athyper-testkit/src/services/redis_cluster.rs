//! A Redis Cluster for tests.

use std::sync::OnceLock;

use super::redis::RedisServer;
use super::reply::Reply;
use super::watched::wait_for;

/// How many nodes share the slots.
const PRIMARIES: usize = 3;
const SLOTS: usize = 16_384;

/// A Redis Cluster of three primaries, on free ports. Dropping it kills them.
///
/// ```no_run
/// use athyper_testkit::services::RedisCluster;
///
/// let cluster = RedisCluster::start();
/// let owner = cluster.owner_of("{bull}");
/// cluster.nodes()[owner].ask(&["SET", "{bull}:key", "value"]);
/// cluster.move_slot("{bull}", (owner + 1) % 3);
/// assert_ne!(cluster.owner_of("{bull}"), owner);
/// # let _ = cluster.url();
/// ```
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts three primaries that keep a log of their writes, as [`RedisServer::start`] does.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn start() -> Self {
        Self::build(&[], 0)
    }

    /// Starts three primaries with further settings, such as `("appendfsync", "always")`.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::build(settings, 0)
    }

    /// Starts three primaries and a replica of each, which takes its place once it is [killed](RedisServer::kill). The replicas
    /// are the nodes 3 to 5.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn start_with_replicas(settings: &[(&str, &str)]) -> Self {
        Self::build(settings, PRIMARIES)
    }

    /// The cluster that the tests of this process share. None of it must be killed, moved or emptied: give each test a prefix of
    /// its own.
    ///
    /// # Panics
    /// When it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisCluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn build(settings: &[(&str, &str)], replicas: usize) -> Self {
        let mut all = vec![("cluster-node-timeout", "1500"), ("cluster-replica-validity-factor", "0")];
        all.extend_from_slice(settings);
        let nodes: Vec<RedisServer> = (0..PRIMARIES + replicas).map(|_| RedisServer::start_node(&all)).collect();
        let cluster = Self { nodes };
        let (first, others) = cluster.nodes.split_first().expect("there are nodes");
        for (number, node) in cluster.nodes.iter().enumerate() {
            // Two nodes that begin with the same epoch would have to agree on another one first.
            expect_ok(node, &["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
        }
        for (number, node) in cluster.nodes[..PRIMARIES].iter().enumerate() {
            let (begin, end) = (number * SLOTS / PRIMARIES, (number + 1) * SLOTS / PRIMARIES - 1);
            expect_ok(node, &["CLUSTER", "ADDSLOTSRANGE", &begin.to_string(), &end.to_string()]);
        }
        let (host, port) = (first.address().ip().to_string(), first.address().port().to_string());
        let bus = first.setting("cluster-port").expect("a node has a port for the others").to_owned();
        for node in others {
            expect_ok(node, &["CLUSTER", "MEET", &host, &port, &bus]);
        }
        cluster.settle();
        for number in 0..replicas {
            let (replica, primary) = (&cluster.nodes[PRIMARIES + number], cluster.id(number));
            expect_ok(replica, &["CLUSTER", "REPLICATE", &primary]);
            let is_linked = || replica.ask(&["INFO", "replication"]).text().contains("master_link_status:up");
            wait_for(|| is_linked().then_some(())).expect("a replica follows its primary");
        }
        cluster.settle();
        cluster
    }

    /// Its URL, such as `redis+cluster://127.0.0.1:40123,127.0.0.1:40125,127.0.0.1:40127`.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| node.address().to_string()).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The same by TLS. Its nodes were given a certificate and `("tls-cluster", "yes")`.
    ///
    /// # Panics
    /// When they were not.
    #[must_use]
    pub fn tls_url(&self) -> String {
        let address = |node: &RedisServer| node.tls_address().expect("the nodes have a certificate").to_string();
        format!("rediss+cluster://{}", self.nodes.iter().map(address).collect::<Vec<_>>().join(","))
    }

    /// Its nodes, each of which can be killed, frozen and started again.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Which of the nodes has the slot of a key.
    ///
    /// # Panics
    /// When none has it within half a minute.
    #[must_use]
    pub fn owner_of(&self, key: &str) -> usize {
        wait_for(|| {
            let serves = |node: &RedisServer| -> Option<bool> {
                let Reply::Number(slot) = node.try_ask(&["CLUSTER", "KEYSLOT", key]).ok()? else { return None };
                Some(owner_by(&node.try_ask(&["CLUSTER", "SLOTS"]).ok()?, slot)? == node.address().port().to_string())
            };
            self.nodes.iter().position(|node| serves(node) == Some(true))
        })
        .unwrap_or_else(|| panic!("no node serves the slot of `{key}`"))
    }

    /// Moves the slot of a key to another node while clients go on.
    ///
    /// # Panics
    /// When a node refuses.
    pub fn move_slot(&self, key: &str, to: usize) {
        self.begin_move(key, to).finish();
    }

    /// Begins to move the slot of a key to another node. Until the move is [finished](SlotMove::finish), keys may be here or
    /// there.
    ///
    /// # Panics
    /// When a node refuses.
    #[must_use]
    pub fn begin_move(&self, key: &str, to: usize) -> SlotMove<'_> {
        let from = self.owner_of(key);
        let slot = self.nodes[from].ask(&["CLUSTER", "KEYSLOT", key]).text();
        expect_ok(&self.nodes[to], &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &self.id(from)]);
        expect_ok(&self.nodes[from], &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &self.id(to)]);
        SlotMove { cluster: self, slot, from, to }
    }

    /// Waits until every node that runs knows of a node for every slot.
    ///
    /// # Panics
    /// When that does not come about within half a minute.
    pub fn settle(&self) {
        let known = format!("cluster_known_nodes:{}", self.nodes.len());
        let is_settled = |node: &RedisServer| {
            let Ok(info) = node.try_ask(&["CLUSTER", "INFO"]) else { return true };
            let text = info.text();
            text.contains("cluster_state:ok") && text.lines().any(|line| line == known)
        };
        let settled = wait_for(|| self.nodes.iter().all(is_settled).then_some(()));
        assert!(settled.is_some(), "the cluster does not settle: {:?}", self.nodes[0].try_ask(&["CLUSTER", "NODES"]));
    }

    fn id(&self, node: usize) -> String {
        self.nodes[node].ask(&["CLUSTER", "MYID"]).text()
    }
}

/// A slot on its way from node to node.
#[derive(Debug)]
pub struct SlotMove<'a> {
    cluster: &'a RedisCluster,
    slot: String,
    from: usize,
    to: usize,
}

impl SlotMove<'_> {
    /// Moves so many keys at most, and says how many.
    ///
    /// # Panics
    /// When a node refuses.
    pub fn pass(&self, most: usize) -> usize {
        let from = &self.cluster.nodes[self.from];
        let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &self.slot, &most.to_string()]).texts();
        if keys.is_empty() {
            return 0;
        }
        let to = self.cluster.nodes[self.to].address();
        let (host, port) = (to.ip().to_string(), to.port().to_string());
        let mut words = vec!["MIGRATE", &*host, &*port, "", "0", "5000", "KEYS"];
        words.extend(keys.iter().map(String::as_str));
        let answer = from.ask(&words);
        assert!(matches!(&*answer.text(), "OK" | "NOKEY"), "keys cannot be moved: {answer:?}");
        keys.len()
    }

    /// Moves the rest of the keys, and tells every node that runs who has the slot now.
    ///
    /// # Panics
    /// When a node refuses.
    pub fn finish(self) {
        while self.pass(100) > 0 {}
        let owner = self.cluster.id(self.to);
        let words = ["CLUSTER", "SETSLOT", &*self.slot, "NODE", &*owner];
        for node in [self.to, self.from] {
            expect_ok(&self.cluster.nodes[node], &words);
        }
        for (number, node) in self.cluster.nodes.iter().enumerate() {
            if number != self.to && number != self.from {
                // Replicas are told by their primaries, and who does not run learns of it later.
                let _learns_of_it = node.try_ask(&words);
            }
        }
    }
}

fn expect_ok(node: &RedisServer, words: &[&str]) {
    let answer = node.ask(words);
    assert_eq!(answer.text(), "OK", "{words:?}: {answer:?}");
}

/// The port of the primary of a slot, by what `CLUSTER SLOTS` answers.
fn owner_by(ranges: &Reply, slot: i64) -> Option<String> {
    let Reply::List(ranges) = ranges else { return None };
    ranges.iter().find_map(|range| {
        let Reply::List(parts) = range else { return None };
        let [Reply::Number(first), Reply::Number(last), Reply::List(primary), ..] = &**parts else { return None };
        (*first..=*last).contains(&slot).then(|| primary.get(1).map(Reply::text))?
    })
}
