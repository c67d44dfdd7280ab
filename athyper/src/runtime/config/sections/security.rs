//! What protects the HTTP server's callers and the server from them.

use std::time::Duration;

use athyper_macros::Config;

use crate::foundation::config::SectionCheck;

/// The limit of requests by address: `[rate_limit]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "rate_limit", unlisted, check = check_rate_limit)]
#[non_exhaustive]
pub struct RateLimitConfig {
    /// Whether there is one.
    #[config(default = true)]
    pub enabled: bool,
    /// How many requests an address may send at once.
    #[config(default = 1000)]
    pub capacity: u32,
    /// How long it takes until it may send that many again.
    #[config(default = "10s")]
    pub period: Duration,
}

fn check_rate_limit(limit: &RateLimitConfig, check: &mut SectionCheck) {
    if limit.capacity == 0 {
        check.invalid("capacity", "must be at least 1; `enabled = false` switches the limit off");
    }
    if limit.period.is_zero() {
        check.invalid("period", "must be longer than nothing");
    }
}

/// The headers that tell browsers what they may do: `[security_headers]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "security_headers", unlisted)]
#[non_exhaustive]
pub struct SecurityHeadersConfig {
    /// Whether they are sent.
    #[config(default = true)]
    pub enabled: bool,
    /// The policy sent as `Content-Security-Policy`; unset: the strict one for APIs.
    pub content_security_policy: Option<String>,
}

/// Which other origins' pages may call: `[cors]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "cors", unlisted, check = check_cors)]
#[non_exhaustive]
pub struct CorsConfig {
    /// The origins, such as `https://app.example.org`; `*` for every one; empty: none.
    #[config(default = [])]
    pub allowed_origins: Vec<String>,
    /// Whether cookies and authorization are allowed along.
    #[config(default = false)]
    pub allow_credentials: bool,
    /// For how long a browser remembers the answer.
    #[config(default = "10m")]
    pub max_age: Duration,
}

fn check_cors(cors: &CorsConfig, check: &mut SectionCheck) {
    let every = cors.allowed_origins.iter().any(|origin| origin == "*");
    if every && cors.allow_credentials {
        // Fetch standard, section "CORS protocol and credentials".
        check.invalid("allow_credentials", "cannot be true for every origin: browsers refuse `*` with credentials");
    }
    for origin in cors.allowed_origins.iter().filter(|origin| *origin != "*") {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
            check.invalid("allowed_origins", format!("{origin:?} is no origin: scheme and host, without a path"));
        }
    }
}
