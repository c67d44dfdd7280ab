//! Addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::foundation::config::{ConfigError, ConfigValue, FromConfigValue, Profile};

macro_rules! addresses {
    ($($type:ty: $expected:literal;)*) => {$(
        impl FromConfigValue for $type {
            fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
                let parsed = value.as_str().and_then(|text| text.trim().parse().ok());
                parsed.ok_or_else(|| ConfigError::expected($expected))
            }
        }
    )*};
}

addresses! {
    IpAddr: "an IP address such as \"127.0.0.1\"";
    Ipv4Addr: "an IPv4 address such as \"127.0.0.1\"";
    Ipv6Addr: "an IPv6 address such as \"::1\"";
    SocketAddr: "an IP address and a port such as \"127.0.0.1:3000\"";
}
