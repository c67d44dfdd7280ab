//! A PostgreSQL server for tests.

mod databases;

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use self::databases::Databases;
use super::free_address;
use super::tools;
use super::watched::{Watched, wait_for};

pub(super) const USER: &str = "athyper";
pub(super) const PASSWORD: &str = "athyper-secret";

/// PostgreSQL refuses to run as root: there it runs as `nobody`, who may still read programs below a folder of root's.
const NOBODY: u32 = 65534;

/// A PostgreSQL server of its own, on a free port, with its data in a folder of its own. Dropping it kills it.
///
/// It survives being [killed](Self::kill) and [started again](Self::restart), but not the machine: it does not wait for the disk
/// (`fsync`), unless a setting says so.
///
/// ```no_run
/// use athyper_testkit::services::PostgresServer;
///
/// let url = PostgresServer::shared().fresh_database();
/// assert!(url.starts_with("postgres://"));
/// ```
#[derive(Debug)]
pub struct PostgresServer {
    address: SocketAddr,
    folder: PathBuf,
    settings: Vec<(String, String)>,
    running: Mutex<Option<Watched>>,
    databases: Mutex<Databases>,
}

impl PostgresServer {
    /// Starts a server.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further settings, such as `("max_connections", "20")`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = fresh_folder();
        initialise(&folder)
            .unwrap_or_else(|error| panic!("initdb makes no data folder (scripts/tools installs it): {error}"));
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::start_in(folder, settings)
    }

    /// Starts a replica of this server, which follows it by streaming and answers those who only read. What it follows may be
    /// reached through a proxy, such as a [`FaultProxy`](super::FaultProxy).
    ///
    /// The primary waits for no replica yet: see [`wait_for_replicas`](Self::wait_for_replicas).
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_replica(&self, through: Option<SocketAddr>) -> Self {
        let folder = fresh_folder();
        let address = through.unwrap_or(self.address);
        let url = self.url().replacen(&self.address.to_string(), &address.to_string(), 1);
        copy(&folder, &url)
            .unwrap_or_else(|error| panic!("pg_basebackup copies nothing (scripts/tools installs it): {error}"));
        let replica = Self::start_in(folder, self.settings.clone());
        let streams =
            || self.try_ask(&self.url(), "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'");
        let follows = wait_for(|| streams().is_ok_and(|count| count != "0").then_some(()));
        assert!(follows.is_some(), "the replica does not follow:\n{}", replica.log());
        replica
    }

    /// From here on a commit is answered once a replica has it too: on its disk (`on`) or visible there (`remote_apply`), as
    /// `synchronous_commit` says.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub fn wait_for_replicas(&self, synchronous_commit: &str) {
        self.ask(&self.url(), &format!("ALTER SYSTEM SET synchronous_commit = '{synchronous_commit}'"));
        self.ask(&self.url(), "ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.ask(&self.url(), "SELECT pg_reload_conf()");
        let is_synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        let waits = wait_for(|| (self.ask(&self.url(), is_synchronous) != "0").then_some(()));
        assert!(waits.is_some(), "no replica is waited for:\n{}", self.log());
    }

    /// Waits until this replica shows all that its primary has written by now.
    ///
    /// # Panics
    /// When one of them cannot be reached, or the replica does not follow.
    pub fn catch_up_with(&self, primary: &Self) {
        let written = primary.ask(&primary.url(), "SELECT pg_current_wal_insert_lsn()");
        let shows = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
        let follows = wait_for(|| (self.ask(&self.url(), &shows) == "t").then_some(()));
        assert!(follows.is_some(), "the replica does not follow:\n{}", self.log());
    }

    /// Makes a replica a primary, and waits until it accepts writes.
    ///
    /// # Panics
    /// When it is none, or does not become one.
    pub fn promote(&self) {
        assert_eq!(self.ask(&self.url(), "SELECT pg_promote(true, 30)"), "t", "it is promoted:\n{}", self.log());
    }

    fn start_in(folder: PathBuf, settings: Vec<(String, String)>) -> Self {
        let mut server =
            Self { address: free_address(), folder, settings, running: Mutex::default(), databases: Mutex::default() };
        let mut failure = None;
        // Somebody else may take the port in between.
        for _ in 0..5 {
            match server.launch() {
                Ok(()) => return server,
                Err(error) => failure = Some(error),
            }
            server.address = free_address();
        }
        panic!("postgres does not start (scripts/tools installs it): {failure:?}\n{}", server.log());
    }

    /// The server that the tests of this process share. It must not be killed: give each test a
    /// [database of its own](Self::fresh_database).
    ///
    /// # Panics
    /// When it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Makes an empty database that no other test has, and answers its URL. After a minute it goes
    /// as soon as another is made while nobody is connected to it.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub fn fresh_database(&self) -> String {
        let (name, old) = self.databases().next();
        for old in old {
            // It is refused while somebody is connected; then there is another time.
            if self.try_ask(&self.url(), &format!("DROP DATABASE {old}")).is_err() {
                self.databases().keep(old);
            }
        }
        self.ask(&self.url(), &format!("CREATE DATABASE {name}"));
        let url = self.url_of(&name);
        self.databases().keep(name);
        url
    }

    fn databases(&self) -> MutexGuard<'_, Databases> {
        self.databases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The URL of the database that is always there.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@{}/{database}", self.address)
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

    /// The end of its log, which tells what became of it.
    fn last_said(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Runs SQL text with `psql` over a connection of its own, and answers what it prints: a line a row, `|` between columns.
    ///
    /// # Panics
    /// When the server cannot be reached, or refuses it.
    pub fn ask(&self, url: &str, sql: &str) -> String {
        self.try_ask(url, sql).unwrap_or_else(|error| panic!("{sql}: {error}\nThe server says:\n{}", self.last_said()))
    }

    /// As [`ask`](Self::ask).
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses it.
    pub fn try_ask(&self, url: &str, sql: &str) -> io::Result<String> {
        psql(url, sql)
    }

    /// Kills it without warning, with everything it started, as `kill -9` does.
    pub fn kill(&self) {
        drop(self.running().take());
    }

    /// Starts it again after it was [killed](Self::kill), on the same port, with the same data.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&self) {
        self.kill();
        self.launch().unwrap_or_else(|error| panic!("postgres does not start again: {error}\n{}", self.log()));
    }

    /// Stops its processes in the middle of whatever they do (`SIGSTOP`): connections stay, answers do not come.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets [frozen](Self::freeze) processes go on (`SIGCONT`).
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
        let data = self.folder.join("data");
        let mut command = unprivileged();
        command.push(tools::program("postgres").into());
        command.extend(["-D".into(), data.clone().into()]);
        let port = self.address.port().to_string();
        let defaults = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &*port),
            ("unix_socket_directories", ""),
            ("max_connections", "300"),
            ("shared_buffers", "64MB"),
            ("fsync", "off"),
            ("max_wal_size", "128MB"),
            ("jit", "off"),
        ];
        let own = self.settings.iter().map(|(name, value)| (&**name, &**value));
        for (name, value) in defaults.into_iter().chain(own) {
            command.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        let server = Watched::start(&self.folder, command)?;
        // The file is in our folder, so what it says is about our server.
        let says_ready = || {
            if !server.is_running() {
                return Some(false);
            }
            let noted = fs::read_to_string(data.join("postmaster.pid")).ok()?;
            let mut lines = noted.lines();
            let is_ours = lines.next() == Some(&server.process().to_string());
            let is_up = |state: &str| matches!(state.trim(), "ready" | "standby");
            (is_ours && lines.nth(6).is_some_and(is_up)).then_some(true)
        };
        let is_ready = wait_for(says_ready) == Some(true);
        *self.running() = Some(server);
        if is_ready { Ok(()) } else { Err(io::Error::other("it does not become ready")) }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
        let _nothing_left = fs::remove_dir_all(&self.folder);
    }
}

