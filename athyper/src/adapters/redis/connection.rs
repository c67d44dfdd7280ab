//! Connections: made when they are needed, made anew when they break, and driven by a thread of their own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::{Cmd, RedisError, Value};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, oneshot};

use super::error::{Fate, failed, unconfirmed, unreachable};
use super::options::Options;
use super::scripts::{Place, Script};
use super::servers::{Connection, Servers};
use super::target::Topology;
use crate::foundation::error::{Error, ErrorKind, Result};

/// How long the server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long replicas may take to have what was written.
const CONFIRM_WITHIN: Duration = Duration::from_secs(1);
/// How long to wait before a command that was not executed is sent again, each time; then its caller is told.
const PAUSES: [u64; 7] = [5, 20, 50, 100, 200, 400, 800];

/// What may be done when it is not known whether a command was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Doing it twice is as doing it once: it is sent again.
    Freely,
    /// The caller may ask again, and answers of the past tell it what happened.
    ByCaller,
    /// Nobody may: the caller is told that the outcome is unknown.
    Never,
}

/// The thread that drives the connections, so that handlers that keep every thread of the product busy do not keep locks
/// from being renewed. It ends with the last handle.
struct Driver {
    runtime: Handle,
    _stop: oneshot::Sender<()>,
}

impl Driver {
    fn start() -> Result<Self> {
        let failed = |error| Error::unavailable("the thread for connections to Redis cannot start").with_source(error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("athyper-redis".to_owned())
            .spawn(move || runtime.block_on(stopped))
            .map_err(failed)?;
        Ok(Self { runtime: handle, _stop: stop })
    }
}

/// Who drives a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DrivenBy {
    /// The thread of the connections, which goes on whatever the product does.
    OwnThread,
    /// The runtime of whoever calls: nothing has to change threads on the way. For calls that nobody waits for when every
    /// thread of that runtime is busy.
    Caller,
}

/// What is known of the connection that all callers share.
#[derive(Default)]
struct Shared {
    connection: Option<Connection>,
    /// The runtime that drives it; with another one it is as good as gone.
    driven_in: Option<tokio::runtime::Id>,
    /// The latest failure to make one, for those who waited meanwhile.
    failure: Option<RedisError>,
}

/// The connections to the server in charge.
pub(super) struct Connections {
    pub(super) options: Options,
    servers: Arc<Servers>,
    driver: Driver,
    shared: Line,
    of_callers: Line,
}

/// A connection that many share.
#[derive(Default)]
struct Line {
    shared: Mutex<Shared>,
    /// How often making it was tried.
    tries: AtomicU64,
}

impl Connections {
    /// Connections that are made on first use.
    pub(super) fn new(options: Options) -> Result<Self> {
        let servers = Arc::new(Servers::new(&options)?);
        Ok(Self { options, servers, driver: Driver::start()?, shared: Line::default(), of_callers: Line::default() })
    }

