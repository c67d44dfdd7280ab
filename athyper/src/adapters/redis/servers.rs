//! One connection, and to which server it is made.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, PushInfo, PushKind, RedisError, RedisResult, TlsCertificates, Value,
};

use super::options::{Options, wrong};
use super::target::{Target, Topology};
use super::{cluster, sentinel};
use crate::foundation::error::Result;

/// How long making a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long a sentinel or a node may take to say who is in charge: there are others.
const TELL_WITHIN: Duration = Duration::from_secs(1);

/// One connection, and whether it is known to be gone.
#[derive(Clone)]
pub(super) struct Connection {
    inner: MultiplexedConnection,
    gone: Arc<AtomicBool>,
    /// Under which server in charge it was made, and under which one we are.
    era: u64,
    eras: Arc<AtomicU64>,
}

impl Connection {
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        command.query_async(&mut self.inner).await
    }

    pub(super) fn give_up(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// The server is not in charge any more: no connection to it is of use, also where it still answers questions.
    pub(super) fn leave_server(&self) {
        // Whoever finds out later must not leave its successor.
        let _left_already = self.eras.compare_exchange(self.era, self.era + 1, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire) || self.era != self.eras.load(Ordering::Acquire)
    }
}

/// The servers of a URL, and what is known of who is in charge.
pub(super) struct Servers {
    target: Target,
    /// Whose slot decides which node of a cluster is connected to.
    prefix: String,
    certificates: Option<TlsCertificates>,
    /// Whom to ask, the most promising first.
    known: Mutex<Vec<String>>,
    eras: Arc<AtomicU64>,
}

impl Servers {
    pub(super) fn new(options: &Options) -> Result<Self> {
        if options.target.is_secure {
            // The first one to be installed is everybody's; there may be one.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let certificates = options.read_authority()?;
        let (target, prefix) = (options.target.clone(), options.prefix.clone());
        let known = Mutex::new(target.hosts.clone());
        let servers = Self { target, prefix, certificates, known, eras: Arc::default() };
        for host in &servers.target.hosts {
            servers.client(servers.target.url(host)).map_err(|failure| wrong(&options.shown, &failure.to_string()))?;
        }
        Ok(servers)
    }

    /// Connects to the server in charge; answers may take so long.
    pub(super) async fn connect(&self, answer_within: Duration) -> RedisResult<Connection> {
        match &self.target.topology {
            Topology::Single => self.open(&self.target.hosts[0], answer_within).await,
            Topology::Sentinel { service } => sentinel::connect(self, service, answer_within).await,
            Topology::Cluster => cluster::connect(self, &self.prefix, answer_within).await,
        }
    }

    fn client(&self, url: String) -> RedisResult<Client> {
        match &self.certificates {
            Some(certificates) => Client::build_with_tls(url, certificates.clone()),
            None => Client::open(url),
        }
    }

    /// Connects to one server.
    pub(super) async fn open(&self, host: &str, answer_within: Duration) -> RedisResult<Connection> {
        let (gone, era) = (Arc::new(AtomicBool::new(false)), self.eras.load(Ordering::Acquire));
        let note = gone.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(answer_within))
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    note.store(true, Ordering::Release);
                }
                Ok::<(), ()>(())
            });
        let client = self.client(self.target.url(host))?;
        let inner = client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Connection { inner, gone, era, eras: self.eras.clone() })
    }

    /// Connects to a server only to ask it something.
    async fn consult(&self, url: String) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TELL_WITHIN))
            .set_response_timeout(Some(TELL_WITHIN));
        self.client(url)?.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Connects to a node only to ask it something.
    pub(super) async fn consult_node(&self, host: &str) -> RedisResult<MultiplexedConnection> {
        self.consult(self.target.url(host)).await
    }

    /// Connects to a sentinel. One that wants to know who asks is told what the servers are told.
    pub(super) async fn ask_sentinel(&self, host: &str, question: &Cmd) -> RedisResult<Value> {
        let (plain, with_login) = self.target.sentinel_urls(host);
        let mut answer = self.ask(plain, question).await;
        if let (Err(failure), Some(url)) = (&answer, with_login)
            && failure.to_string().contains("NOAUTH")
        {
            answer = self.ask(url, question).await;
        }
        answer
    }

    async fn ask(&self, url: String, question: &Cmd) -> RedisResult<Value> {
        question.query_async(&mut self.consult(url).await?).await
    }

    /// Whom to ask who is in charge, one after another.
    pub(super) fn to_ask(&self) -> Vec<String> {
        let mut hosts = self.known().clone();
        let unknown = self.target.hosts.iter().filter(|host| !hosts.contains(host)).cloned().collect::<Vec<_>>();
        hosts.extend(unknown);
        hosts
    }

    /// Remembers whom to ask.
    pub(super) fn remember(&self, hosts: Vec<String>) {
        *self.known() = hosts;
    }

    /// Asks this one first the next time.
    pub(super) fn ask_first(&self, host: &str) {
        let mut known = self.known();
        known.retain(|other| other != host);
        known.insert(0, host.to_owned());
    }

    /// Asks the others first the next time.
    pub(super) fn ask_last(&self, host: &str) {
        let mut known = self.known();
        if let Some(at) = known.iter().position(|other| other == host) {
            let host = known.remove(at);
            known.push(host);
        }
    }

    fn known(&self) -> MutexGuard<'_, Vec<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which of two failures tells more of why nobody could be connected to: the one that can only be mended by hand.
pub(super) fn graver(one: Option<RedisError>, other: RedisError) -> RedisError {
    match one {
        Some(one) if one.kind() == ErrorKind::InvalidClientConfig => one,
        _ => other,
    }
}
