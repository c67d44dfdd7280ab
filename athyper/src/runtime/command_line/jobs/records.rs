//! Looking at jobs.

use std::fmt::Display;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Desk, shown};
use crate::foundation::error::Result;
use crate::foundation::jobs::{ChildRecord, JobFilter, JobId, JobRecord};
use crate::runtime::command_line::Output;
use crate::runtime::command_line::output::{harmless, line};
use crate::runtime::command_line::table::Table;

/// How much of an error stands in a table.
const LONGEST_ERROR: usize = 60;

impl Desk<'_> {
    pub(super) async fn list(&self, queue: &str, filter: JobFilter) -> Result<Output> {
        let queue = self.named(queue).await?;
        let records = self.queue.list(&queue, &filter).await?;
        if self.json {
            return Ok(Output::json(&records.iter().map(describe).collect::<Vec<_>>()));
        }
        let mut table = Table::new(["ID", "JOB", "STATE", "DUE (UTC)", "ATTEMPTS", "ERROR"]);
        for record in &records {
            table.row([
                record.envelope.id.to_string(),
                record.envelope.kind.clone(),
                record.state.as_str().to_owned(),
                shown(Some(record.due_at)),
                attempts(record),
                record.error.as_deref().map_or_else(|| "-".to_owned(), shorten),
            ]);
        }
        Ok(Output::text(table.or("there are no such jobs")))
    }

    pub(super) async fn show(&self, queue: &str, id: &JobId) -> Result<Output> {
        let queue = self.named(queue).await?;
        let Some(record) = self.queue.get(&queue, id).await? else {
            return Err(queue.lacks(id));
        };
        let children = self.queue.children(&queue, id).await?;
        if !self.json {
            return Ok(Output::text(sheet(&record, &children)));
        }
        let mut value = describe(&record);
        value["children"] = children.iter().map(describe_child).collect();
        Ok(Output::json(&value))
    }

    pub(super) async fn logs(&self, queue: &str, id: &JobId) -> Result<Output> {
        let queue = self.named(queue).await?;
        let rows = self.queue.logs(&queue, id).await?;
        if self.json {
            return Ok(Output::json(&rows));
        }
        let mut text = String::new();
        for row in &rows {
            line(&mut text, format_args!("{}", harmless(row)));
        }
        Ok(Output::text(text))
    }
}

/// Attempts made, of how many.
fn attempts(record: &JobRecord) -> String {
    format!("{}/{}", record.attempts_made, record.envelope.options.attempts)
}

/// The first line of an error, or its beginning.
fn shorten(error: &str) -> String {
    let first = error.lines().next().unwrap_or_default();
    if first.chars().count() <= LONGEST_ERROR && first.len() == error.len() {
        return first.to_owned();
    }
    first.chars().take(LONGEST_ERROR).chain("…".chars()).collect()
}

/// Everything known of a job, one fact a line.
fn sheet(record: &JobRecord, children: &[ChildRecord]) -> String {
    let mut text = String::new();
    let mut fact =
        |name: &str, value: &dyn Display| line(&mut text, format_args!("{name:<12}{}", harmless(&value.to_string())));
    let envelope = &record.envelope;
    let context = &envelope.context;
    fact("id", &envelope.id);
    fact("queue", &envelope.queue);
    fact("job", &format_args!("{} version {}", envelope.kind, envelope.version));
    fact("state", &record.state.as_str());
    fact("attempts", &format_args!("{} made, {} taken", attempts(record), record.attempts_started));
    fact("stalls", &record.stalls);
    fact("priority", &envelope.options.priority.0);
    for (name, time) in [("enqueued", Some(record.created_at)), ("due", Some(record.due_at))]
        .into_iter()
        .chain([("started", record.started_at), ("finished", record.finished_at)])
    {
        fact(name, &shown(time));
    }
    fact("request", &context.request_id());
    fact("trace", &context.trace().trace_id());
    fact("tenant", &context.tenant().unwrap_or("-"));
    fact("principal", &context.principal().map_or("-", |principal| principal.id.as_str()));
    fact("payload", &document(&envelope.payload));
    for (name, value) in
        [("progress", &record.progress), ("checkpoint", &record.checkpoint), ("result", &record.result)]
    {
        if let Some(value) = value {
            fact(name, &document(value));
        }
    }
    if let Some(parent) = &record.parent {
        fact("parent", &format_args!("{}/{}, when this fails: {}", parent.queue, parent.id, parent.when_failed));
    }
    for (index, child) in children.iter().enumerate() {
        let name = if index == 0 { "children" } else { "" };
        let error = child.error.as_deref().map(|error| format!(": {}", shorten(error))).unwrap_or_default();
        let (queue, id, kind, state) = (&child.queue, &child.id, &child.kind, child.state.as_str());
        fact(name, &format_args!("{queue}/{id} {kind} {state}{error}"));
    }
    if let Some(error) = &record.error {
        for (index, part) in error.lines().enumerate() {
            fact(if index == 0 { "error" } else { "" }, &part);
        }
    }
    text
}

/// A JSON document, or what stands in its place.
fn document(bytes: &Bytes) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
}

fn describe_child(child: &ChildRecord) -> Value {
    json!({
        "queue": child.queue,
        "id": child.id,
        "job": child.kind,
        "state": child.state,
        "result": child.result.as_ref().map(document),
        "error": child.error,
    })
}

fn describe(record: &JobRecord) -> Value {
    let envelope = &record.envelope;
    let context = &envelope.context;
    json!({
        "id": envelope.id,
        "queue": envelope.queue,
        "job": envelope.kind,
        "version": envelope.version,
        "state": record.state,
        "parent": record.parent.as_ref().map(|parent| json!({
            "queue": parent.queue, "id": parent.id, "when_failed": parent.when_failed,
        })),
        "attempts": envelope.options.attempts,
        "attempts_made": record.attempts_made,
        "attempts_started": record.attempts_started,
        "stalls": record.stalls,
        "priority": envelope.options.priority.0,
        "created_at": record.created_at.to_rfc3339(),
        "due_at": record.due_at.to_rfc3339(),
        "started_at": record.started_at.map(|at| at.to_rfc3339()),
        "finished_at": record.finished_at.map(|at| at.to_rfc3339()),
        "request_id": context.request_id(),
        "trace_id": context.trace().trace_id().to_string(),
        "tenant": context.tenant(),
        "principal": context.principal().map(|principal| principal.id.as_str()),
        "payload": document(&envelope.payload),
        "progress": record.progress.as_ref().map(document),
        "checkpoint": record.checkpoint.as_ref().map(document),
        "result": record.result.as_ref().map(document),
        "error": record.error,
    })
}