    /// A key of none of the queues. The empty segment keeps it apart from a queue's.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}::ath:{name}", self.options.prefix)
    }

    /// Makes a connection whose answers may take so long.
    pub(super) async fn open(&self, answer_within: Duration) -> Result<Connection, RedisError> {
        self.open_in(DrivenBy::OwnThread, answer_within).await
    }

    async fn open_in(&self, driven_by: DrivenBy, answer_within: Duration) -> Result<Connection, RedisError> {
        let servers = self.servers.clone();
        let connect = async move { servers.connect(answer_within).await };
        let runtime = match driven_by {
            DrivenBy::OwnThread => self.driver.runtime.clone(),
            DrivenBy::Caller => Handle::current(),
        };
        runtime.spawn(connect).await.unwrap_or_else(|ended| Err(RedisError::from(std::io::Error::other(ended))))
    }

    /// The connection that those share who have it driven alike.
    async fn shared(&self, driven_by: DrivenBy) -> Result<Connection, RedisError> {
        let (line, driven_in) = match driven_by {
            DrivenBy::OwnThread => (&self.shared, None),
            DrivenBy::Caller => (&self.of_callers, Some(Handle::current().id())),
        };
        let before = line.tries.load(Ordering::Acquire);
        let mut shared = line.shared.lock().await;
        if let Some(connection) = &shared.connection
            && !connection.is_gone()
            && shared.driven_in == driven_in
        {
            return Ok(connection.clone());
        }
        shared.connection = None;
        if let Some(failure) = &shared.failure
            && before != line.tries.load(Ordering::Acquire)
        {
            // Somebody tried while we waited for our turn.
            return Err(failure.clone());
        }
        let opened = self.open_in(driven_by, ANSWER_WITHIN).await;
        line.tries.fetch_add(1, Ordering::AcqRel);
        shared.failure = opened.as_ref().err().cloned();
        shared.connection = opened.as_ref().ok().cloned();
        shared.driven_in = driven_in;
        opened
    }

    /// Sends a command, and again while it was not executed, for a short time.
    pub(super) async fn call(&self, command: &Cmd, repeat: Repeat) -> Result<Value> {
        self.attempt(command, repeat, None, DrivenBy::OwnThread).await
    }

    /// Runs a script, and loads it first where the server does not know it.
    pub(super) async fn run(&self, script: &Script, call: Call, repeat: Repeat) -> Result<Value> {
        self.attempt(&call.command(script, self.place()), repeat, Some(script), DrivenBy::OwnThread).await
    }

    /// Runs a script as [`run`](Self::run), on a connection of the caller's runtime.
    pub(super) async fn run_here(&self, script: &Script, call: Call, repeat: Repeat) -> Result<Value> {
        self.attempt(&call.command(script, self.place()), repeat, Some(script), DrivenBy::Caller).await
    }

    /// Fails unless commands on the queues are executed.
    pub(super) async fn ping(&self) -> Result<()> {
        let mut command = ::redis::cmd("PING");
        if self.options.target.topology == Topology::Cluster {
            // A node answers a ping also when it has not, or may not serve, the keys.
            command = ::redis::cmd("EXISTS");
            command.arg(self.key("queues"));
        }
        self.call(&command, Repeat::Freely).await.map(drop)
    }

    fn place(&self) -> Place {
        if self.options.target.topology == Topology::Cluster { Place::Slot } else { Place::Server }
    }

    async fn attempt(
        &self,
        command: &Cmd,
        repeat: Repeat,
        script: Option<&Script>,
        driven_by: DrivenBy,
    ) -> Result<Value> {
        let mut pauses = PAUSES.iter();
        let mut load = false;
        loop {
            let mut connection = match self.shared(driven_by).await {
                Ok(connection) => connection,
                Err(failure) => {
                    let error = unreachable(&self.options.shown, &failure);
                    match pauses.next() {
                        Some(pause) if error.kind() == ErrorKind::Unavailable => rest(*pause).await,
                        _ => return Err(error),
                    }
                    continue;
                }
            };
            let outcome = match script.filter(|_| load) {
                Some(script) => match connection.send(&script.load(self.place())).await {
                    Ok(_) => connection.send(command).await,
                    // Loading is as good as not having been executed, whatever came of it.
                    Err(failure) if Fate::of(&failure) == Fate::Unknown => {
                        connection.give_up();
                        match pauses.next() {
                            Some(pause) => rest(*pause).await,
                            None => return Err(unreachable(&self.options.shown, &failure)),
                        }
                        continue;
                    }
                    Err(failure) => Err(failure),
                },
                None => connection.send(command).await,
            };
            let failure = match outcome {
                Ok(answer) if script.is_some_and(Script::is_promise) => {
                    return self.confirm(&mut connection).await.map(|()| answer);
                }
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let fate = Fate::of(&failure);
            fate.settle(&connection);
            let again = match fate {
                Fate::NoScript => {
                    load = true;
                    pauses.next()
                }
                Fate::NotExecuted | Fate::WrongServer => pauses.next(),
                Fate::Unknown if repeat == Repeat::Freely => pauses.next(),
                Fate::Unknown | Fate::Refused => None,
            };
            match again {
                Some(_) if fate == Fate::NoScript => {}
                Some(pause) => rest(*pause).await,
                None => return Err(failed(&self.options.shown, failure, repeat != Repeat::Never)),
            }
        }
    }

    /// Waits until as many replicas as the URL asks for have everything that was written over a connection.
    async fn confirm(&self, connection: &mut Connection) -> Result<()> {
        let wanted = self.options.replicas;
        if wanted == 0 {
            return Ok(());
        }
        let mut command = ::redis::cmd("WAIT");
        command.arg(wanted).arg(CONFIRM_WITHIN.as_millis().to_string());
        match connection.send(&command).await {
            Ok(Value::Int(have)) if have >= i64::from(wanted) => Ok(()),
            Ok(_) => Err(unconfirmed(&self.options.shown, wanted)),
            Err(failure) => {
                Fate::of(&failure).settle(connection);
                Err(unconfirmed(&self.options.shown, wanted).with_source(failure))
            }
        }
    }

    /// Runs something on the thread of the connections, whoever asked for it.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.driver.runtime.spawn(task);
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connections").field("server", &self.options.shown).finish_non_exhaustive()
    }
}

/// Keys and arguments of a script.
#[derive(Debug, Default)]
pub(super) struct Call {
    keys: Vec<String>,
    /// The arguments, one behind the other, and where each ends: a thousand jobs have many.
    arguments: Vec<u8>,
    ends: Vec<usize>,
}

impl Call {
    pub(super) fn on(key: String) -> Self {
        Self { keys: vec![key], ..Self::default() }
    }

    pub(super) fn with(mut self, argument: impl AsRef<[u8]>) -> Self {
        self.push(argument);
        self
    }

    pub(super) fn number(self, argument: impl fmt::Display) -> Self {
        self.with(argument.to_string())
    }

    pub(super) fn push(&mut self, argument: impl AsRef<[u8]>) {
        self.arguments.extend_from_slice(argument.as_ref());
        self.ends.push(self.arguments.len());
    }

    pub(super) fn push_key(&mut self, key: String) {
        self.keys.push(key);
    }

    fn command(&self, script: &Script, place: Place) -> Cmd {
        let (words, bytes) = (self.keys.len() + self.ends.len() + 3, self.arguments.len() + self.keys.len() * 64);
        let mut command = Cmd::with_capacity(words, bytes);
        command.arg("EVALSHA").arg(script.hash(place)).arg(self.keys.len()).arg(&self.keys);
        let mut begin = 0;
        for end in &self.ends {
            command.arg(&self.arguments[begin..*end]);
            begin = *end;
        }
        command
    }
}

#[allow(clippy::disallowed_methods, reason = "a server is waited for in real time, whatever the product's clock says")]
pub(super) async fn rest(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
