//! Addresses for servers that are started later, or again.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The lowest port that is given out: below lie those of well-known services.
const LOWEST: u16 = 10_000;

/// The first port that Linux gives to outgoing connections unless told otherwise (`ip_local_port_range` in ip(7)).
const FIRST_OUTGOING: u16 = 32_768;

/// A loopback address that nobody listens at, for a server in another process to listen at, now and whenever it is started again.
///
/// A port that the system picks (port 0) is also one that it may give to an outgoing connection the moment it is free, and the server
/// then finds it taken. So this one lies below those ports, and one process is given none twice while there are others left.
///
/// ```
/// let address = athyper_testkit::services::free_address();
/// assert!(address.ip().is_loopback());
/// assert!(std::net::TcpListener::bind(address).is_ok());
/// ```
///
/// # Panics
/// When no port is free.
#[must_use]
pub fn free_address() -> SocketAddr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    static PORTS: OnceLock<Range<u16>> = OnceLock::new();
    let ports = PORTS.get_or_init(ports);
    let count = u32::from(ports.end - ports.start);
    // Processes that run side by side begin far from each other.
    let begin = std::process::id().wrapping_mul(2_654_435_761) % count;
    for _ in 0..count {
        let number = (begin + GIVEN.fetch_add(1, Ordering::Relaxed) % count) % count;
        let port = u16::try_from(u32::from(ports.start) + number).expect("it lies within the range of ports");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("none of the ports {ports:?} is free");
}

/// The ports from which the system takes none for outgoing connections.
fn ports() -> Range<u16> {
    let first_outgoing = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(FIRST_OUTGOING);
    // Where outgoing connections have nearly all of them, there is nothing to evade to.
    if first_outgoing > LOWEST + 1_000 { LOWEST..first_outgoing } else { LOWEST..u16::MAX }
}
