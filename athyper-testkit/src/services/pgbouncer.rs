//! A PgBouncer for tests.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::free_address;
use super::postgres::{PASSWORD, PostgresServer, USER, psql, unprivileged};
use super::tools;
use super::watched::{Watched, wait_for};

/// A PgBouncer on a free port, in its transaction mode, before a [`PostgresServer`]: each transaction of a client may reach another
/// connection of the server. Dropping it kills it.
///
/// It gives clients up that wait for a server for five seconds, and asks a server that is away again each second.
///
/// ```no_run
/// use athyper_testkit::services::{PgBouncer, PostgresServer};
///
/// let server = PostgresServer::start();
/// let bouncer = PgBouncer::start(&server);
/// let url = bouncer.url_of(&server.fresh_database());
/// assert!(url.starts_with("postgres://"));
/// ```
#[derive(Debug)]
pub struct PgBouncer {
    address: SocketAddr,
    server: SocketAddr,
    folder: PathBuf,
    running: Mutex<Option<Watched>>,
}

impl PgBouncer {
    /// Starts one before a server.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(server: &PostgresServer) -> Self {
        Self::start_with(server, &[])
    }

    /// Starts one with further settings, such as `("default_pool_size", "2")`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_with(server: &PostgresServer, settings: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut failure = None;
        // Somebody else may take the port in between.
        for _ in 0..5 {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let folder = std::env::temp_dir().join(format!("athyper-pgbouncer-{}-{number}", std::process::id()));
            let _left_behind = fs::remove_dir_all(&folder);
            let bouncer = Self { address: free_address(), server: server.address(), folder, running: Mutex::default() };
            match bouncer.write_files(settings).and_then(|()| bouncer.launch()) {
                Ok(()) => return bouncer,
                Err(error) => failure = Some(format!("{error}\n{}", bouncer.log())),
            }
        }
        panic!("pgbouncer does not start (scripts/tools installs it): {}", failure.unwrap_or_default());
    }

    /// The one before [`PostgresServer::shared`], which the tests of this process share. It must not be killed.
    ///
    /// # Panics
    /// When it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PgBouncer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(PostgresServer::shared()))
    }

    /// The URL by which a database of the server is reached through it.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        database.replacen(&self.server.to_string(), &self.address.to_string(), 1)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it wrote to its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Runs a command of its console, such as `SHOW POOLS`, and answers what it prints: a line a row, `|` between columns.
    ///
    /// # Panics
    /// When it cannot be reached, or refuses it.
    pub fn ask(&self, command: &str) -> String {
        let console = format!("postgres://{USER}:{PASSWORD}@{}/pgbouncer", self.address);
        psql(&console, command).unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Kills it without warning, as `kill -9` does.
    pub fn kill(&self) {
        drop(self.running().take());
    }

    /// Starts it again after it was [killed](Self::kill), on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&self) {
        self.kill();
        self.launch().unwrap_or_else(|error| panic!("pgbouncer does not start again: {error}\n{}", self.log()));
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
        if let Some(bouncer) = &*self.running() {
            bouncer.signal(signal);
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Watched>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_files(&self, settings: &[(&str, &str)]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let users = self.folder.join("users");
        // In plain text, so that it can prove itself to the server as well as ask its clients for a proof.
        fs::write(&users, format!("\"{USER}\" \"{PASSWORD}\"\n"))?;
        let (port, users) = (self.address.port().to_string(), users.display().to_string());
        let mut lines =
            format!("[databases]\n* = host={} port={}\n[pgbouncer]\n", self.server.ip(), self.server.port());
        let defaults = [
            ("listen_addr", "127.0.0.1"),
            ("listen_port", &*port),
            ("unix_socket_dir", ""),
            ("auth_type", "scram-sha-256"),
            ("auth_file", &*users),
            ("admin_users", USER),
            ("pool_mode", "transaction"),
            ("default_pool_size", "20"),
            ("max_client_conn", "1000"),
            ("ignore_startup_parameters", "extra_float_digits,options"),
            ("server_connect_timeout", "2"),
            ("server_login_retry", "1"),
            ("query_wait_timeout", "5"),
        ];
        for (name, value) in defaults.iter().chain(settings) {
            lines.push_str(&format!("{name} = {value}\n"));
        }
        fs::write(self.folder.join("pgbouncer.ini"), lines)
    }

    fn launch(&self) -> io::Result<()> {
        // It refuses to run as root, as the server does.
        let mut command = unprivileged();
        command.push(tools::program("pgbouncer").into());
        command.push(self.folder.join("pgbouncer.ini").into());
        let bouncer = Watched::start(&self.folder, command)?;
        let console = format!("postgres://{USER}:{PASSWORD}@{}/pgbouncer", self.address);
        let is_ours = "process up: PgBouncer";
        let answers = || {
            if !bouncer.is_running() {
                return Some(false);
            }
            // It says so once it listens; who cannot have the port ends before that.
            (self.log().contains(is_ours) && psql(&console, "SHOW VERSION").is_ok()).then_some(true)
        };
        let is_ready = wait_for(answers) == Some(true);
        *self.running() = Some(bouncer);
        if is_ready { Ok(()) } else { Err(io::Error::other("it does not become ready")) }
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.kill();
        let _nothing_left = fs::remove_dir_all(&self.folder);
    }
}
