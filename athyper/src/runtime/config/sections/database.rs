//! Where data, leases and fast stores are.

use std::time::Duration;

use athyper_macros::Config;

use crate::foundation::config::{SectionCheck, StoreUrl};

/// The product's database: `[database]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "database", unlisted, check = check_database)]
#[non_exhaustive]
pub struct DatabaseConfig {
    /// The database, such as `sqlite://data/app.db`. Unset: a file `data/athyper.db` in profile dev, memory in tests.
    #[config(variable = "DATABASE_URL")]
    pub url: Option<StoreUrl>,
    /// How many connections read at once.
    #[config(default = 4)]
    pub readers: u32,
    /// How long a writer waits for another one to finish.
    #[config(default = "5s")]
    pub busy_timeout: Duration,
}

fn check_database(database: &DatabaseConfig, check: &mut SectionCheck) {
    if database.readers == 0 {
        check.invalid("readers", "must be at least 1");
    }
}

/// The fast store that jobs and leases share unless they have a URL of their own: `[redis]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "redis", unlisted)]
#[non_exhaustive]
pub struct RedisConfig {
    /// The store, such as `redis://host:6379`.
    #[config(variable = "REDIS_URL")]
    pub url: Option<StoreUrl>,
}

/// The leases of leadership: `[leases]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "leases", unlisted)]
#[non_exhaustive]
pub struct LeasesConfig {
    /// Where leases are kept. Unset: where `redis.url`, then `database.url` says.
    pub url: Option<StoreUrl>,
}
