//! A Redis server for tests.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::free_address;
use super::reply::{Reply, ask};
use super::tools;
use super::watched::{Watched, wait_for};

/// The file that a sentinel reads and writes.
const SENTINEL_FILE: &str = "sentinel.conf";

/// A Redis server of its own, on a free port, with its data in a folder of its own. It keeps a log of its writes
/// (`appendonly`), so that it can be [killed](Self::kill) and [started again](Self::restart). Dropping it kills it.
///
/// ```no_run
/// use athyper_testkit::services::RedisServer;
///
/// let server = RedisServer::start();
/// assert_eq!(server.ask(&["PING"]).text(), "PONG");
/// # let _ = server.url();
/// ```
#[derive(Debug)]
pub struct RedisServer {
    address: SocketAddr,
    folder: PathBuf,
    settings: Settings,
    role: Role,
    running: Mutex<Option<Watched>>,
}

/// Names of settings, and their values.
type Settings = Vec<(String, String)>;

/// What a server process is.
#[derive(Debug, Clone)]
enum Role {
    /// One that keeps data.
    Data,
    /// A sentinel, and what is written in its file at first.
    Sentinel(String),
}

impl RedisServer {
    /// Starts a server that keeps a log of its writes and flushes it every second. A test that kills it and counts what is
    /// left asks for `start_with(&[("appendfsync", "always")])`: while a flush lasts, a kill loses what was acknowledged since.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further settings, such as `("maxmemory", "20mb")`. One that is given a certificate (`tls-cert-file`)
    /// listens for TLS as well, at its [`tls_address`](Self::tls_address).
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let settings = owned(settings);
        Self::start_as(&Role::Data, || settings.clone())
    }

    /// Starts a node that belongs to a cluster of its own yet.
    pub(super) fn start_node(settings: &[(&str, &str)]) -> Self {
        let settings = owned(settings);
        Self::start_as(&Role::Data, || {
            let mut node = owned(&[("cluster-enabled", "yes"), ("cluster-config-file", "nodes.conf")]);
            node.push(("cluster-port".to_owned(), free_address().port().to_string()));
            node.extend(settings.clone());
            node
        })
    }

    /// Starts a sentinel that watches what the lines of its file name.
    pub(super) fn start_sentinel(lines: &str, settings: &[(&str, &str)]) -> Self {
        let settings = owned(settings);
        Self::start_as(&Role::Sentinel(lines.to_owned()), || settings.clone())
    }

    fn start_as(role: &Role, settings: impl Fn() -> Settings) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut failure = None;
        // Somebody else may take the port in between.
        for _ in 0..5 {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let folder = std::env::temp_dir().join(format!("athyper-redis-{}-{number}", std::process::id()));
            let _left_behind = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).expect("a folder can be made for the data of a server");
            if let Role::Sentinel(lines) = role {
                fs::write(folder.join(SENTINEL_FILE), lines).expect("a sentinel gets its file");
            }
            let (mut settings, role) = (settings(), role.clone());
            if settings.iter().any(|(name, _)| name == "tls-cert-file") {
                settings.push(("tls-port".to_owned(), free_address().port().to_string()));
            }
            let server = Self { address: free_address(), folder, settings, role, running: Mutex::default() };
            match server.launch() {
                Ok(()) => return server,
                Err(error) => failure = Some(error),
            }
        }
        panic!("redis-server does not start (scripts/tools installs it): {failure:?}");
    }

    /// The server that the tests of this process share. It must not be killed or emptied: give each test a prefix of its own.
    ///
    /// # Panics
    /// When it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Its URL, such as `redis://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for TLS, if it was given a certificate.
    ///
    /// # Panics
    /// Never: what its port is set to is a port.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        let port = self.setting("tls-port")?.parse().expect("a port is a number");
        Some(SocketAddr::new(self.address.ip(), port))
    }

    /// What it was told besides the usual.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// What it wrote to its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Sends a command over a connection of its own.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub fn ask(&self, words: &[&str]) -> Reply {
        self.try_ask(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Sends a command over a connection of its own.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn try_ask(&self, words: &[&str]) -> io::Result<Reply> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        if let Some((_, password)) = self.settings.iter().find(|(name, _)| name == "requirepass") {
            ask(&mut stream, &["AUTH", password])?;
        }
        ask(&mut stream, words)
    }

    /// Kills it without warning, as `kill -9` does.
    pub fn kill(&self) {
        drop(self.running().take());
    }

    /// Starts it again after it was [killed](Self::kill), on the same port, with the same data.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&self) {
        self.kill();
        self.launch().unwrap_or_else(|error| panic!("redis-server does not start again: {error}\n{}", self.log()));
    }

    /// Stops its process in the middle of whatever it does (`SIGSTOP`): connections stay, answers do not come.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets a [frozen](Self::freeze) process go on (`SIGCONT`).
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        if let Some(server) = &*self.running() {
            server.signal(signal);
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Watched>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn launch(&self) -> io::Result<()> {
        let mut command = vec![tools::program("redis-server").into_os_string()];
        if let Role::Sentinel(_) = self.role {
            command.extend([self.folder.join(SENTINEL_FILE).into_os_string(), "--sentinel".into()]);
        }
        for (name, value) in self.defaults().into_iter().chain(self.settings.clone()) {
            command.extend([format!("--{name}").into(), value.into()]);
        }
        let server = Watched::start(&self.folder, command)?;
        // Another server may have the port: the answer must be this one's.
        let ours = format!("process_id:{}", server.process());
        let answers = || {
            if !server.is_running() {
                return Some(false);
            }
            let info = self.try_ask(&["INFO", "server"]).ok()?.text();
            let is_ours = info.lines().any(|line| line == ours);
            // Before it has read its data it answers with a refusal.
            (!info.is_empty()).then_some(is_ours).filter(|is_ours| !is_ours || self.is_loaded())
        };
        let has_started = wait_for(answers) == Some(true);
        *self.running() = Some(server);
        if has_started { Ok(()) } else { Err(io::Error::other(format!("it does not answer:\n{}", self.log()))) }
    }

    fn is_loaded(&self) -> bool {
        self.try_ask(&["PING"]).is_ok_and(|reply| reply.text() == "PONG")
    }

    fn defaults(&self) -> Vec<(String, String)> {
        let folder = self.folder.display().to_string();
        let port = self.address.port().to_string();
        let mut defaults = owned(&[("port", &*port), ("bind", "127.0.0.1"), ("dir", &*folder)]);
        if let Role::Data = self.role {
            defaults.extend(owned(&[("save", ""), ("appendonly", "yes"), ("appendfsync", "everysec")]));
        }
        defaults
    }
}

fn owned(settings: &[(&str, &str)]) -> Settings {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _nothing_left = fs::remove_dir_all(&self.folder);
    }
}
