//! The other implementations.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::thread;

use chrono::{TimeZone, Utc};
use serde::Deserialize;

use crate::cases::Case;
use crate::local::Zone;

/// Another implementation of cron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// The Rust crate `cron`.
    RustCron,
    /// The Python package `croniter`.
    Croniter,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::RustCron, Self::Croniter];
}

/// What a peer made of a case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Its ticks, a list a window.
    Ticks(Vec<Vec<i64>>),
    /// It does not understand the expression.
    Refused(String),
}

/// Asks a peer for the ticks of every case, in order.
///
/// # Panics
/// When the peer cannot be run: `scripts/tools` installs it.
#[must_use]
pub fn ask(peer: Peer, cases: &[Case]) -> Vec<Answer> {
    match peer {
        Peer::RustCron => cases.iter().map(rust_cron).collect(),
        Peer::Croniter => croniter(cases),
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

/// The package is slow: each processor runs its share of the cases.
fn croniter(cases: &[Case]) -> Vec<Answer> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let share = cases.len().div_ceil(processors).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = cases.chunks(share).map(|part| scope.spawn(|| croniter_process(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("croniter answered")).collect()
    })
}

fn croniter_process(cases: &[Case]) -> Vec<Answer> {
    let python = tools().join("python/bin/python");
    let mut child = Command::new(&python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/ask_croniter.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be started ({error}); run scripts/tools first", python.display()));
    let mut input = child.stdin.take().expect("its input is a pipe");
    let output = child.stdout.take().expect("its output is a pipe");
    let answers: Vec<Answer> = thread::scope(|scope| {
        scope.spawn(move || {
            for case in cases {
                let line = serde_json::to_string(case).expect("a case is plain data");
                // That it ended early shows in the number of its answers.
                if writeln!(input, "{line}").is_err() {
                    break;
                }
            }
        });
        let lines = BufReader::new(output).lines().map(|line| line.expect("it writes text"));
        lines.map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}`: {error}"))).collect()
    });
    let status = child.wait().expect("it was started");
    assert!(status.success() && answers.len() == cases.len(), "croniter: {status} after {} cases", answers.len());
    answers
}

/// The crate wants a second, and counts the days of the week from 1: names mean the same everywhere.
fn rust_cron(case: &Case) -> Answer {
    let mut fields: Vec<String> = case.expression.split(' ').map(str::to_owned).collect();
    fields[4] = name_weekdays(&fields[4]);
    let schedule = match cron::Schedule::from_str(&format!("0 {}", fields.join(" "))) {
        Ok(schedule) => schedule,
        Err(error) => return Answer::Refused(error.to_string()),
    };
    let zone = Zone::of(case.zone);
    let ticks = |&(after, until): &(i64, i64)| {
        let after = Utc.timestamp_opt(after, 0).unwrap().with_timezone(&zone);
        schedule.after(&after).map(|tick| tick.timestamp()).take_while(|tick| *tick <= until).collect()
    };
    Answer::Ticks(case.windows.iter().map(ticks).collect())
}

fn name_weekdays(field: &str) -> String {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    if field.contains(['#', 'L', '/', '*']) || field.contains(|character: char| character.is_ascii_alphabetic()) {
        return field.to_owned();
    }
    let name =
        |number: &str| number.parse::<usize>().ok().and_then(|number| NAMES.get(number)).map_or("?", |name| name);
    let item = |item: &str| item.split('-').map(name).collect::<Vec<_>>().join("-");
    field.split(',').map(item).collect::<Vec<_>>().join(",")
}
