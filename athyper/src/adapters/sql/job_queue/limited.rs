//! Handing out jobs of a queue with limits.
//!
//! Whoever takes such jobs holds the row of their queue, so that what runs, and what was started in a period, can be counted. Periods
//! that have begun are rows of their own: one of the queue, and one of each tenant.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::Shared;
use super::record::{Cells, later, micros};
use super::take::{READY_NOW, hand_out};
use crate::adapters::sql::dialect::{among, given_up_when_silent, kept, listed};
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Claimed, Limit, QueueLimits, QueueName, Rate, Take};
use crate::foundation::sql::Statement;

/// Takes jobs, if the queue has limits and is not paused.
pub(super) async fn take(session: &mut Session<'_>, request: &Take) -> Result<Vec<Claimed>> {
    let Some(limits) = hold_limits(session, &request.queue).await? else { return Ok(Vec::new()) };
    let end_periods = Statement::text("DELETE FROM athyper_periods WHERE queue = $1 AND ends_at <= $2");
    session.execute(end_periods.bind(request.queue.as_str()).bind(micros(session.now))).await?;
    let most = room(session, &request.queue, limits.queue).await?.min(request.max);
    if most == 0 {
        return Ok(Vec::new());
    }
    let taken = if limits.tenant.is_none() {
        let next = format!("{READY_NOW} ORDER BY priority, position, seq LIMIT $2");
        hand_out(session, request, &among(session.dialect, &next), count(most).into()).await?
    } else {
        let chosen = choose(session, &request.queue, limits.tenant, most).await?;
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let these = format!("{READY_NOW} AND {}", listed(session.dialect, "$2"));
        hand_out(session, request, &among(session.dialect, &these), chosen.into()).await?
    };
    if taken.is_empty() {
        return Ok(taken);
    }
    if let Some(rate) = limits.queue.rate {
        count_starts(session, &request.queue, WHOLE_QUEUE, rate, taken.len()).await?;
    }
    if let Some(rate) = limits.tenant.rate {
        let mut starts: BTreeMap<&str, usize> = BTreeMap::new();
        for share in taken.iter().filter_map(|claimed| claimed.envelope.share()) {
            *starts.entry(share).or_default() += 1;
        }
        for (share, count) in starts {
            count_starts(session, &request.queue, &scope(share), rate, count).await?;
        }
    }
    Ok(taken)
}

/// The limits of a queue, which nobody changes and by which nobody else takes until the transaction ends.
async fn hold_limits(session: &mut Session<'_>, queue: &QueueName) -> Result<Option<QueueLimits>> {
    let sql = format!(
        "SELECT limits, {} FROM athyper_queues WHERE name = $1 AND limits IS NOT NULL AND NOT paused{}",
        given_up_when_silent(session.dialect),
        kept(session.dialect)
    );
    let row = session.fetch(Statement::text(sql).bind(queue.as_str())).await?.into_iter().next();
    row.map(|row| read(Cells::of(row).next()?)).transpose()
}

/// Reads the column.
pub(super) fn read(text: String) -> Result<QueueLimits> {
    serde_json::from_str(&text)
        .map_err(|error| Error::internal("the limits of a queue cannot be read").with_source(error))
}

/// The scope of a queue's own periods; those of tenants begin with a letter.
const WHOLE_QUEUE: &str = "";

