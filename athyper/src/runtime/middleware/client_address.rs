//! Who the client is when proxies stand in between.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::Request;

use crate::foundation::error::{Error, Result};
use crate::runtime::http::RequestRecord;

/// The header that proxies append the address of their client to.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// A range of addresses, written as `10.0.0.0/8` or `2001:db8::/32`; without a length it is one address.
///
/// ```
/// use athyper::http::middleware::Network;
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse().unwrap()));
/// assert!("10.0.0.0/33".parse::<Network>().is_err());
/// # Ok::<(), athyper::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

impl Network {
    /// Whether an address lies in the range. An IPv4 address mapped into IPv6 counts as itself.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        fn prefix(bits: u128, width: u8, length: u8) -> u128 {
            bits.checked_shr(u32::from(width - length)).unwrap_or(0)
        }
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let (own, other) = (u128::from(own.to_bits()), u128::from(other.to_bits()));
                prefix(own, 32, self.length) == prefix(other, 32, self.length)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                prefix(own.to_bits(), 128, self.length) == prefix(other.to_bits(), 128, self.length)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = || Error::configuration(format!("`{text}` is not a network such as `10.0.0.0/8`"));
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| refuse())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(length) => length.trim().parse().map_err(|_| refuse())?,
            None => longest,
        };
        if length > longest { Err(refuse()) } else { Ok(Self { address, length }) }
    }
}

impl<'de> serde::Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The proxies whose `X-Forwarded-For` is believed. None, unless told: the header of anybody else is a claim.
///
/// The client is the rightmost address that is not a trusted proxy's, counting the peer as the last: what stands further left was
/// written by somebody untrusted.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[Network]>);

impl TrustedProxies {
    /// Believes nobody.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Believes the proxies in these networks.
    #[must_use]
    pub fn new(networks: impl Into<Arc<[Network]>>) -> Self {
        Self(networks.into())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The client behind `peer`, given the values of `X-Forwarded-For` in the order they came.
    #[must_use]
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for entry in forwarded.rev().flat_map(|value| value.rsplit(',')) {
            if !self.trusts(client) {
                break;
            }
            match parse(entry) {
                Some(address) => client = address,
                // Whoever wrote this does not speak for anything further left.
                None => break,
            }
        }
        client
    }

    pub(crate) fn find_client(&self, request: &Request, record: &RequestRecord) {
        let Some(peer) = record.peer() else { return };
        if self.0.is_empty() || record.has_client() {
            return;
        }
        // A value that is no text ends the chain: it parses as no address.
        let forwarded: Vec<&str> =
            request.headers().get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or("")).collect();
        record.set_client(self.client(peer.ip(), forwarded.into_iter()));
    }
}

/// An address, perhaps in brackets, perhaps with a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let address = entry.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Network, TrustedProxies};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|text| text.parse().unwrap()).collect::<Vec<Network>>())
    }

    #[test]
    fn a_direct_client_cannot_claim_an_address() {
        let client = TrustedProxies::none().client(address("203.0.113.9"), ["1.2.3.4"].into_iter());
        assert_eq!(client, address("203.0.113.9"));
        let client = proxies(&["10.0.0.0/8"]).client(address("203.0.113.9"), ["1.2.3.4"].into_iter());
        assert_eq!(client, address("203.0.113.9"));
    }

    #[test]
    fn the_rightmost_untrusted_address_is_the_client() {
        let trusted = proxies(&["10.0.0.0/8", "2001:db8::/32"]);
        for (forwarded, expected) in [
            (vec!["6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (vec!["6.6.6.6", "203.0.113.9,10.0.0.2"], "203.0.113.9"),
            (vec!["203.0.113.9:4711"], "203.0.113.9"),
            (vec!["[2001:db9::7]:4711"], "2001:db9::7"),
            (vec!["[2001:db9::7]"], "2001:db9::7"),
            (vec!["::ffff:203.0.113.9"], "203.0.113.9"),
            (vec!["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
            (vec!["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (vec![""], "10.0.0.1"),
            (vec![], "10.0.0.1"),
        ] {
            assert_eq!(
                trusted.client(address("10.0.0.1"), forwarded.clone().into_iter()),
                address(expected),
                "{forwarded:?}"
            );
        }
    }

    #[test]
    fn networks_hold_their_range() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(address(inside)) && !network.contains(address(outside)), "{network:?}");
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