/// The words before a program that must not run as root; none for everybody else.
pub(super) fn unprivileged() -> Vec<OsString> {
    if !is_root() {
        return Vec::new();
    }
    let reads = "+dac_read_search";
    [
        "setpriv",
        &format!("--reuid={NOBODY}"),
        &format!("--regid={NOBODY}"),
        "--clear-groups",
        &format!("--inh-caps={reads}"),
        &format!("--ambient-caps={reads}"),
    ]
    .map(OsString::from)
    .to_vec()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A folder that nobody else uses, and that is not there yet.
fn fresh_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("athyper-postgres-{}-{number}", std::process::id()));
    let _left_behind = fs::remove_dir_all(&folder);
    folder
}

/// Makes a data folder that belongs to whoever may run a server.
fn make_data_folder(folder: &Path) -> io::Result<PathBuf> {
    let data = folder.join("data");
    fs::create_dir_all(&data)?;
    // A server refuses data that others may read.
    fs::set_permissions(&data, Permissions::from_mode(0o700))?;
    if is_root() {
        chown(&data, Some(NOBODY), Some(NOBODY))?;
    }
    Ok(data)
}

/// Copies the data of a running server, and notes that the copy is to follow it.
fn copy(folder: &Path, url: &str) -> io::Result<()> {
    let data = make_data_folder(folder)?;
    let mut words = unprivileged();
    words.push(tools::program("pg_basebackup").into());
    words.extend(["-D".into(), data.into(), "-d".into(), url.into()]);
    words.extend(["-R", "-X", "stream", "-c", "fast", "--no-sync"].map(Into::into));
    let mut copy = Command::new(&words[0]);
    printed(copy.args(&words[1..]).stdin(Stdio::null())).map(drop)
}

fn initialise(folder: &Path) -> io::Result<()> {
    let (data, password) = (make_data_folder(folder)?, folder.join("password"));
    fs::write(&password, PASSWORD)?;
    let mut words = unprivileged();
    words.push(tools::program("initdb").into());
    words.extend(["-D".into(), data.into(), "--pwfile".into(), password.into()]);
    words.extend(
        ["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
            .map(Into::into),
    );
    let mut initdb = Command::new(&words[0]);
    printed(initdb.args(&words[1..]).stdin(Stdio::null())).map(drop)
}

/// Runs SQL text over a connection of its own.
pub(super) fn psql(url: &str, sql: &str) -> io::Result<String> {
    let mut psql = Command::new(tools::program("psql"));
    psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).env("PGCONNECT_TIMEOUT", "5");
    printed(psql.stdin(Stdio::null()))
}

/// What a program prints, or why it failed.
fn printed(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}