fn scope(share: &str) -> String {
    format!("t{share}")
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How many more jobs the queue may have running.
async fn room(session: &mut Session<'_>, queue: &QueueName, limit: Limit) -> Result<usize> {
    let mut left = usize::MAX;
    if let Some(most) = limit.concurrency {
        let sql = "SELECT count(1) FROM athyper_jobs WHERE queue = $1 AND state = 'active'";
        let running = number(session, Statement::text(sql).bind(queue.as_str())).await?;
        left = left.min((most.get() as usize).saturating_sub(running));
    }
    if let Some(rate) = limit.rate {
        let sql = "SELECT coalesce(max(taken), 0) FROM athyper_periods WHERE queue = $1 AND scope = $2";
        let started = number(session, Statement::text(sql).bind(queue.as_str()).bind(WHOLE_QUEUE)).await?;
        left = left.min((rate.count.get() as usize).saturating_sub(started));
    }
    Ok(left)
}

async fn number(session: &mut Session<'_>, statement: Statement) -> Result<usize> {
    let row = session.fetch(statement).await?.into_iter().next();
    let row = row.ok_or_else(|| Error::internal("a question for a number has no answer"))?;
    Ok(usize::try_from(Cells::of(row).next::<i64>()?).unwrap_or_default())
}

async fn count_starts(
    session: &mut Session<'_>,
    queue: &QueueName,
    scope: &str,
    rate: Rate,
    starts: usize,
) -> Result<()> {
    let sql = "INSERT INTO athyper_periods (queue, scope, taken, ends_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (queue, scope) DO UPDATE SET taken = athyper_periods.taken + excluded.taken";
    let statement = Statement::text(sql)
        .bind(queue.as_str())
        .bind(scope.to_owned())
        .bind(count(starts))
        .bind(later(session.now, rate.period));
    session.execute(statement).await.map(drop)
}

/// The tenants that have jobs waiting and room for more, those first whose first job comes first. One is found after the other in the
/// index, however many jobs each has waiting.
const TENANTS: &str = "WITH RECURSIVE shares (share) AS (\
     SELECT min(share) FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND share IS NOT NULL UNION ALL \
     SELECT (SELECT min(jobs.share) FROM athyper_jobs AS jobs WHERE jobs.queue = $1 AND jobs.state = 'waiting' \
     AND jobs.share IS NOT NULL AND jobs.share > shares.share) FROM shares WHERE shares.share IS NOT NULL), \
     running AS (SELECT share, count(1) AS jobs FROM athyper_jobs WHERE queue = $1 AND state = 'active' AND share IS NOT NULL \
     GROUP BY share), \
     tenants AS (SELECT shares.share AS share, coalesce(running.jobs, 0) AS running, coalesce(periods.taken, 0) AS started \
     FROM shares LEFT JOIN running ON running.share = shares.share \
     LEFT JOIN athyper_periods AS periods ON periods.queue = $1 AND periods.scope = 't' || shares.share \
     WHERE shares.share IS NOT NULL AND coalesce(running.jobs, 0) < $2 AND coalesce(periods.taken, 0) < $3), \
     heads AS (SELECT share, running, started, (SELECT first.seq FROM athyper_jobs AS first WHERE first.queue = $1 \
     AND first.share = tenants.share AND first.state = 'waiting' AND first.share IS NOT NULL AND NOT first.held \
     ORDER BY first.priority, first.position, first.seq LIMIT 1) AS head FROM tenants) \
     SELECT heads.share, heads.running, heads.started FROM heads JOIN athyper_jobs AS jobs ON jobs.seq = heads.head \
     ORDER BY jobs.priority, jobs.position, jobs.seq LIMIT $4";

/// Of the jobs without a turn, which no tenant's limit holds back, those are found that are among the first of all.
const WITHOUT_TURN: &str = "SELECT seq, priority, position FROM (SELECT seq, priority, position, share FROM athyper_jobs \
     WHERE queue = $1 AND state = 'waiting' AND NOT held ORDER BY priority, position, seq LIMIT 1000) AS first \
     WHERE share IS NULL ORDER BY priority, position, seq LIMIT $2";

/// How many tenants are asked for their first jobs at once.
const TENANTS_A_STATEMENT: usize = 100;

/// The first jobs that the limits of their tenants let go, at most `most`: their numbers, as a list in a text.
async fn choose(session: &mut Session<'_>, queue: &QueueName, limit: Limit, most: usize) -> Result<String> {
    let allowed = |limit: Option<u32>| limit.map_or(i64::MAX, i64::from);
    let slots = allowed(limit.concurrency.map(|most| most.get()));
    let starts = allowed(limit.rate.map(|rate| rate.count.get()));
    let tenants = Statement::text(TENANTS).bind(queue.as_str()).bind(slots).bind(starts).bind(count(most));
    let mut rooms = Vec::new();
    for row in session.fetch(tenants).await? {
        let mut cells = Cells::of(row);
        let (share, running, started): (String, i64, i64) = (cells.next()?, cells.next()?, cells.next()?);
        rooms.push((share, (slots - running).min(starts - started).min(count(most))));
    }
    let without = Statement::text(WITHOUT_TURN).bind(queue.as_str()).bind(count(most));
    let mut found = session.fetch(without).await?;
    for rooms in rooms.chunks(TENANTS_A_STATEMENT) {
        let each: Vec<String> = (0..rooms.len())
            .map(|number| {
                let share = number + 2;
                let room = rooms[number].1;
                format!(
                    "SELECT seq, priority, position FROM (SELECT seq, priority, position FROM athyper_jobs WHERE queue = $1 \
                     AND share = ${share} AND state = 'waiting' AND share IS NOT NULL AND NOT held \
                     ORDER BY priority, position, seq LIMIT {room}) AS tenant{number}"
                )
            })
            .collect();
        let mut statement = Statement::text(each.join(" UNION ALL ")).bind(queue.as_str());
        for (share, _) in rooms {
            statement = statement.bind(share.clone());
        }
        found.extend(session.fetch(statement).await?);
    }
    let mut jobs = Vec::with_capacity(found.len());
    for row in found {
        let mut cells = Cells::of(row);
        let (seq, priority, position): (i64, i64, i64) = (cells.next()?, cells.next()?, cells.next()?);
        jobs.push((priority, position, seq));
    }
    jobs.sort_unstable();
    let numbers: Vec<String> = jobs.into_iter().take(most).map(|(_, _, seq)| seq.to_string()).collect();
    Ok(numbers.join(","))
}

/// Sets the limits of a queue.
pub(super) struct SetLimits<S: SqlStore> {
    pub(super) shared: std::sync::Arc<Shared<S>>,
    pub(super) queue: QueueName,
    pub(super) limits: QueueLimits,
}

#[async_trait]
impl<S: SqlStore> Operation for SetLimits<S> {
    type Answer = ();

    async fn apply(&self, session: &mut Session<'_>) -> Result<()> {
        let limits = if self.limits.is_none() {
            None
        } else {
            let failed = |error| Error::internal("the limits of a queue cannot be written").with_source(error);
            Some(serde_json::to_string(&self.limits).map_err(failed)?)
        };
        let sql = "INSERT INTO athyper_queues (name, limits) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET limits = excluded.limits";
        session.execute(Statement::text(sql).bind(self.queue.as_str()).bind(limits)).await?;
        let begin_anew = Statement::text("DELETE FROM athyper_periods WHERE queue = $1");
        session.execute(begin_anew.bind(self.queue.as_str())).await?;
        self.shared.wake_after_commit(session, &self.queue);
        Ok(())
    }
}
