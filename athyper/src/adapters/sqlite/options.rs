//! What a SQLite URL says.

use std::path::PathBuf;
use std::time::Duration;

use crate::foundation::error::{Error, Result};

/// Where the database lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Location {
    /// In a file.
    File(PathBuf),
    /// In a private file in memory that goes with its last handle.
    Memory,
}

/// When a commit counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Synchronous {
    /// Once the disk has it: survives power loss.
    Full,
    /// Once the operating system has it: survives the end of the process; a power loss may undo the latest commits.
    Normal,
    /// Never waits: for databases that nobody needs after the process.
    Off,
}

/// A parsed SQLite URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) location: Location,
    pub(super) synchronous: Synchronous,
    /// How long to wait for the writer at most, within the process and again for other processes.
    pub(super) busy_timeout: Duration,
    /// How many connections read at the same time.
    pub(super) readers: usize,
    /// How often an idle worker looks for jobs that another process added.
    pub(super) poll: Duration,
}

const KNOWN: &str =
    "synchronous=full|normal, busy_timeout=10s (10ms to 1h), readers=4 (1 to 64), poll=200ms (10ms to 1h)";

impl Options {
    /// Reads `sqlite://path`, `sqlite:path` or `sqlite::memory:`, with options behind a `?`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("sqlite:").ok_or_else(|| wrong(url, "it does not begin with `sqlite:`"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = decode(path).ok_or_else(|| wrong(url, "its path has a `%` that is not an escape"))?;
        if path.is_empty() {
            return Err(wrong(url, "it names no file"));
        }
        let location = if path == ":memory:" { Location::Memory } else { Location::File(PathBuf::from(path)) };
        let synchronous = if location == Location::Memory { Synchronous::Off } else { Synchronous::Full };
        let mut options = Self {
            location,
            synchronous,
            busy_timeout: Duration::from_secs(10),
            readers: 4,
            poll: Duration::from_millis(200),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            options
                .set(key, value)
                .ok_or_else(|| wrong(url, &format!("its option `{pair}` is not understood; there are: {KNOWN}")))?;
        }
        Ok(options)
    }

    /// Whether what is committed survives the process, which is also what lets other processes share it.
    pub(super) fn is_durable(&self) -> bool {
        self.location != Location::Memory
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "synchronous" => {
                self.synchronous = match value {
                    "full" => Synchronous::Full,
                    "normal" => Synchronous::Normal,
                    _ => return None,
                };
            }
            "busy_timeout" => self.busy_timeout = duration(value)?,
            "poll" => self.poll = duration(value)?,
            "readers" => self.readers = value.parse().ok().filter(|count| (1..=64).contains(count))?,
            _ => return None,
        }
        Some(())
    }
}

fn wrong(url: &str, why: &str) -> Error {
    Error::configuration(format!(
        "`{url}` is not a SQLite URL: {why}. Write `sqlite://data/app.db`, `sqlite:///srv/app.db` or `sqlite::memory:`"
    ))
    .with_code("sqlite-url")
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = number.parse::<u64>().ok()?.checked_mul(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    })?;
    (10..=3_600_000).contains(&milliseconds).then(|| Duration::from_millis(milliseconds))
}

/// Undoes the percent-encoding of RFC 3986.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Duration, Location, Options, PathBuf, Synchronous};

    fn file(url: &str) -> PathBuf {
        match Options::parse(url).unwrap().location {
            Location::File(path) => path,
            Location::Memory => panic!("{url} is in memory"),
        }
    }

    #[test]
    fn every_form_of_a_path_is_understood() {
        assert_eq!(file("sqlite://data/app.db"), PathBuf::from("data/app.db"));
        assert_eq!(file("sqlite:data/app.db"), PathBuf::from("data/app.db"));
        assert_eq!(file("sqlite:///srv/app.db"), PathBuf::from("/srv/app.db"));
        assert_eq!(file("sqlite:///srv/my%20app%3F.db?readers=2"), PathBuf::from("/srv/my app?.db"));
        assert_eq!(Options::parse("sqlite::memory:").unwrap().location, Location::Memory);
    }

    #[test]
    fn a_file_survives_power_loss_unless_told_otherwise() {
        assert_eq!(Options::parse("sqlite:a.db").unwrap().synchronous, Synchronous::Full);
        assert_eq!(Options::parse("sqlite:a.db?synchronous=normal").unwrap().synchronous, Synchronous::Normal);
        assert_eq!(Options::parse("sqlite::memory:").unwrap().synchronous, Synchronous::Off);
    }

    #[test]
    fn options_are_read() {
        let options = Options::parse("sqlite:a.db?busy_timeout=250ms&readers=7&poll=2s").unwrap();
        assert_eq!(
            (options.busy_timeout, options.readers, options.poll),
            (Duration::from_millis(250), 7, Duration::from_secs(2))
        );
    }

    #[test]
    fn what_is_not_understood_is_named_with_what_is() {
        for url in [
            "sqlite:",
            "sqlite://",
            "sqlite:a.db?cache=shared",
            "sqlite:a.db?readers=0",
            "sqlite:a.db?readers=65",
            "sqlite:a.db?poll=5",
            "sqlite:a.db?poll=0s",
            "sqlite:a.db?poll=2h",
            "sqlite:a.db?busy_timeout=99999999999999999999h",
            "sqlite:a.db?synchronous=off",
            "sqlite:a%4.db",
            "postgres://x",
        ] {
            let error = Options::parse(url).unwrap_err();
            assert_eq!(error.code(), "sqlite-url", "{url}");
            assert!(error.to_string().contains(url), "{error}");
        }
        assert!(Options::parse("sqlite:a.db?mode=ro").unwrap_err().to_string().contains("synchronous=full|normal"));
    }
}
