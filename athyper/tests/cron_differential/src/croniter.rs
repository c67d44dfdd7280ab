//! The Python package `croniter`, in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::cases::Case;
use crate::peers::Answer;

/// A process that answers one case after the other.
#[derive(Debug)]
pub struct Croniter {
    process: Child,
    cases: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Croniter {
    /// Starts the process.
    ///
    /// # Panics
    /// When it cannot be started: `scripts/tools` installs it.
    #[must_use]
    pub fn start() -> Self {
        let python = tools().join("python/bin/python");
        let mut process = Command::new(&python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/ask_croniter.py"))
            // The zones that `scripts/tools` pinned, and not the older ones of some system.
            .env("PYTHONTZPATH", "")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{} cannot be started ({error}); run scripts/tools first", python.display())
            });
        let cases = process.stdin.take().expect("its input is a pipe");
        let answers = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        Self { process, cases, answers }
    }

    /// Asks for the ticks of a case and returns at once: the process looks for them meanwhile.
    ///
    /// # Panics
    /// When the process ended.
    pub fn ask(&mut self, case: &Case) {
        let line = serde_json::to_string(case).expect("a case is plain data");
        writeln!(self.cases, "{line}").unwrap_or_else(|error| panic!("croniter takes no more cases ({error}): {line}"));
    }

    /// What it made of the case it was asked about.
    ///
    /// # Panics
    /// When the process ended, or wrote what is no answer.
    #[must_use]
    pub fn answer(&mut self) -> Answer {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it writes text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("croniter answered `{line}`: {error}"))
    }

    /// Ends the process.
    ///
    /// # Panics
    /// When the process failed.
    pub fn end(self) {
        let Self { mut process, cases, .. } = self;
        drop(cases);
        let status = process.wait().expect("it was started");
        assert!(status.success(), "croniter: {status}");
    }
}

/// Where `scripts/tools` put the programs of others.
fn tools() -> PathBuf {
    let default = || {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from).join("tools")
    };
    std::env::var_os("ATHYPER_TOOLS").map_or_else(default, PathBuf::from)
}
