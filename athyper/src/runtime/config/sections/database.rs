//! Where data, leases and fast stores are.

use athyper_macros::Config;

use crate::foundation::config::StoreUrl;

/// The product's database: `[database]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "database", unlisted)]
#[non_exhaustive]
pub struct DatabaseConfig {
    /// The database, such as `sqlite://data/app.db?readers=4`; the adapter says which options there are. Unset: a file `data/athyper.db` in profile dev, memory in tests.
    #[config(variable = "DATABASE_URL")]
    pub url: Option<StoreUrl>,
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
