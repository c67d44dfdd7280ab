//! The HTTP server and the management port.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use athyper_macros::Config;

use crate::foundation::config::{ByteSize, SectionCheck};

/// The product's HTTP server: `[http]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "http", unlisted, check = check_http)]
#[non_exhaustive]
pub struct HttpConfig {
    /// The address it listens on.
    #[config(default = "127.0.0.1", prod_default = "0.0.0.0")]
    pub host: IpAddr,
    /// The port it listens on; 0 asks the system for a free one.
    #[config(default = 3000, variable = "PORT")]
    pub port: u16,
    /// How many connections may be open at once.
    #[config(default = 10000)]
    pub max_connections: usize,
    /// How long a client may take to send a request's head.
    #[config(default = "10s")]
    pub header_timeout: Duration,
    /// How long a connection may lie idle between requests.
    #[config(default = "75s")]
    pub idle_timeout: Duration,
    /// How long a client may pause while it sends a body.
    #[config(default = "10s")]
    pub body_pause_timeout: Duration,
    /// How long a client may take no byte of a response.
    #[config(default = "15s")]
    pub write_pause_timeout: Duration,
    /// How long a request may take, from its head to the response's.
    #[config(default = "30s")]
    pub request_timeout: Duration,
    /// The largest head of a request.
    #[config(default = "64 KiB")]
    pub max_head_size: ByteSize,
    /// The longest URI of a request.
    #[config(default = "8 KiB")]
    pub max_uri_size: ByteSize,
    /// The largest body of a request.
    #[config(default = "2 MiB")]
    pub max_body_size: ByteSize,
    /// The proxies whose `X-Forwarded-For` is believed, as addresses or networks such as `10.0.0.0/8`.
    #[config(default = [])]
    pub trusted_proxies: Vec<String>,
    /// How long running requests may take to finish once the server stops.
    #[config(default = "30s")]
    pub drain_timeout: Duration,
    /// How long an idle connection stays open once the server stops, for a request that is on its way.
    #[config(default = "1s")]
    pub drain_linger: Duration,
}

impl HttpConfig {
    /// The address and port it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

fn check_http(http: &HttpConfig, check: &mut SectionCheck) {
    if http.max_connections == 0 {
        check.invalid("max_connections", "must be at least 1");
    }
    if http.max_head_size < ByteSize::kibibytes(1) {
        check.invalid("max_head_size", "must be at least 1 KiB, or no request would fit");
    }
    for proxy in &http.trusted_proxies {
        if !is_network(proxy) {
            check.invalid(
                "trusted_proxies",
                format!("{proxy:?} is neither an address nor a network such as 10.0.0.0/8"),
            );
        }
    }
}

fn is_network(text: &str) -> bool {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    address.parse::<IpAddr>().is_ok_and(|address| {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        length.is_none_or(|length| length.parse::<u8>().is_ok_and(|length| length <= longest))
    })
}

/// Health and metrics on a port of their own: `[management]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "management", unlisted)]
#[non_exhaustive]
pub struct ManagementConfig {
    /// The address it listens on.
    #[config(default = "127.0.0.1", prod_default = "0.0.0.0")]
    pub host: IpAddr,
    /// The port it listens on, in every mode; unset: there is none, and health and metrics are answered on the
    /// product's port, of which profile `prod` warns.
    #[config(variable = "MANAGEMENT_PORT")]
    pub port: Option<u16>,
}

impl ManagementConfig {
    /// The address and port it listens on, if it does.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.port.map(|port| SocketAddr::new(self.host, port))
    }
}
