//! A server process that ends with the test process, however that ends.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

/// How long a server may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// Starts the server, notes its process, and kills it, with the processes it started itself, once nobody holds the other end of
/// the standard input any more.
const WATCH: &str = r#"folder=$1; shift
"$@" </dev/null >>"$folder/log" 2>&1 &
server=$!
echo $server >"$folder/process.new" && mv "$folder/process.new" "$folder/process"
cat >/dev/null
children=$(cat "/proc/$server/task/$server/children" 2>/dev/null)
kill -9 $server $children 2>/dev/null
wait
[ -e "$folder/keep" ] || rm -rf "$folder""#;

/// A server process and its watcher. Dropping it kills both and leaves the folder.
#[derive(Debug)]
pub(super) struct Watched {
    watcher: Child,
    input: Option<ChildStdin>,
    folder: PathBuf,
    process: u32,
}

impl Watched {
    /// Starts a program with its files in `folder`; its output goes to the file `log` there.
    pub(super) fn start<A: AsRef<OsStr>>(folder: &Path, command: impl IntoIterator<Item = A>) -> io::Result<Self> {
        let noted = folder.join("process");
        let _of_an_earlier_start = fs::remove_file(&noted);
        let _not_any_more = fs::remove_file(folder.join("keep"));
        let mut watcher = Command::new("sh");
        watcher.arg("-c").arg(WATCH).arg("sh").arg(folder).args(command);
        watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut watcher = watcher.spawn()?;
        let input = watcher.stdin.take();
        let read = || fs::read_to_string(&noted).ok()?.trim().parse().ok();
        let process = wait_for(read).ok_or_else(|| io::Error::other("it has no process"))?;
        Ok(Self { watcher, input, folder: folder.to_owned(), process })
    }

    /// Its process.
    pub(super) fn process(&self) -> u32 {
        self.process
    }

    /// Whether it has not ended by itself.
    pub(super) fn is_running(&self) -> bool {
        Path::new("/proc").join(self.process.to_string()).exists()
    }

    /// Sends a signal, such as `-STOP`, to the server and then to the processes it started.
    pub(super) fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        kill.arg(signal).arg(self.process.to_string()).args(self.children()).stderr(Stdio::null());
        kill.status().unwrap_or_else(|error| panic!("the server cannot be sent {signal}: {error}"));
    }

    fn children(&self) -> Vec<String> {
        let listed = format!("/proc/{0}/task/{0}/children", self.process);
        let listed = fs::read_to_string(listed).unwrap_or_default();
        listed.split_whitespace().map(str::to_owned).collect()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let children = self.children();
        // Without this mark the watcher removes the folder.
        let _only_tidiness = fs::write(self.folder.join("keep"), "");
        drop(self.input.take());
        let _gone_either_way = self.watcher.wait();
        // Whoever starts the server again must not meet them.
        let is_left = |child: &String| state_of(child).is_some_and(|state| state != 'Z');
        wait_for(|| (!children.iter().any(is_left)).then_some(()));
    }
}

/// The state of a process (proc(5)): `Z` has ended and only waits to be forgotten.
fn state_of(process: &str) -> Option<char> {
    let line = fs::read_to_string(Path::new("/proc").join(process).join("stat")).ok()?;
    line.rsplit_once(") ")?.1.chars().next()
}

/// Asks again and again until there is an answer, for as long as a start may take.
#[allow(clippy::disallowed_methods, reason = "another process is waited for in real time")]
pub(super) fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    const PAUSE: Duration = Duration::from_millis(10);
    for _ in 0..STARTS_WITHIN.as_millis() / PAUSE.as_millis() {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        std::thread::sleep(PAUSE);
    }
    None
}
