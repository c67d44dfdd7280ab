//! Token buckets by client, in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::foundation::clock::Clock;
use crate::foundation::rate_limit::{Decision, Quota, TokenBucket};

/// How many parts the clients are spread over, so that requests seldom wait for each other.
const SHARDS: usize = 16;

/// Unless told otherwise, how many clients are told apart.
const DEFAULT_MOST_CLIENTS: usize = 100_000;

/// The clients that called within the last period, and those of the period before.
///
/// A bucket that was not touched for a whole period is full, so that forgetting it changes nothing: the older generation is
/// dropped whole.
#[derive(Debug, Default)]
struct Shard {
    recent: HashMap<u128, TokenBucket>,
    older: HashMap<u128, TokenBucket>,
    began: Duration,
    /// Shared by all clients beyond the cap.
    crowd: TokenBucket,
}

/// Token buckets by client address, in bounded memory.
///
/// An IPv4 client is its address, an IPv6 client its /64 network, which is what one subscriber gets. Beyond the cap on clients, new
/// ones share a bucket until others are forgotten.
#[derive(Debug)]
pub struct RateLimiter {
    clock: Arc<dyn Clock>,
    quota: Quota,
    most_in_shard: usize,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

impl RateLimiter {
    /// Gives each client `quota`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, quota: Quota) -> Self {
        Self::with_most_clients(clock, quota, DEFAULT_MOST_CLIENTS)
    }

    /// Gives each client `quota`, and tells at most about `most_clients` apart.
    #[must_use]
    pub fn with_most_clients(clock: Arc<dyn Clock>, quota: Quota, most_clients: usize) -> Self {
        // Two generations are kept.
        let most_in_shard = most_clients.div_ceil(2 * SHARDS).max(1);
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { clock, quota, most_in_shard, hasher: RandomState::new(), shards }
    }

    /// What each client may do.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    /// Takes a token from the client's bucket if there is one.
    #[must_use]
    pub fn take(&self, client: IpAddr) -> Decision {
        let key = key(client);
        let now = self.clock.since_boot();
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is below 16")]
        let index = (self.hasher.hash_one(key) % SHARDS as u64) as usize;
        let mut shard = self.shards[index].lock().unwrap_or_else(PoisonError::into_inner);
        shard.turn(now, self.quota.period);
        shard.bucket(key, self.most_in_shard).take(self.quota, now)
    }

    /// How many clients are being told apart.
    #[must_use]
    pub fn clients(&self) -> usize {
        let count = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.recent.len() + shard.older.len()
        };
        self.shards.iter().map(count).sum()
    }
}

impl Shard {
    fn turn(&mut self, now: Duration, period: Duration) {
        let age = now.saturating_sub(self.began);
        if age < period {
            return;
        }
        self.older = std::mem::take(&mut self.recent);
        if age >= period * 2 {
            self.older = HashMap::new();
        }
        self.began = now;
    }

    fn bucket(&mut self, key: u128, most: usize) -> &mut TokenBucket {
        if self.recent.len() >= most && !self.recent.contains_key(&key) {
            return self.older.get_mut(&key).unwrap_or(&mut self.crowd);
        }
        let older = &mut self.older;
        self.recent.entry(key).or_insert_with(|| older.remove(&key).unwrap_or_default())
    }
}

fn key(client: IpAddr) -> u128 {
    match client.to_canonical() {
        // Where no IPv6 network lies.
        IpAddr::V4(address) => u128::from(address.to_bits()) | 1 << 32,
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    }
}
