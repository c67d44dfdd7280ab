//! A PostgreSQL server for tests.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::tools;
use super::watched::{Watched, free_address, wait_for};

const USER: &str = "athyper";
const PASSWORD: &str = "athyper-secret";

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
    databases: AtomicU32,
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
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("athyper-postgres-{}-{number}", std::process::id()));
        let _left_behind = fs::remove_dir_all(&folder);
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        initialise(&folder)
            .unwrap_or_else(|error| panic!("initdb makes no data folder (scripts/tools installs it): {error}"));
        let mut server = Self {
            address: free_address(),
            folder,
            settings,
            running: Mutex::default(),
            databases: AtomicU32::default(),
        };
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

    /// Makes an empty database that no other test has, and answers its URL.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub fn fresh_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.ask(&self.url(), &format!("CREATE DATABASE {name}"));
        self.url_of(&name)
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

    /// Runs SQL text with `psql` over a connection of its own, and answers what it prints: a line a row, `|` between columns.
    ///
    /// # Panics
    /// When the server cannot be reached, or refuses it.
    pub fn ask(&self, url: &str, sql: &str) -> String {
        self.try_ask(url, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// As [`ask`](Self::ask).
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses it.
    pub fn try_ask(&self, url: &str, sql: &str) -> io::Result<String> {
        let mut psql = Command::new(tools::program("psql"));
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).env("PGCONNECT_TIMEOUT", "5");
        printed(psql.stdin(Stdio::null()))
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
            (is_ours && lines.nth(6).is_some_and(|state| state.trim() == "ready")).then_some(true)
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
fn unprivileged() -> Vec<OsString> {
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

fn initialise(folder: &Path) -> io::Result<()> {
    let (data, password) = (folder.join("data"), folder.join("password"));
    fs::create_dir_all(&data)?;
    fs::write(&password, PASSWORD)?;
    if is_root() {
        chown(&data, Some(NOBODY), Some(NOBODY))?;
    }
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

/// What a program prints, or why it failed.
fn printed(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}
