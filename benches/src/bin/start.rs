//! Measures how long a product takes from its start to the first request it answers, and its resident memory then.
//!
//! `start PATH [RUNS]`: the binary of a product, and how often it is started (20). Each run begins in an empty folder, so
//! that it includes making the database and applying every migration, and is repeated in the same folder, as a restart is.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "it measures a real process in real time")]

use std::env;
use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(20);

/// One start.
struct Start {
    answered_after: Duration,
    resident_kib: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let binary = PathBuf::from(arguments.next().ok_or("which binary? start PATH [RUNS]")?).canonicalize()?;
    let runs: usize = arguments.next().map_or(Ok(20), |runs| runs.parse())?;
    let mut first = Vec::new();
    let mut again = Vec::new();
    for run in 0..runs {
        let folder = env::temp_dir().join(format!("athyper-start-{}-{run}", std::process::id()));
        fs::create_dir_all(&folder)?;
        first.push(start(&binary, &folder)?);
        again.push(start(&binary, &folder)?);
        fs::remove_dir_all(&folder)?;
    }
    report("first start, empty folder", first);
    report("start again, same folder", again);
    Ok(())
}

fn start(binary: &Path, folder: &Path) -> Result<Start, Box<dyn Error>> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let begin = Instant::now();
    let mut child = Command::new(binary)
        .current_dir(folder)
        .env_clear()
        .env("PORT", address.port().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let answered = await_answer(&mut child, address);
    let answered_after = begin.elapsed();
    let resident_kib = answered.and_then(|()| resident(child.id()));
    kill_process(Pid::from_child(&child), Signal::TERM)?;
    let status = child.wait()?;
    let resident_kib = resident_kib?;
    if !status.success() {
        return Err(format!("it did not stop cleanly: {status}").into());
    }
    Ok(Start { answered_after, resident_kib })
}

/// Asks until the product answers a request of its own with 200.
fn await_answer(child: &mut Child, address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if ask(address).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            return Err(format!("it ended with {status}").into());
        }
        sleep(Duration::from_micros(200));
    }
    Err(format!("no answer within {PATIENCE:?}").into())
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /users HTTP/1.1\r\nhost: start\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// `VmRSS` of a process, in KiB.
fn resident(id: u32) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

fn report(name: &str, mut starts: Vec<Start>) {
    starts.sort_by_key(|start| start.answered_after);
    let milliseconds = |start: &Start| start.answered_after.as_secs_f64() * 1_000.0;
    let (Some(fastest), Some(slowest), Some(median)) = (starts.first(), starts.last(), starts.get(starts.len() / 2))
    else {
        return;
    };
    let resident = starts.iter().map(|start| start.resident_kib).max().unwrap_or_default();
    println!(
        "{name}: {:.1} ms median of {} ({:.1} to {:.1}); {:.1} MB resident at most",
        milliseconds(median),
        starts.len(),
        milliseconds(fastest),
        milliseconds(slowest),
        resident as f64 * 1_024.0 / 1e6,
    );
}
