//! What can go wrong on the way to a server.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What happens to everything that passes a [`FaultProxy`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It passes as it is.
    #[default]
    None,
    /// It passes so much later, in either direction.
    Latency(Duration),
    /// Nothing passes, and nobody is told: connections stay, new ones are made, and what was sent waits for the end of the
    /// fault, as the system does with packets that get lost.
    BlackHole,
    /// New connections are closed at once; those that there are go on.
    Refuse,
    /// It passes in pieces of so many bytes at most.
    Slice(usize),
    /// Of so many answers of the server one is lost, and its connection with it: what was asked has been done.
    LoseAnswers {
        /// One of how many.
        one_of: u64,
    },
}

/// Stands between clients and a server, and lets go wrong what a test asks for. Dropping it closes every connection.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::{TcpListener, TcpStream};
///
/// use athyper_testkit::services::{Fault, FaultProxy};
///
/// let server = TcpListener::bind("127.0.0.1:0").unwrap();
/// let proxy = FaultProxy::start(server.local_addr().unwrap());
/// let mut client = TcpStream::connect(proxy.address()).unwrap();
/// let (mut served, _) = server.accept().unwrap();
/// client.write_all(b"hello").unwrap();
/// let mut heard = [0; 5];
/// served.read_exact(&mut heard).unwrap();
/// assert_eq!(&heard, b"hello");
/// proxy.set(Fault::BlackHole);
/// ```
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    fault: Mutex<Fault>,
    changed: Condvar,
    ended: AtomicBool,
    answers: AtomicU64,
    connections: Mutex<Vec<Arc<Connection>>>,
}

/// Both ends of a connection. It is closed once nothing passes in either direction any more.
struct Connection {
    client: TcpStream,
    server: TcpStream,
    is_reset: AtomicBool,
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("FaultProxy");
        debug
            .field("address", &self.address)
            .field("server", &self.shared.server)
            .field("fault", &*self.shared.fault());
        debug.finish_non_exhaustive()
    }
}

impl FaultProxy {
    /// Listens on a free port and passes everything on to a server.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            server,
            fault: Mutex::default(),
            changed: Condvar::new(),
            ended: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            connections: Mutex::default(),
        });
        let accepting = shared.clone();
        thread::spawn(move || accept(&accepting, &listener));
        Self { address, shared }
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on this goes wrong, also on connections that there are.
    pub fn set(&self, fault: Fault) {
        *self.shared.fault() = fault;
        self.shared.changed.notify_all();
    }

    /// Breaks every connection off: both ends are told that it was reset (RST).
    pub fn reset(&self) {
        for connection in self.shared.connections().drain(..) {
            connection.is_reset.store(true, Ordering::Release);
            for end in [&connection.client, &connection.server] {
                // Closed with nothing to linger for, an end sends RST instead of FIN; one that is closed already needs none.
                let _closed = rustix::net::sockopt::set_socket_linger(end, Some(Duration::ZERO));
                // Sends nothing, and ends whoever reads, who then closes.
                let _closed = end.shutdown(Shutdown::Read);
            }
        }
    }

    /// Closes one direction of every connection: clients are told that no further answers come, and the server that
    /// everything was said, while each may go on sending.
    pub fn half_close(&self) {
        for connection in &*self.shared.connections() {
            for end in [&connection.client, &connection.server] {
                let _closed = end.shutdown(Shutdown::Write);
            }
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.set(Fault::None);
        self.reset();
        // Wakes whoever accepts.
        let _nobody = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn fault(&self) -> MutexGuard<'_, Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault, once it lets anything pass.
    fn passing(&self) -> Fault {
        let is_black = |fault: &mut Fault| *fault == Fault::BlackHole;
        *self.changed.wait_while(self.fault(), is_black).unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    for client in listener.incoming().map_while(io::Result::ok) {
        if shared.ended.load(Ordering::Acquire) {
            return;
        }
        if *shared.fault() != Fault::Refuse {
            let shared = shared.clone();
            thread::spawn(move || connect(&shared, client));
        }
    }
}

fn connect(shared: &Arc<Shared>, client: TcpStream) {
    shared.passing();
    let Ok(server) = TcpStream::connect_timeout(&shared.server, Duration::from_secs(2)) else { return };
    for end in [&client, &server] {
        let _only_slower = end.set_nodelay(true);
    }
    let connection = Arc::new(Connection { client, server, is_reset: AtomicBool::new(false) });
    {
        let mut connections = shared.connections();
        // Those that nobody uses any more are closed with this.
        connections.retain(|known| Arc::strong_count(known) > 1);
        connections.push(connection.clone());
    }
    let (asking, answered) = (shared.clone(), connection.clone());
    thread::spawn(move || pass(&asking, &answered, true));
    pass(shared, &connection, false);
}

/// Passes everything in one direction on until an end is closed.
fn pass(shared: &Shared, connection: &Connection, are_answers: bool) {
    let (client, server) = (&connection.client, &connection.server);
    let (from, to) = if are_answers { (server, client) } else { (client, server) };
    let mut buffer = vec![0; 64 * 1024];
    let (mut reader, mut writer) = (from, to);
    loop {
        let length = match reader.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => length,
        };
        let bytes = &buffer[..length];
        let written = match shared.passing() {
            Fault::Latency(latency) => {
                #[allow(clippy::disallowed_methods, reason = "a slow network is slow in real time")]
                thread::sleep(latency);
                writer.write_all(bytes)
            }
            Fault::Slice(size) => bytes.chunks(size.max(1)).try_for_each(|piece| writer.write_all(piece)),
            Fault::LoseAnswers { one_of }
                if are_answers
                    && shared.answers.fetch_add(1, Ordering::Relaxed) % one_of.max(1) == one_of.max(1) - 1 =>
            {
                break;
            }
            _ => writer.write_all(bytes),
        };
        if written.is_err() {
            break;
        }
    }
    if connection.is_reset.load(Ordering::Acquire) {
        return;
    }
    let _closed = to.shutdown(Shutdown::Write);
    if are_answers {
        let _closed = to.shutdown(Shutdown::Both);
        let _closed = from.shutdown(Shutdown::Both);
    }
}
