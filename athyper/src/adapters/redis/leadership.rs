//! The port of leases.
//!
//! A lease is a key that the server itself lets go by its own clock. Its latest epoch is kept beside it for ever.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::connection::{Call, Connections, Repeat};
use super::error::strange;
use super::job_queue::{expiry, read_number, read_text};
use super::scripts::{ACQUIRE, RELEASE_LEASE, RENEW_LEASE};
use crate::foundation::error::Result;
use crate::foundation::leadership::{Leadership, Lease};

/// Leases on a Redis server, for every process that reaches it.
#[derive(Debug)]
pub(crate) struct RedisLeadership {
    connections: Arc<Connections>,
}

impl RedisLeadership {
    pub(super) fn new(connections: Arc<Connections>) -> Self {
        Self { connections }
    }

    fn key(&self, name: &str) -> String {
        self.connections.key(&format!("lease:{name}"))
    }
}

fn held(lease: &Lease) -> String {
    format!("{} {}", lease.epoch, lease.holder)
}

#[async_trait]
impl Leadership for RedisLeadership {
    async fn acquire(&self, name: &str, holder: &str, duration: Duration) -> Result<Option<Lease>> {
        let mut call = Call::on(self.key(name)).with(holder).number(expiry(duration));
        call.push_key(self.connections.key(&format!("epoch:{name}")));
        // Asking twice is as asking once: the holder gets its own lease again.
        let answer = self.connections.run(&ACQUIRE, call, Repeat::Freely).await?;
        let Some(epoch) = read_text(answer) else { return Ok(None) };
        let epoch = epoch.parse().map_err(|_| strange("an epoch"))?;
        Ok(Some(Lease { name: name.to_owned(), holder: holder.to_owned(), epoch }))
    }

    async fn renew(&self, lease: &Lease, duration: Duration) -> Result<bool> {
        let call = Call::on(self.key(&lease.name)).with(held(lease)).number(expiry(duration));
        Ok(read_number(self.connections.run(&RENEW_LEASE, call, Repeat::Freely).await?)? == 1)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let call = Call::on(self.key(&lease.name)).with(held(lease));
        self.connections.run(&RELEASE_LEASE, call, Repeat::Freely).await.map(drop)
    }
}
