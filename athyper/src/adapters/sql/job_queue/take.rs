//! Handing out jobs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};

use super::finish::Close;
use super::ready::{LOOK, Sight, promote};
use super::record::{CLAIMED, Cells, micros, read_claimed, span};
use super::{Shared, limited};
use crate::adapters::sql::dialect::among;
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Claimed, Finish, Outcome, Take};
use crate::foundation::sql::{Dialect, Statement};

/// Takes jobs once, without waiting.
struct TakeNow<S: SqlStore> {
    shared: Arc<Shared<S>>,
    request: Take,
}

#[async_trait]
impl<S: SqlStore> Operation for TakeNow<S> {
    type Answer = Handed<S>;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Handed<S>> {
        Ok(Handed { jobs: take(session, &self.request).await?, shared: self.shared.clone() })
    }

    fn is_for_whoever_waits(&self) -> bool {
        true
    }

    fn undelivered(answer: Handed<S>) {
        answer.give_back();
    }
}

/// Jobs on their way to a worker.
pub(super) struct Handed<S: SqlStore> {
    pub(super) jobs: Vec<Claimed>,
    pub(super) shared: Arc<Shared<S>>,
}

impl<S: SqlStore> Handed<S> {
    /// Releases the jobs of a worker that has gone while they were handed out, so that nobody waits for its lock.
    pub(super) fn give_back(self) {
        if !self.jobs.is_empty() {
            let release = |job: Claimed| Finish { lock: job.lock, outcome: Outcome::Release };
            let outcomes = self.jobs.into_iter().map(release).collect();
            self.shared.store.run_detached(Close { shared: self.shared.clone(), outcomes, next: None });
        }
    }
}

/// Which jobs of a queue are ready.
pub(super) const READY_NOW: &str = "SELECT seq FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND NOT held";

/// Which jobs of a queue are ready, if it is neither paused nor limited. SQLite would ask that again for each of its jobs, but not
/// for the name that it looks for.
fn ready_if_unlimited(dialect: Dialect) -> String {
    let is_open = "NOT EXISTS (SELECT 1 FROM athyper_queues WHERE name = $1 AND (paused OR limits IS NOT NULL))";
    match dialect {
        Dialect::Sqlite => READY_NOW.replace("queue = $1", &format!("queue = (SELECT $1 WHERE {is_open})")),
        Dialect::Postgres => format!("{READY_NOW} AND {is_open}"),
    }
}

/// Takes jobs that are due.
pub(super) async fn take(session: &mut Session<'_>, request: &Take) -> Result<Vec<Claimed>> {
    if request.max == 0 {
        return Ok(Vec::new());
    }
    promote(session, &request.queue).await?;
    let next = format!("{} ORDER BY priority, position, seq LIMIT $2", ready_if_unlimited(session.dialect));
    let most = i64::try_from(request.max).unwrap_or(i64::MAX);
    let taken = hand_out(session, request, &among(session.dialect, &next), most.into()).await?;
    if taken.is_empty() { limited::take(session, request).await } else { Ok(taken) }
}

/// Takes the jobs of a condition, whose second value is given; the first one is the queue.
pub(super) async fn hand_out(
    session: &mut Session<'_>,
    request: &Take,
    condition: &str,
    value: sea_query::Value,
) -> Result<Vec<Claimed>> {
    let sql = format!(
        "UPDATE athyper_jobs SET state = 'active', attempts_started = attempts_started + 1, started_at = $3, worker = $4, \
         lock_boot = $5, lock_until = {} WHERE {condition} RETURNING {CLAIMED}",
        session.locks.end_sql("$6")
    );
    let statement = Statement::text(sql)
        .bind(request.queue.as_str())
        .bind(value)
        .bind(micros(session.now))
        .bind(request.worker.as_str())
        .bind(session.locks.boot().to_owned())
        .bind(session.locks.end(span(request.lock_for)));
    let mut taken = session.fetch(statement).await?.into_iter().map(read_claimed).collect::<Result<Vec<_>>>()?;
    taken.sort_unstable_by_key(|placed| placed.place);
    Ok(taken.into_iter().map(|placed| placed.claimed).collect())
}

/// Takes jobs, waiting for the first.
pub(super) async fn take_waiting<S: SqlStore>(shared: &Arc<Shared<S>>, request: &Take) -> Result<Vec<Claimed>> {
    let clock = shared.store.clock();
    let deadline = clock.since_boot().saturating_add(request.wait);
    let mut wake = shared.store.wake().listen(&request.queue);
    loop {
        wake.mark_unchanged();
        // A look costs no write lock, so that idle workers are in nobody's way.
        let mut sight = look(shared, request).await?;
        let until_due = |sight: &Sight| sight.look_again.map(|due| due - micros(clock.now()));
        let may_have = sight.has_ready || until_due(&sight).is_some_and(|left| left <= 0);
        if may_have && !sight.is_paused && request.max > 0 {
            let take = TakeNow { shared: shared.clone(), request: request.clone() };
            let handed = shared.store.run(take).await?;
            if !handed.jobs.is_empty() {
                return Ok(handed.jobs);
            }
            // Others were faster, or have begun the period that is waited for.
            sight = look(shared, request).await?;
        }
        let now = clock.since_boot();
        if now >= deadline {
            return Ok(Vec::new());
        }
        let until_due = until_due(&sight)
            .and_then(|left| u64::try_from(left).ok())
            .map(Duration::from_micros)
            .filter(|left| !left.is_zero());
        let longest = shared.store.longest_rest();
        let nap = until_due.map_or(longest, |left| left.min(longest));
        let look_again = now.saturating_add(nap);
        let alarm = std::pin::pin!(clock.sleep_until(deadline.min(look_again)));
        let woken = std::pin::pin!(wake.changed());
        if matches!(select(woken, alarm).await, Either::Right(_)) && deadline < look_again {
            // Nothing told of jobs, and whoever asks anew looks first.
            return Ok(Vec::new());
        }
    }
}

async fn look<S: SqlStore>(shared: &Shared<S>, request: &Take) -> Result<Sight> {
    let rows = shared.store.read(Statement::text(LOOK).bind(request.queue.as_str())).await?;
    let row = rows.into_iter().next().ok_or_else(|| Error::internal("a look at a queue saw nothing"))?;
    Sight::read(Cells::of(row))
}
