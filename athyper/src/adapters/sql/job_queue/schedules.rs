//! The schedules that are kept with the jobs.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::add::{Batch, add, prepare};
use super::record::{Cells, from_micros, job_id, micros};
use super::{Shared, SqlJobQueue};
use crate::adapters::sql::dialect::{kept, one_at_a_time_in_schedules};
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::clock::{Timestamp, to_microseconds};
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Fire, Fired, ScheduleRecord, ScheduleStore};
use crate::foundation::schedule::Overlap;
use crate::foundation::sql::Statement;

struct Declare {
    epoch: i64,
    since: Timestamp,
    now: Timestamp,
    schedules: Vec<(String, String)>,
}

const DECLARE: &str = "INSERT INTO athyper_schedules (name, definition, high_water, epoch, since) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, since = excluded.since, definition = excluded.definition, high_water = \
     CASE athyper_schedules.definition WHEN excluded.definition THEN athyper_schedules.high_water ELSE excluded.high_water END";

#[async_trait]
impl Operation for Declare {
    type Answer = bool;

    async fn apply(&self, session: &mut Session<'_>) -> Result<bool> {
        if let Some(sql) = one_at_a_time_in_schedules(session.dialect) {
            session.execute(Statement::text(sql)).await?;
        }
        let later = Statement::text("SELECT 1 FROM athyper_schedules WHERE epoch > $1 LIMIT 1").bind(self.epoch);
        if !session.fetch(later).await?.is_empty() {
            return Ok(false);
        }
        let newer = Statement::text("SELECT 1 FROM athyper_schedules WHERE since > $1 AND since <= $2 LIMIT 1")
            .bind(micros(self.since))
            .bind(micros(self.now));
        if !session.fetch(newer).await?.is_empty() {
            session.execute(Statement::text("UPDATE athyper_schedules SET epoch = $1").bind(self.epoch)).await?;
            return Ok(true);
        }
        let declared: HashSet<&str> = self.schedules.iter().map(|(name, _)| name.as_str()).collect();
        for row in session.fetch(Statement::text("SELECT name FROM athyper_schedules")).await? {
            let name: String = Cells::of(row).next()?;
            if !declared.contains(name.as_str()) {
                session.execute(Statement::text("DELETE FROM athyper_schedules WHERE name = $1").bind(name)).await?;
            }
        }
        for (name, definition) in &self.schedules {
            let declare = Statement::text(DECLARE)
                .bind(name.as_str())
                .bind(definition.as_str())
                .bind(micros(self.now))
                .bind(self.epoch)
                .bind(micros(self.since));
            session.execute(declare).await?;
        }
        Ok(true)
    }
}

struct FireOne<S: SqlStore> {
    shared: Arc<Shared<S>>,
    schedule: String,
    epoch: i64,
    tick: Timestamp,
    overlap: Overlap,
    job: Option<Batch>,
}

const FIND: &str = "SELECT epoch, high_water, last_queue, last_job FROM athyper_schedules WHERE name = $1";
const MOVE: &str = "UPDATE athyper_schedules SET high_water = $2, epoch = $3, last_queue = coalesce($4, last_queue), \
                    last_job = coalesce($5, last_job) WHERE name = $1";
const IS_UNFINISHED: &str =
    "SELECT 1 FROM athyper_jobs WHERE queue = $1 AND id = $2 AND state NOT IN ('completed', 'failed')";

#[async_trait]
impl<S: SqlStore> Operation for FireOne<S> {
    type Answer = Fired;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Fired> {
        let find = Statement::text(format!("{FIND}{}", kept(session.dialect))).bind(self.schedule.as_str());
        let Some(row) = session.fetch(find).await?.into_iter().next() else { return Ok(Fired::Unknown) };
        let mut cells = Cells::of(row);
        if cells.next::<i64>()? > self.epoch {
            return Ok(Fired::StaleLeader);
        }
        if micros(self.tick) <= cells.next::<i64>()? {
            return Ok(Fired::AlreadyFired);
        }
        let earlier = cells.next::<Option<String>>()?.zip(cells.next::<Option<String>>()?);
        let job = match &self.job {
            Some(job) if !(self.overlap == Overlap::Skip && is_unfinished(session, earlier).await?) => Some(job),
            _ => None,
        };
        let added = match job {
            Some(job) => add(session, &self.shared, job).await?.pop().map(|added| added.id),
            None => None,
        };
        let queue = added.as_ref().and(job).and_then(Batch::queue).map(|queue| queue.as_str().to_owned());
        let advance = Statement::text(MOVE)
            .bind(self.schedule.as_str())
            .bind(micros(self.tick))
            .bind(self.epoch)
            .bind(queue)
            .bind(added.as_ref().map(|id| id.as_str().to_owned()));
        session.execute(advance).await?;
        Ok(added.map_or(Fired::Skipped, Fired::Added))
    }
}

async fn is_unfinished(session: &mut Session<'_>, job: Option<(String, String)>) -> Result<bool> {
    let Some((queue, id)) = job else { return Ok(false) };
    Ok(!session.fetch(Statement::text(IS_UNFINISHED).bind(queue).bind(id)).await?.is_empty())
}

fn whole(epoch: u64) -> Result<i64> {
    i64::try_from(epoch).map_err(|_| Error::invalid(format!("{epoch} is no epoch of a lease")))
}

#[async_trait]
impl<S: SqlStore> ScheduleStore for SqlJobQueue<S> {
    async fn declare(
        &self,
        epoch: u64,
        since: Timestamp,
        now: Timestamp,
        schedules: &[(String, String)],
    ) -> Result<bool> {
        let (since, now) = (to_microseconds(since), to_microseconds(now));
        let declare = Declare { epoch: whole(epoch)?, since, now, schedules: schedules.to_vec() };
        self.store().run(declare).await
    }

    async fn records(&self) -> Result<Vec<ScheduleRecord>> {
        let sql = "SELECT name, definition, high_water, epoch, since, last_job FROM athyper_schedules ORDER BY name";
        let rows = self.store().read(Statement::text(sql)).await?;
        rows.into_iter()
            .map(|row| {
                let mut cells = Cells::of(row);
                Ok(ScheduleRecord {
                    name: cells.next()?,
                    definition: cells.next()?,
                    high_water: from_micros(cells.next()?)?,
                    epoch: cells.next()?,
                    since: from_micros(cells.next()?)?,
                    last_job: cells.next::<Option<String>>()?.map(job_id),
                })
            })
            .collect()
    }

    async fn fire(&self, fire: Fire) -> Result<Fired> {
        let job = fire.job.map(|job| prepare(vec![job])).transpose()?;
        let fire = FireOne {
            shared: self.shared.clone(),
            schedule: fire.schedule,
            epoch: whole(fire.epoch)?,
            tick: to_microseconds(fire.tick),
            overlap: fire.overlap,
            job,
        };
        self.store().run(fire).await
    }
}
