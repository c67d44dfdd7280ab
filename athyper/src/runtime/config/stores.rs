//! Which URL each store has: its own key, else `REDIS_URL`, else `DATABASE_URL`, else a file in the process's folder.

use std::fmt;

use crate::foundation::config::{Origin, Profile, StoreUrl};
use crate::foundation::problem::{Problem, ProblemClass};

/// What a store is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StorePort {
    /// The product's data.
    Database,
    /// The queue of jobs.
    Jobs,
    /// Leases of leadership.
    Leases,
}

impl StorePort {
    /// Every port.
    pub const ALL: [Self; 3] = [Self::Database, Self::Jobs, Self::Leases];

    /// The key of its own, such as `jobs.url`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Database => "database.url",
            Self::Jobs => "jobs.url",
            Self::Leases => "leases.url",
        }
    }
}

/// By which rule a store got its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreSource {
    /// A key says it: its own, or that of the store it falls back to.
    Said {
        /// The key.
        key: &'static str,
        /// Where it was said.
        origin: Origin,
    },
    /// Nobody says it: the embedded store of the profile.
    Embedded,
}

impl fmt::Display for StoreSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said { key, origin } => write!(formatter, "{key}, {origin}"),
            Self::Embedded => formatter.write_str("default"),
        }
    }
}

/// The URL of a store, and by which rule it has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedStore {
    /// What the store is used for.
    pub port: StorePort,
    /// The URL.
    pub url: StoreUrl,
    /// By which rule.
    pub source: StoreSource,
}

/// What the configuration says of stores: each URL with its origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SaidStores {
    pub(super) database: Option<(StoreUrl, Origin)>,
    pub(super) jobs: Option<(StoreUrl, Origin)>,
    pub(super) leases: Option<(StoreUrl, Origin)>,
    pub(super) redis: Option<(StoreUrl, Origin)>,
}

/// Resolves the URL of a store: its own key → `redis.url` (jobs and leases) → `database.url` → embedded.
pub(super) fn resolve_store(port: StorePort, said: &SaidStores, profile: Profile) -> ResolvedStore {
    let own = match port {
        StorePort::Database => &said.database,
        StorePort::Jobs => &said.jobs,
        StorePort::Leases => &said.leases,
    };
    let redis = said.redis.as_ref().filter(|_| port != StorePort::Database).map(|said| ("redis.url", said));
    let own = own.as_ref().map(|said| (port.key(), said));
    let database = said.database.as_ref().map(|said| ("database.url", said));
    match own.or(redis).or(database) {
        Some((key, (url, origin))) => {
            ResolvedStore { port, url: url.clone(), source: StoreSource::Said { key, origin: origin.clone() } }
        }
        None => ResolvedStore { port, url: embedded_url(profile), source: StoreSource::Embedded },
    }
}

/// The embedded store of a profile: a file that survives restarts, or memory in tests.
fn embedded_url(profile: Profile) -> StoreUrl {
    let text = match profile {
        Profile::Dev | Profile::Prod => "sqlite://data/athyper.db",
        Profile::Test => "sqlite::memory:",
    };
    match text.parse() {
        Ok(url) => url,
        Err(error) => unreachable!("{text} is a URL: {error}"),
    }
}

/// Which stores profile `prod` refuses: those that nobody said, and those that forget what they hold.
pub(super) fn refused_stores<'a>(stores: impl IntoIterator<Item = &'a ResolvedStore>) -> Vec<Problem> {
    let mut embedded = Vec::new();
    let mut problems = Vec::new();
    for store in stores {
        match &store.source {
            StoreSource::Embedded => embedded.push(store),
            StoreSource::Said { key, origin } if *key == store.port.key() && store.url.is_volatile() => {
                let what = format!(
                    "`{key}` is refused in profile prod: what {} holds is lost when the process ends",
                    store.url
                );
                problems.push(
                    Problem::new(ProblemClass::Configuration, "ATH-CONFIG-INSECURE", what)
                        .with_detail("set by", *key, Some(origin.to_string()))
                        .with_fix(INSTEAD),
                );
            }
            StoreSource::Said { .. } => {}
        }
    }
    if let Some(first) = embedded.first() {
        let keys: Vec<_> = embedded.iter().map(|store| format!("`{}`", store.port.key())).collect();
        let what = format!("profile prod does not fall back to {}: nobody set {}", first.url, keys.join(", "));
        problems.push(Problem::new(ProblemClass::Configuration, "ATH-CONFIG-INSECURE", what).with_fix(INSTEAD));
    }
    problems
}

const INSTEAD: &str = "DATABASE_URL=sqlite:///var/lib/app/app.db, or the URL of a server";
