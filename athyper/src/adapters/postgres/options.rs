//! What a PostgreSQL URL says.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::foundation::error::{Error, Result};

/// A parsed PostgreSQL URL.
#[derive(Clone)]
pub(super) struct Options {
    /// Each server, of which one accepts writes.
    pub(super) servers: Vec<PgConnectOptions>,
    /// The servers and the database, for messages: no password.
    pub(super) place: String,
    /// How many connections a process uses at most.
    pub(super) connections: usize,
    /// How long to wait for a connection.
    pub(super) wait: Duration,
    /// How often an idle worker looks although no news has come, if the URL says so.
    pub(super) poll: Option<Duration>,
}

const KNOWN: &str = "connections=10 (1 to 1000), wait=10s and poll=2s (10ms to 1h), target_session_attrs=read-write, sslmode, \
                     sslrootcert, sslcert, sslkey, application_name, options";

/// The options that the driver understands.
const DRIVERS: [&str; 6] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "options"];

impl Options {
    /// Reads `postgres://user:password@host:port,host:port/database`, with options behind a `?`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        if !base.starts_with("postgres://") && !base.starts_with("postgresql://") {
            return Err(wrong("it does not begin with `postgres://`"));
        }
        let mut drivers = Vec::new();
        let mut options = Self {
            servers: Vec::new(),
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
                // What a `?` in a password makes of it is not shown.
                let shown = if key.contains(['@', ':']) { "…" } else { key };
                return Err(wrong(&format!("its option `{shown}` is not understood; there are: {KNOWN}")));
            }
        }
        for base in each_server(base) {
            let url = format!("{base}?{}", drivers.join("&"));
            // The driver's message may hold the password.
            let connect = PgConnectOptions::from_str(&url).map_err(|_| wrong("its parts are not understood"))?;
            options.servers.push(connect.disable_statement_logging());
        }
        options.place = place(&options.servers);
        Ok(options)
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "connections" => self.connections = value.parse().ok().filter(|count| (1..=1_000).contains(count))?,
            "wait" => self.wait = duration(value)?,
            "poll" => self.poll = Some(duration(value)?),
            // As libpq has it. A server that only reads is of no use here, so that these two mean what is done anyway.
            "target_session_attrs" => matches!(value, "read-write" | "primary").then_some(())?,
            _ => return None,
        }
        Some(())
    }
}

/// The same URL once for each of its servers.
fn each_server(base: &str) -> Vec<String> {
    let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
    let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(one, two)| (one, format!("/{two}")));
    let (login, hosts) =
        authority.rsplit_once('@').map_or((String::new(), authority), |(login, hosts)| (format!("{login}@"), hosts));
    hosts.split(',').map(|host| format!("{scheme}://{login}{host}{path}")).collect()
}

fn place(servers: &[PgConnectOptions]) -> String {
    let host = |connect: &PgConnectOptions| match connect.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", connect.get_host(), connect.get_port()),
    };
    let hosts: Vec<String> = servers.iter().map(host).collect();
    let database = servers.first().map(|connect| connect.get_database().unwrap_or_else(|| connect.get_username()));
    format!("{}/{}", hosts.join(","), database.unwrap_or_default())
}

/// The URL itself is not shown: it may hold a password.
fn wrong(why: &str) -> Error {
    Error::configuration(format!(
        "the PostgreSQL URL is not understood: {why}. Write `postgres://user:password@host:5432/database`, or several servers as `host,host`; what is no letter or \
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
        assert_eq!(options.servers[0].get_username(), "ada");
        assert_eq!(Options::parse("postgresql://ada@db/app").unwrap().place, "db:5432/app");
    }

    #[test]
    fn a_url_may_name_several_servers() {
        let options =
            Options::parse("postgres://ada:s%40cret@one,two:6543,[::1]:7/app?target_session_attrs=read-write").unwrap();
        assert_eq!(options.place, "one:5432,two:6543,[::1]:7/app");
        assert!(options.servers.iter().all(|server| server.get_username() == "ada"));
        let error = Options::parse("postgres://one,two/app?target_session_attrs=standby").err().unwrap();
        assert!(error.to_string().contains("target_session_attrs=read-write"), "{error}");
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
