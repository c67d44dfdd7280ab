//! Where data, leases and fast stores are.

use std::time::Duration;

use crate::foundation::config::{SectionCheck, StoreUrl};

section! {
    /// The product's database: `[database]`.
    #[config(section = "database", check = check_database)]
    pub struct DatabaseConfig {
        /// The database, such as `sqlite://data/app.db`. Unset: a file `data/athyper.db` in profile dev, memory in tests.
        #[config(with_variable = "DATABASE_URL")]
        pub url: Option<StoreUrl>,
        /// How many connections read at once.
        #[config(with_default = "4")]
        pub readers: u32,
        /// How long a writer waits for another one to finish.
        #[config(with_default = "5s")]
        pub busy_timeout: Duration,
    }
}

fn check_database(database: &DatabaseConfig, check: &mut SectionCheck) {
    if database.readers == 0 {
        check.invalid("readers", "must be at least 1");
    }
}

section! {
    /// The fast store that jobs and leases share unless they have a URL of their own: `[redis]`.
    #[config(section = "redis")]
    pub struct RedisConfig {
        /// The store, such as `redis://host:6379`.
        #[config(with_variable = "REDIS_URL")]
        pub url: Option<StoreUrl>,
    }
}

section! {
    /// The leases of leadership: `[leases]`.
    #[config(section = "leases")]
    pub struct LeasesConfig {
        /// Where leases are kept. Unset: where `redis.url`, then `database.url` says.
        pub url: Option<StoreUrl>,
    }
}
