//! What a PostgreSQL URL says.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::foundation::error::{Error, Result};

/// A parsed PostgreSQL URL.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) connect: PgConnectOptions,
    /// The server and the database, for messages: no password.
    pub(super) place: String,
    /// How many connections a process uses at most.
    pub(super) connections: usize,
    /// How long to wait for a connection.
    pub(super) wait: Duration,
    /// How often an idle worker looks although no news has come, if the URL says so.
    pub(super) poll: Option<Duration>,
}

const KNOWN: &str = "connections=10 (1 to 1000), wait=10s and poll=1s (10ms to 1h), sslmode, sslrootcert, sslcert, sslkey, \
                     application_name, options";

/// The options that the driver understands.
const DRIVERS: [&str; 6] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "options"];

impl Options {
    /// Reads `postgres://user:password@host:port/database`, with options behind a `?`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        if !base.starts_with("postgres://") && !base.starts_with("postgresql://") {
            return Err(wrong("it does not begin with `postgres://`"));
        }
        let mut drivers = Vec::new();
        let mut options = Self {
            connect: PgConnectOptions::new_without_pgpass(),
            place: String::new(),
            connections: 10,
            wait: Duration::from_secs(10),
            poll: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if DRIVERS.contains(&key) || key.starts_with("options[") {
                drivers.push(pair);
            } else if options.set(key, value).is_none() {
                return Err(wrong(&format!("its option `{pair}` is not understood; there are: {KNOWN}")));
            }
        }
        let url = format!("{base}?{}", drivers.join("&"));
        // The driver's message may hold the password.
        let connect = PgConnectOptions::from_str(&url).map_err(|_| wrong("its parts are not understood"))?;
        options.place = place(&connect);
        options.connect = connect.disable_statement_logging();
        Ok(options)
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "connections" => self.connections = value.parse().ok().filter(|count| (1..=1_000).contains(count))?,
            "wait" => self.wait = duration(value)?,
            "poll" => self.poll = Some(duration(value)?),
            _ => return None,
        }
        Some(())
    }
}

fn place(connect: &PgConnectOptions) -> String {
    let database = connect.get_database().unwrap_or_else(|| connect.get_username());
    match connect.get_socket() {
        Some(socket) => format!("{}/{database}", socket.display()),
        None => format!("{}:{}/{database}", connect.get_host(), connect.get_port()),
    }
}

/// The URL itself is not shown: it may hold a password.
fn wrong(why: &str) -> Error {
    Error::configuration(format!(
        "the PostgreSQL URL is not understood: {why}. Write `postgres://user:password@host:5432/database`; what is no letter or \
         digit in a password is written as `%` and two hexadecimal digits"
    ))
    .with_code("postgres-url")
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

#[cfg(test)]
mod tests {
    use super::{Duration, Options};

    #[test]
    fn a_url_is_read() {
        let options =
            Options::parse("postgres://ada:s%40cret@db:6543/app?connections=3&poll=20ms&sslmode=disable&wait=2s")
                .unwrap();
        assert_eq!((options.connections, options.poll), (3, Some(Duration::from_millis(20))));
        assert_eq!(options.wait, Duration::from_secs(2));
        assert_eq!(options.place, "db:6543/app");
        assert_eq!(options.connect.get_username(), "ada");
        assert_eq!(Options::parse("postgresql://ada@db/app").unwrap().place, "db:5432/app");
    }

    #[test]
    fn what_is_not_understood_is_named_without_the_password() {
        for url in [
            "mysql://ada:hunter2@db/app",
            "postgres://ada:hunter2@db:port/app",
            "postgres://ada:hunter2@db/app?connections=0",
            "postgres://ada:hunter2@db/app?poll=5",
            "postgres://ada:hunter2@db/app?pool=5",
            "postgres://ada:hunter2@db/app?sslmode=perhaps",
        ] {
            let error = Options::parse(url).err().unwrap_or_else(|| panic!("{url} is understood"));
            assert_eq!(error.code(), "postgres-url", "{url}");
            assert!(!error.report().contains("hunter2"), "{error}");
        }
        let error = Options::parse("postgres://db/app?pool=5").err().unwrap();
        assert!(error.to_string().contains("connections=10"), "{error}");
    }
}
