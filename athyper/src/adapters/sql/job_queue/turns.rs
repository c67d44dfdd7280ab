//! Whose turn it is in a queue where tenants take turns.
//!
//! A waiting job with a share stands at its turn, which is a number like the instants at which other jobs stand: of an empty
//! queue the first turn is now, and turns go on one by one, so that they stay behind the clock. The next turn of a tenant comes
//! after its own last one that still waits, and after those that were taken. What was taken is told by the jobs that run, and
//! by the first one that waits.
//!
//! Jobs that one tenant enqueues in transactions which are open at the same time may share a turn.

use super::record::micros;
use crate::adapters::sql::dialect::greatest;
use crate::adapters::sql::operation::Session;
use crate::foundation::error::Result;
use crate::foundation::jobs::QueueName;
use crate::foundation::sql::{Dialect, Statement};

/// Where a job with a share stands until it gets its turn, within one transaction.
pub(super) const NO_TURN: &str = "0";

/// Where a job that begins to wait stands at first: without a share at `position`.
pub(super) fn position_or_turn(position: &str) -> String {
    format!("CASE WHEN share IS NULL THEN {position} ELSE {NO_TURN} END")
}

/// What was taken is looked up once for each tenant, not once for each job: the index of what runs is full of what ran.
fn give_sql(dialect: Dialect) -> String {
    let own = "coalesce((SELECT max(own.position) + 1 FROM athyper_jobs AS own WHERE own.queue = $1 AND own.share = tenants.share \
               AND own.priority = tenants.priority AND own.state = 'waiting' AND own.share IS NOT NULL), 0)";
    let taken = "(SELECT max(taken.position) + 1 FROM athyper_jobs AS taken WHERE taken.queue = $1 \
                 AND taken.priority = tenants.priority AND taken.state = 'active' AND taken.share IS NOT NULL)";
    let first = format!(
        "(SELECT min(first.position) FROM athyper_jobs AS first WHERE first.queue = $1 AND first.priority = tenants.priority \
         AND first.state = 'waiting' AND NOT first.held AND first.position > {NO_TURN})"
    );
    let turn = greatest(dialect, &format!("{own}, coalesce({taken}, {first}, $2), coalesce({first}, 0)"));
    format!(
        "WITH fresh AS (SELECT seq AS job, priority, share, \
         row_number() OVER (PARTITION BY priority, share ORDER BY due_at, seq) AS number FROM athyper_jobs \
         WHERE queue = $1 AND state = 'waiting' AND share IS NOT NULL AND position = {NO_TURN}), \
         turns AS (SELECT tenants.priority AS priority, tenants.share AS share, {turn} AS turn \
         FROM (SELECT DISTINCT priority, share FROM fresh) AS tenants) \
         UPDATE athyper_jobs SET position = turns.turn - 1 + fresh.number FROM fresh, turns \
         WHERE athyper_jobs.seq = fresh.job AND turns.priority = fresh.priority AND turns.share = fresh.share"
    )
}

/// Gives the jobs of a queue that have begun to wait in this transaction, and have a share, their turns.
pub(super) async fn give(session: &mut Session<'_>, queue: &QueueName) -> Result<()> {
    let give = Statement::text(give_sql(session.dialect)).bind(queue.as_str()).bind(micros(session.now));
    session.execute(give).await?;
    Ok(())
}
