//! A product that can be started, again and again, on the same data.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use athyper_testkit::services::free_address;
use tempfile::TempDir;

use crate::journal::Journal;
use crate::process::Running;

/// A product's binary, its folder and its configuration.
#[derive(Debug)]
pub struct Product {
    binary: PathBuf,
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Product {
    /// `examples/quickstart`, in an empty folder.
    #[must_use]
    pub fn quickstart() -> Self {
        Self::new("quickstart")
    }

    /// The drills' own product (`src/bin/drill-product`), in an empty folder, writing its journal there.
    #[must_use]
    pub fn drill() -> Self {
        let product = Self::new("drill-product");
        let journal = product.journal().path().to_string_lossy().into_owned();
        product.with("ATHYPER__DRILL__JOURNAL", journal)
    }

    fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("drill-").tempdir().expect("a temporary folder");
        let product = Self { binary: binary(name), folder, environment: Vec::new() };
        // All of a drill's load comes from one address.
        product.with("ATHYPER__RATE_LIMIT__ENABLED", "false")
    }

    /// Sets an environment variable for processes started from here on.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// The same, on a product that is already in use.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.into()));
    }

    /// Where it runs and keeps its data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its binary.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// Its database file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder().join("data/athyper.db")
    }

    /// What the drills' own product wrote down.
    #[must_use]
    pub fn journal(&self) -> Journal {
        Journal::at(&self.folder.path().join("journal"))
    }

    /// A command for the binary with nothing of this process's environment but what a program needs to start.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(self.folder()).env_clear().stdin(Stdio::null());
        command.envs(env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it, with more variables, and does not wait for it to be ready.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(&self, more: &[(String, String)]) -> Running {
        self.spawn_command(self.command(), more)
    }

    /// Starts a command that ends up running the product.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn_command(&self, mut command: Command, more: &[(String, String)]) -> Running {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let output = self.folder().join(format!("output-{}", STARTED.fetch_add(1, Ordering::Relaxed)));
        let file = File::create(&output).expect("the folder is writable");
        let (http, management) = (free_address(), free_address());
        command
            .env("PORT", http.port().to_string())
            .env("ATHYPER__MANAGEMENT__PORT", management.port().to_string())
            .envs(more.iter().map(|(name, value)| (name, value)))
            .stdout(file.try_clone().expect("a file handle can be cloned"))
            .stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        Running::new(child, &output, http, management)
    }

    /// Starts it and waits until it is ready.
    #[must_use]
    #[track_caller]
    pub fn start(&self) -> Running {
        self.start_with(&[])
    }

    /// Starts it in a mode and waits until it is ready.
    #[must_use]
    #[track_caller]
    pub fn start_mode(&self, mode: &str) -> Running {
        self.start_with(&[("MODE".to_owned(), mode.to_owned())])
    }

    /// Starts it with more variables and waits until it is ready.
    #[must_use]
    #[track_caller]
    pub fn start_with(&self, more: &[(String, String)]) -> Running {
        let mut running = self.spawn(more);
        running.await_ready();
        running
    }
}

/// Where cargo builds: the drill itself runs from `<target>/<profile>/deps`.
#[must_use]
pub fn target_folder() -> PathBuf {
    profile_folder().parent().expect("profiles lie in the target folder").to_owned()
}

fn profile_folder() -> PathBuf {
    let own = env::current_exe().expect("the running program has a path");
    own.ancestors().nth(2).expect("test programs lie in <profile>/deps").to_owned()
}

/// The path of a product's binary, brought up to date once a run.
fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let folder = profile_folder();
    BUILT.get_or_init(|| {
        let release = folder.file_name().is_some_and(|name| name == "release");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The whole workspace with what its tests need, as the tests are built: less would unify features otherwise, and build
        // everything again.
        cargo.args(["build", "--quiet", "--workspace", "--bins", "--examples", "--target-dir"]).arg(target_folder());
        cargo.args(release.then_some("--release"));
        cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
        let status = cargo.status().expect("cargo runs");
        assert!(status.success(), "the products do not build");
    });
    folder.join(name).with_extension(env::consts::EXE_EXTENSION)
}
