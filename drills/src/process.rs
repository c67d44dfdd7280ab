//! A product that runs as a child process.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::client::{self, Response};
use crate::wait;

/// How long a product may take to start, or to stop once it should.
pub const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A running product. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: PathBuf,
    /// Where the product's HTTP is, in modes that serve it.
    pub http: SocketAddr,
    /// Where health and metrics are, in every mode.
    pub management: SocketAddr,
}

impl Running {
    pub(crate) fn new(child: Child, output: &Path, http: SocketAddr, management: SocketAddr) -> Self {
        Self { child, output: output.to_owned(), http, management }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Waits until it says that it is ready.
    ///
    /// # Panics
    /// When it ends, or is not ready in time; the message carries its output.
    #[track_caller]
    pub fn await_ready(&mut self) {
        wait::until("the product is ready", STARTS_WITHIN, || {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                panic!("it ended with {status}:\n{}", self.output());
            }
            matches!(client::get(self.management, "/readyz").status(), Some(200)).then_some(())
        });
    }

    /// Whether it has ended by itself.
    ///
    /// # Panics
    /// Never: a child can always be waited for.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it takes longer; the message carries its output.
    #[track_caller]
    pub fn await_end(&mut self, deadline: Duration) -> ExitStatus {
        let output = self.output.clone();
        let child = &mut self.child;
        wait::until(&format!("the process ends; output in {}", output.display()), deadline, || {
            child.try_wait().expect("a child can be waited for")
        })
    }

    /// SIGKILL, and waits until the system has taken everything from it.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// SIGKILL, whoever else uses it at the moment.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill_at_once(&self) -> io::Result<()> {
        self.signal(Signal::KILL)
    }

    /// Asks it to stop (SIGTERM).
    ///
    /// # Errors
    /// When it has ended already.
    pub fn terminate(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Freezes it (SIGSTOP).
    ///
    /// # Errors
    /// When it has ended already.
    pub fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// When it has ended already.
    pub fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Lets it make no file longer than so many bytes, or any again.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn limit_files(&self, bytes: Option<u64>) -> io::Result<()> {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(Pid::from_child(&self.child)), Resource::Fsize, limit)?;
        Ok(())
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// `GET path` on the product's HTTP.
    ///
    /// # Panics
    /// When there is no complete response.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        client::get(self.http, path).response()
    }

    /// `POST path` on the product's HTTP.
    ///
    /// # Panics
    /// When there is no complete response.
    #[must_use]
    #[track_caller]
    pub fn post(&self, path: &str, body: &str) -> Response {
        client::post(self.http, path, body).response()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- output of process {}\n{}", self.child.id(), self.output());
        }
        // A process that was frozen or has ended takes SIGKILL all the same.
        self.kill().unwrap_or_default();
    }
}
