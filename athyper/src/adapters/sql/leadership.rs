//! The port of leases.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::dialect::LockClock;
use super::job_queue::span;
use super::operation::{Operation, Session};
use super::store::SqlStore;
use crate::foundation::error::{Error, Result};
use crate::foundation::leadership::{Leadership, Lease};
use crate::foundation::sql::Statement;

/// Leases in a SQL database. They run out by the clock that its locks run out by.
#[derive(Debug)]
pub(in crate::adapters) struct SqlLeadership<S> {
    store: Arc<S>,
}

impl<S: SqlStore> SqlLeadership<S> {
    /// Leases in a database whose tables are up to date.
    pub(in crate::adapters) fn new(store: Arc<S>) -> Self {
        Self { store }
    }
}

/// A lease is running if it has a holder, is of this boot and has not run out.
fn running(locks: &LockClock) -> String {
    let now = locks.now_sql("$5");
    format!("athyper_leases.holder IS NOT NULL AND athyper_leases.boot_id = $4 AND athyper_leases.expires_at > {now}")
}

fn whole(epoch: u64) -> Result<i64> {
    i64::try_from(epoch).map_err(|_| Error::invalid(format!("{epoch} is no epoch of a lease")))
}

/// Takes a lease if it is free or the holder's own, in whatever else the session does; answers its epoch.
pub(super) async fn acquire(
    session: &mut Session<'_>,
    name: &str,
    holder: &str,
    duration: Duration,
) -> Result<Option<i64>> {
    let (running, end) = (running(&session.locks), session.locks.end_sql("$3"));
    let acquire = format!(
        "INSERT INTO athyper_leases (name, epoch, holder, boot_id, expires_at) VALUES ($1, 1, $2, $4, {end}) \
         ON CONFLICT (name) DO UPDATE SET holder = $2, boot_id = $4, expires_at = {end}, \
         epoch = athyper_leases.epoch + CASE WHEN {running} THEN 0 ELSE 1 END \
         WHERE athyper_leases.holder = $2 OR NOT ({running}) RETURNING athyper_leases.epoch"
    );
    let acquire = Statement::text(acquire)
        .bind(name)
        .bind(holder)
        .bind(session.locks.end(span(duration)))
        .bind(session.locks.boot().to_owned())
        .bind(session.locks.now());
    session.fetch(acquire).await?.into_iter().next().map(|row| row.at(0)).transpose()
}

/// Gives a lease up, under whichever epoch it is held.
pub(super) async fn give_up(session: &mut Session<'_>, name: &str, holder: &str) -> Result<()> {
    let sql = "UPDATE athyper_leases SET holder = NULL WHERE name = $1 AND holder = $2";
    session.execute(Statement::text(sql).bind(name).bind(holder)).await.map(drop)
}

struct Acquire {
    name: String,
    holder: String,
    duration: Duration,
}

#[async_trait]
impl Operation for Acquire {
    type Answer = Option<i64>;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Option<i64>> {
        acquire(session, &self.name, &self.holder, self.duration).await
    }
}

struct Renew {
    lease: Lease,
    epoch: i64,
    duration: Duration,
}

#[async_trait]
impl Operation for Renew {
    type Answer = bool;

    async fn apply(&self, session: &mut Session<'_>) -> Result<bool> {
        let (running, end) = (running(&session.locks), session.locks.end_sql("$3"));
        let renew = format!(
            "UPDATE athyper_leases SET expires_at = {end} WHERE name = $1 AND holder = $2 AND epoch = $6 AND {running}"
        );
        let renew = Statement::text(renew)
            .bind(self.lease.name.as_str())
            .bind(self.lease.holder.as_str())
            .bind(session.locks.end(span(self.duration)))
            .bind(session.locks.boot().to_owned())
            .bind(session.locks.now())
            .bind(self.epoch);
        Ok(session.execute(renew).await? > 0)
    }
}

struct Release {
    lease: Lease,
    epoch: i64,
}

#[async_trait]
impl Operation for Release {
    type Answer = ();

    async fn apply(&self, session: &mut Session<'_>) -> Result<()> {
        let sql = "UPDATE athyper_leases SET holder = NULL WHERE name = $1 AND holder = $2 AND epoch = $3";
        let release =
            Statement::text(sql).bind(self.lease.name.as_str()).bind(self.lease.holder.as_str()).bind(self.epoch);
        session.execute(release).await.map(drop)
    }
}

#[async_trait]
impl<S: SqlStore> Leadership for SqlLeadership<S> {
    async fn acquire(&self, name: &str, holder: &str, duration: Duration) -> Result<Option<Lease>> {
        let acquire = Acquire { name: name.to_owned(), holder: holder.to_owned(), duration };
        let epoch = self.store.run(acquire).await?;
        Ok(epoch.and_then(|epoch| u64::try_from(epoch).ok()).map(|epoch| Lease {
            name: name.to_owned(),
            holder: holder.to_owned(),
            epoch,
        }))
    }

    async fn renew(&self, lease: &Lease, duration: Duration) -> Result<bool> {
        self.store.run(Renew { lease: lease.clone(), epoch: whole(lease.epoch)?, duration }).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.store.run(Release { lease: lease.clone(), epoch: whole(lease.epoch)? }).await
    }
}
