//! How jobs become ready: when their time comes, and when it is the turn of their serial key.

use std::collections::BTreeSet;

use super::record::{Cells, micros};
use super::turns::{self, position_or_turn};
use crate::adapters::sql::dialect::{among, greatest, one_at_a_time};
use crate::adapters::sql::operation::Session;
use crate::foundation::error::Result;
use crate::foundation::jobs::QueueName;
use crate::foundation::sql::{Dialect, Row, Statement};

/// Where a job that becomes ready now is put: behind those of its priority, even if the wall clock has gone back since
/// they came. `$1` is the queue; the text around it names the priority and the instant.
pub(super) fn last_position(dialect: Dialect, priority: &str, instant: &str) -> String {
    let values = format!(
        "{instant}, coalesce((SELECT max(others.position) FROM athyper_jobs AS others WHERE others.queue = $1 \
         AND others.state = 'waiting' AND NOT others.held AND others.priority = {priority}), {instant})"
    );
    greatest(dialect, &values)
}

/// Makes a job ready at `$3`; `$1` is its queue, `$2` its id. `more` is set as well. It answers [`READY`].
pub(super) fn make_ready_sql(dialect: Dialect, more: &str) -> String {
    let position = position_or_turn(&last_position(dialect, "athyper_jobs.priority", "$3"));
    format!(
        "UPDATE athyper_jobs SET state = 'waiting', due_at = $3, position = {position}, held = serial_key IS NOT NULL{more} \
         WHERE queue = $1 AND id = $2 {READY}"
    )
}

const DUE: &str = "SELECT seq FROM athyper_jobs WHERE queue = $1 AND state IN ('delayed', 'parked') AND due_at <= $2";

fn promote_sql(dialect: Dialect) -> String {
    format!(
        "UPDATE athyper_jobs SET state = 'waiting', position = {}, held = serial_key IS NOT NULL WHERE {} \
         {READY}",
        position_or_turn("due_at"),
        among(dialect, DUE)
    )
}

/// Makes the delayed and parked jobs of a queue ready whose time has come.
pub(super) async fn promote(session: &mut Session<'_>, queue: &QueueName) -> Result<()> {
    if !session.promoted.insert(queue.clone()) {
        return Ok(());
    }
    let promote = Statement::text(promote_sql(session.dialect)).bind(queue.as_str()).bind(micros(session.now));
    let rows = session.fetch(promote).await?;
    line_up(session, queue, rows).await
}

/// What statements answer that make jobs ready, or free a serial key.
pub(super) const READY: &str = "RETURNING serial_key, share IS NOT NULL";

/// Lets jobs wait that have become ready in this transaction, by rows of [`READY`].
pub(super) async fn line_up(session: &mut Session<'_>, queue: &QueueName, rows: Vec<Row>) -> Result<()> {
    let (mut keys, mut is_fair) = (BTreeSet::new(), false);
    for row in rows {
        let mut cells = Cells::of(row);
        keys.extend(cells.next::<Option<String>>()?);
        is_fair |= cells.next::<bool>()?;
    }
    if is_fair {
        turns::give(session, queue).await?;
    }
    settle(session, queue, keys).await
}

/// Gives each serial key's turn to its first waiting job, or to nobody while one is active.
///
/// To be called for every key of which a job began or ceased to wait or to be active.
pub(super) async fn settle(
    session: &mut Session<'_>,
    queue: &QueueName,
    keys: impl IntoIterator<Item = String>,
) -> Result<()> {
    for key in keys {
        if let Some(sql) = one_at_a_time(session.dialect) {
            session.fetch(Statement::text(sql).bind(queue.as_str()).bind(key.as_str())).await?;
        }
        for step in [HOLD, LET_GO] {
            session.execute(Statement::text(step).bind(queue.as_str()).bind(key.as_str())).await?;
        }
    }
    Ok(())
}

const HOLD: &str = "UPDATE athyper_jobs SET held = TRUE WHERE queue = $1 AND serial_key = $2 AND serial_key IS NOT NULL \
                    AND (state = 'active' OR (state = 'waiting' AND NOT held)) AND state = 'waiting'";

const LET_GO: &str = "UPDATE athyper_jobs SET held = FALSE WHERE seq = \
                      (SELECT seq FROM athyper_jobs WHERE queue = $1 AND serial_key = $2 AND state = 'waiting' AND held \
                       ORDER BY priority, position, seq LIMIT 1) \
                      AND NOT EXISTS (SELECT 1 FROM athyper_jobs WHERE queue = $1 AND serial_key = $2 AND state = 'active')";

/// Whether a queue has a job to hand out, and when it may have one without anything else happening: its next delayed or parked one is
/// due, or a period of its limits ends.
pub(super) const LOOK: &str = "SELECT \
     EXISTS (SELECT 1 FROM athyper_jobs WHERE queue = $1 AND state = 'waiting' AND NOT held), \
     EXISTS (SELECT 1 FROM athyper_queues WHERE name = $1 AND paused), \
     (SELECT min(due_at) FROM athyper_jobs WHERE queue = $1 AND state IN ('delayed', 'parked')), \
     (SELECT min(ends_at) FROM athyper_periods WHERE queue = $1)";

/// What [`LOOK`] saw.
pub(super) struct Sight {
    pub(super) has_ready: bool,
    pub(super) is_paused: bool,
    pub(super) look_again: Option<i64>,
}

impl Sight {
    pub(super) fn read(mut cells: Cells) -> Result<Self> {
        let (has_ready, is_paused) = (cells.next()?, cells.next()?);
        let instants: [Option<i64>; 2] = [cells.next()?, cells.next()?];
        Ok(Self { has_ready, is_paused, look_again: instants.into_iter().flatten().min() })
    }
}
