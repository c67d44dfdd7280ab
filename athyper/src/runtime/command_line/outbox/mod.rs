//! `outbox`: what waits to be moved to another store, and what people do with what was refused there.

mod arguments;

pub(super) use self::arguments::Outbox;

use std::time::Duration;

use serde_json::{Value, json};

use self::arguments::Action;
use super::Output;
use super::table::Table;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::outbox::{JobBatch, Outbox as OutboxPort, OutboxFilter, OutboxRecord, OutboxState};
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::runtime::kernel::Kernel;

/// How many are looked at at once.
const PAGE: u64 = 100;

pub(super) async fn outbox(kernel: &Kernel, arguments: Outbox) -> Output {
    let Outbox { action, json } = arguments;
    let outbox = match kernel.open_outbox().await {
        Ok(outbox) => outbox,
        Err(problems) => return Output::problems(&problems),
    };
    let outcome = match action {
        Action::List { state, offset, limit } => list(&*outbox, &OutboxFilter { state, offset, limit }, json).await,
        Action::Retry { ids, all } => retry(&*outbox, ids, all, json).await,
        Action::Purge { older_than } => purge(kernel, &*outbox, older_than, json).await,
    };
    outcome.unwrap_or_else(|error| Output::problems(&problem(&error)))
}

async fn list(outbox: &dyn OutboxPort, filter: &OutboxFilter, json: bool) -> Result<Output> {
    let records = outbox.list(filter).await?;
    if json {
        return Ok(Output::json(&records.iter().map(describe).collect::<Vec<_>>()));
    }
    let mut table = Table::new(["ID", "TO", "ABOUT", "JOBS", "STATE", "WRITTEN (UTC)", "ERROR"]);
    for record in &records {
        table.row([
            record.message.id.clone(),
            record.message.destination.clone(),
            record.message.key.clone(),
            JobBatch::read(&record.message).map_or_else(|_| "-".to_owned(), |batch| batch.jobs.len().to_string()),
            record.state().as_str().to_owned(),
            record.created_at.format("%F %T").to_string(),
            record.error.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    Ok(Output::text(table.or("the outbox holds no such messages")))
}

fn describe(record: &OutboxRecord) -> Value {
    let jobs = JobBatch::read(&record.message).ok().map(|batch| {
        let job = |job: &crate::foundation::jobs::NewJob| {
            json!({ "queue": job.envelope.queue, "id": job.envelope.id, "name": job.envelope.kind })
        };
        batch.jobs.iter().map(job).collect::<Vec<_>>()
    });
    json!({
        "id": record.message.id,
        "destination": record.message.destination,
        "key": record.message.key,
        "state": record.state().as_str(),
        "created_at": record.created_at.to_rfc3339(),
        "failed_at": record.failed_at.map(|at| at.to_rfc3339()),
        "error": record.error,
        "request_id": record.message.context.request_id(),
        "tenant": record.message.context.tenant(),
        "jobs": jobs,
    })
}

/// The messages that were refused, at most as many as there are when it begins.
async fn refused(outbox: &dyn OutboxPort) -> Result<Vec<OutboxRecord>> {
    let mut all = Vec::new();
    loop {
        let offset = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let filter = OutboxFilter { state: Some(OutboxState::Failed), offset, limit: PAGE };
        let page = outbox.list(&filter).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn retry(outbox: &dyn OutboxPort, ids: Vec<String>, all: bool, json: bool) -> Result<Output> {
    let ids = if all { refused(outbox).await?.into_iter().map(|record| record.message.id).collect() } else { ids };
    let (mut done, mut refusals) = (0_u64, Vec::new());
    for id in ids {
        match outbox.retry(&id).await {
            Ok(()) => done += 1,
            Err(error) if is_refusal(&error) => refusals.push(error.report()),
            Err(error) => return Err(error),
        }
    }
    if refusals.is_empty() || all {
        return Ok(changed("retried", done, json));
    }
    Err(Error::new(ErrorKind::Conflict, format!("{done} retried; {}", refusals.join("; "))))
}

async fn purge(kernel: &Kernel, outbox: &dyn OutboxPort, older_than: Option<Duration>, json: bool) -> Result<Output> {
    let now = kernel.clock().now();
    let mut done = 0;
    for record in refused(outbox).await? {
        let age = record.failed_at.and_then(|at| (now - at).to_std().ok()).unwrap_or_default();
        if older_than.is_some_and(|least| age < least) {
            continue;
        }
        match outbox.remove(&record.message.id).await {
            Ok(()) => done += 1,
            // Somebody was faster.
            Err(error) if is_refusal(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(changed("removed", done, json))
}

fn changed(what: &str, count: u64, json: bool) -> Output {
    if json {
        return Output::json(&json!({ what: count }));
    }
    let messages = if count == 1 { "message" } else { "messages" };
    Output::text(format!("{count} {messages} {what}\n"))
}

/// The message is gone, or in another state.
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict)
}

fn problem(error: &Error) -> Problems {
    let class = match error.kind() {
        ErrorKind::NotFound | ErrorKind::Conflict => (ProblemClass::Usage, "ATH-USAGE"),
        _ => (ProblemClass::Unavailable, "ATH-STORE-OPEN"),
    };
    Problem::new(class.0, class.1, error.report()).into()
}
