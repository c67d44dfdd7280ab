//! Jobs as they are stored, and how values travel into and out of them.

use std::collections::HashMap;
use std::time::Duration;

use ::redis::Value;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::options::{Flags, WrittenParent};
use super::successor::Run;
use super::{identity, options};
use crate::adapters::redis::error::strange;
use crate::foundation::clock::Timestamp;
use crate::foundation::context::{Context, Principal, TraceContext};
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{
    ChildRecord, Claimed, Envelope, JobId, JobRecord, JobState, Lock, NewJob, Parent, QueueName,
};

/// The context of a job as it is stored, without its trace, which stands where BullMQ has it.
#[derive(Serialize, Deserialize)]
struct StoredContext {
    /// The version of this shape.
    v: u8,
    request_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Principal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct StoredTrace {
    traceparent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
}

/// A new job with its documents written out.
pub(super) struct Prepared {
    pub(super) job: NewJob,
    options: String,
    context: String,
    created: i64,
    /// When it is due, in milliseconds; 0 for now.
    due: i64,
    /// The key of its parent, and what it says of it.
    pub(super) parent: Option<(String, String)>,
}

/// What a job says of its parent.
#[derive(Serialize, Deserialize)]
struct StoredParent {
    id: String,
    #[serde(rename = "queueKey")]
    queue_key: String,
    #[serde(flatten)]
    when_failed: Flags,
}

/// Writes the documents of a new job; `prefix` is that of the keys.
pub(super) fn prepare(job: NewJob, prefix: &str, now: Timestamp) -> Result<Prepared> {
    let failed = |what: &'static str| {
        move |error| Error::internal(format!("the {what} of a job cannot be written")).with_source(error)
    };
    let envelope = &job.envelope;
    let trace = envelope.context.trace();
    let trace = StoredTrace { traceparent: trace.traceparent(), tracestate: trace.state().map(str::to_owned) };
    let trace = serde_json::to_string(&trace).map_err(failed("trace"))?;
    let context = StoredContext {
        v: 1,
        request_id: envelope.context.request_id().to_owned(),
        tenant: envelope.context.tenant().map(str::to_owned),
        principal: envelope.context.principal().cloned(),
        deadline: envelope.context.deadline(),
    };
    let context = serde_json::to_string(&context).map_err(failed("context"))?;
    let created = now.timestamp_millis();
    let due = if job.due_at > now { ceiling(job.due_at) } else { 0 };
    let delay = if due > 0 { due - created } else { 0 };
    let parent = job.parent.as_ref().map(|parent| StoredParent {
        id: identity::spell(parent.id.as_str()).into_owned(),
        queue_key: format!("{prefix}:{}", parent.queue),
        when_failed: Flags::of(parent.when_failed),
    });
    let written = parent
        .as_ref()
        .map(|parent| (WrittenParent { id: parent.id.as_str(), queue: parent.queue_key.as_str() }, parent.when_failed));
    let options =
        options::write(&envelope.options, (envelope.id.as_str(), delay), job.unique.as_ref(), written, &trace)
            .map_err(failed("options"))?;
    let parent = parent
        .map(|parent| {
            let told = serde_json::to_string(&parent).map_err(failed("parent"))?;
            Ok::<_, Error>((format!("{}:{}", parent.queue_key, parent.id), told))
        })
        .transpose()?;
    Ok(Prepared { job, options, context, created, due, parent })
}

impl Prepared {
    /// The job as arguments of the script, behind the number of its queue.
    pub(super) fn arguments(&self, push: &mut impl FnMut(&[u8])) {
        let NewJob { envelope, unique, serial_key, due_at, .. } = &self.job;
        let (id, priority) =
            (identity::spell(envelope.id.as_str()), envelope.options.effective_priority().0.to_string());
        let (created, delay) = (self.created.to_string(), (self.due - self.created).max(0).to_string());
        let due_exactly = micros(*due_at).to_string();
        let version = envelope.version.to_string();
        let mut words: Vec<&[u8]> = vec![
            // The name comes first: the script tells it in an event.
            b"name",
            envelope.kind.as_bytes(),
            b"data",
            &envelope.payload,
            b"opts",
            self.options.as_bytes(),
            b"timestamp",
            created.as_bytes(),
            b"delay",
            delay.as_bytes(),
            b"priority",
            priority.as_bytes(),
            b"ath:ctx",
            self.context.as_bytes(),
        ];
        let share = envelope.share();
        let parent = self.parent.as_ref();
        let optional: [(&[u8], Option<&[u8]>); 7] = [
            (b"ath:v", (envelope.version != 1).then_some(version.as_bytes())),
            (b"ath:due", (self.due > 0).then_some(due_exactly.as_bytes())),
            (b"ath:share", share.map(str::as_bytes)),
            (b"ath:serial", serial_key.as_deref().map(str::as_bytes)),
            (b"parentKey", parent.map(|(key, _)| key.as_bytes())),
            (b"parent", parent.map(|(_, told)| told.as_bytes())),
            (b"deid", unique.as_ref().map(|unique| unique.key.as_bytes())),
        ];
        for (name, value) in optional {
            words.extend(value.into_iter().flat_map(|value| [name, value]));
        }
        push(id.as_bytes());
        push(priority.as_bytes());
        push(share.map(|share| format!("={share}")).unwrap_or_default().as_bytes());
        push(self.due.to_string().as_bytes());
        push(unique.as_ref().map(|unique| unique.key.as_bytes()).unwrap_or_default());
        push(expiry(unique.as_ref().map(|unique| unique.period).unwrap_or_default()).to_string().as_bytes());
        push(words.len().to_string().as_bytes());
        for word in words {
            push(word);
        }
    }
}

/// For how many milliseconds a key is given to the server, which lets it go after the last of them.
pub(in crate::adapters::redis) fn expiry(duration: Duration) -> u64 {
    options::milliseconds(duration).saturating_sub(1).max(1)
}

/// Microseconds since 1970.
pub(super) fn micros(instant: Timestamp) -> i64 {
    instant.timestamp_micros()
}

/// Milliseconds since 1970, never earlier than the instant.
pub(super) fn ceiling(instant: Timestamp) -> i64 {
    micros(instant).div_euclid(1_000) + i64::from(micros(instant).rem_euclid(1_000) > 0)
}

/// An instant and a duration later; the last instant there is when that is beyond it.
pub(super) fn later(instant: Timestamp, by: Duration) -> Timestamp {
    chrono::Duration::from_std(by).ok().and_then(|by| instant.checked_add_signed(by)).unwrap_or(Timestamp::MAX_UTC)
}

fn instant(micros: i64) -> Option<Timestamp> {
    Timestamp::from_timestamp_micros(micros)
}

/// Text of the server's; nothing if there is none.
pub(in crate::adapters::redis) fn read_text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Value::SimpleString(text) => Some(text),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(in crate::adapters::redis) fn read_number(value: Value) -> Result<i64> {
    match value {
        Value::Int(number) => Ok(number),
        other => read_text(other).and_then(|text| text.parse().ok()).ok_or_else(|| strange("a number")),
    }
}

pub(super) fn read_list(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(values) | Value::Set(values) => Ok(values),
        Value::Nil => Ok(Vec::new()),
        _ => Err(strange("a list")),
    }
}

pub(super) fn read_instant(value: Value) -> Option<Timestamp> {
    instant(read_text(value)?.parse().ok()?)
}

pub(super) fn read_id(stored: &str) -> JobId {
    JobId::from(identity::read(stored).as_ref())
}

/// The values of one answer, one after another.
struct Cells(std::vec::IntoIter<Value>);

impl Cells {
    fn bytes(&mut self) -> Option<Vec<u8>> {
        match self.0.next() {
            Some(Value::BulkString(bytes)) => Some(bytes),
            Some(other) => read_text(other).map(String::into_bytes),
            None => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }
}

/// What is stored of a job, whoever stored it.
#[derive(Default)]
struct Stored {
    id: String,
    name: Option<String>,
    data: Option<Vec<u8>>,
    opts: Option<Vec<u8>>,
    timestamp: Option<f64>,
    version: Option<u32>,
    context: Option<Vec<u8>>,
    due: Option<i64>,
    priority: Option<f64>,
}

impl Stored {
    fn created(&self) -> Timestamp {
        #[allow(clippy::cast_possible_truncation, reason = "a number that is no time becomes 1970")]
        let created = self.timestamp.map(|timestamp| timestamp as i64);
        created.and_then(Timestamp::from_timestamp_millis).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn due_at(&self) -> Timestamp {
        self.due.and_then(instant).unwrap_or_else(|| self.created())
    }

    fn into_envelope(self, queue: &QueueName) -> Envelope {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is no priority becomes one")]
        let priority = self.priority.unwrap_or_default() as u32;
        let (options, trace) = options::read(self.opts.as_deref().unwrap_or(b"{}"), queue, priority);
        Envelope {
            id: read_id(&self.id),
            queue: queue.clone(),
            kind: self.name.unwrap_or_default(),
            version: self.version.unwrap_or(1),
            payload: Bytes::from(self.data.unwrap_or_else(|| b"{}".to_vec())),
            context: read_context(self.context.as_deref(), trace.as_deref()),
            options,
        }
    }
}

fn read_context(stored: Option<&[u8]>, trace: Option<&str>) -> Context {
    let trace = trace
        .and_then(|text| serde_json::from_str::<StoredTrace>(text).ok())
        .and_then(|stored| Some(stored.traceparent.parse::<TraceContext>().ok()?.with_state(stored.tracestate)));
    let stored = stored.and_then(|stored| serde_json::from_slice::<StoredContext>(stored).ok());
    let Some(stored) = stored else {
        let context = Context::background();
        return trace.map(|trace| Context::new(context.request_id(), trace)).unwrap_or(context);
    };
    let mut context = Context::new(stored.request_id, trace.unwrap_or_else(TraceContext::start));
    if let Some(tenant) = stored.tenant {
        context = context.with_tenant(tenant);
    }
    if let Some(principal) = stored.principal {
        context = context.with_principal(principal);
    }
    match stored.deadline {
        Some(deadline) => context.with_deadline(deadline),
        None => context,
    }
}

/// Reads a job that was handed out, and whose scheduler's run it is: the fields in the order in which the script has them.
pub(super) fn read_claimed(value: Value, queue: &QueueName) -> Result<(Claimed, Option<Run>)> {
    let mut cells = Cells(read_list(value)?.into_iter());
    let mut stored = Stored {
        name: cells.text(),
        data: cells.bytes(),
        opts: cells.bytes(),
        timestamp: cells.number(),
        ..Stored::default()
    };
    let attempts_made = cells.number().unwrap_or_default();
    let token = cells.number().ok_or_else(|| strange("the token of a job"))?;
    stored.version = cells.number();
    stored.context = cells.bytes();
    stored.due = cells.number();
    stored.priority = cells.number();
    stored.id = cells.text().ok_or_else(|| strange("the id of a job"))?;
    let scheduler = cells.text().filter(|scheduler| !scheduler.is_empty());
    let stalls = cells.number().unwrap_or_default();
    let checkpoint = cells.bytes().map(Bytes::from);
    let options = scheduler.is_some().then(|| stored.opts.clone()).flatten().unwrap_or_default();
    let (created_at, due_at) = (stored.created(), stored.due_at());
    let envelope = stored.into_envelope(queue);
    let run = scheduler.map(|scheduler| Run { scheduler, id: envelope.id.clone(), options });
    let lock = Lock { queue: queue.clone(), id: envelope.id.clone(), token };
    Ok((Claimed { envelope, lock, attempts_made, stalls, created_at, due_at, checkpoint }, run))
}

/// Reads a job as it is told of: its state, its id, its score among the delayed ones, and its hash.
pub(super) fn read_record(value: Value, queue: &QueueName) -> Result<JobRecord> {
    let mut parts = read_list(value)?.into_iter();
    let mut next = || parts.next().ok_or_else(|| strange("a job"));
    let state = read_state(next()?)?;
    let id = read_text(next()?).unwrap_or_default();
    let score: Option<f64> = read_text(next()?).and_then(|score| score.parse().ok());
    let mut words = read_list(next()?)?.into_iter();
    let mut fields = HashMap::new();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) = (words.next(), words.next()) {
        fields.insert(name, value);
    }
    let mut bytes = |name: &str| fields.remove(name.as_bytes());
    let mut text = |name: &str| bytes(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let mut whole = |name: &str| -> Option<i64> { text(name)?.parse().ok() };
    let count = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let (attempts_started, attempts_made, stalls) = (count(whole("ats")), count(whole("atm")), count(whole("stc")));
    let started_at = whole("processedOn").and_then(Timestamp::from_timestamp_millis);
    let finished_at = whole("finishedOn").and_then(Timestamp::from_timestamp_millis);
    let (due, version) = (whole("ath:due"), whole("ath:v"));
    // Others do not write when a job is due: the order of the delayed ones tells.
    #[allow(clippy::cast_possible_truncation, reason = "a score that is no time becomes 1970")]
    let due = due.or_else(|| score.map(|score| (score / 4096.0) as i64 * 1_000));
    let timestamp = text("timestamp").and_then(|text| text.parse().ok());
    let priority = text("priority").and_then(|text| text.parse().ok());
    let (name, failure) = (text("name"), text("failedReason"));
    let parent = text("parent").as_deref().and_then(read_parent);
    let stored = Stored {
        id,
        name,
        data: bytes("data"),
        opts: bytes("opts"),
        timestamp,
        version: version.and_then(|version| u32::try_from(version).ok()),
        context: bytes("ath:ctx"),
        due,
        priority,
    };
    Ok(JobRecord {
        parent,
        state,
        created_at: stored.created(),
        due_at: stored.due_at(),
        started_at,
        finished_at,
        attempts_started,
        attempts_made,
        stalls,
        progress: bytes("progress").map(Bytes::from),
        checkpoint: bytes("ath:checkpoint").map(Bytes::from),
        result: bytes("returnvalue").map(Bytes::from),
        error: failure.filter(|_| state != JobState::Completed),
        envelope: stored.into_envelope(queue),
    })
}

fn read_state(value: Value) -> Result<JobState> {
    let state = read_text(value).unwrap_or_default();
    JobState::ALL.into_iter().find(|known| known.as_str() == state).ok_or_else(|| strange("the state of a job"))
}

/// What a job says of its parent, whoever wrote it.
fn read_parent(text: &str) -> Option<Parent> {
    let stored: StoredParent = serde_json::from_str(text).ok()?;
    let (_, queue) = stored.queue_key.rsplit_once(':')?;
    Some(Parent { queue: QueueName::from(queue), id: read_id(&stored.id), when_failed: stored.when_failed.policy() })
}

/// Reads a child as it is told of: its queue, its id, its name, its state, and its result or why it failed.
pub(super) fn read_child(value: Value) -> Result<ChildRecord> {
    let mut parts = read_list(value)?.into_iter();
    let mut next = || parts.next().ok_or_else(|| strange("a child"));
    let (queue, id, kind) = (next()?, next()?, next()?);
    let text = |value| read_text(value).unwrap_or_default();
    let (state, told) = (read_state(next()?)?, next()?);
    let (result, error) = match (state, told) {
        (JobState::Completed, Value::BulkString(result)) => (Some(Bytes::from(result)), None),
        (_, told) => (None, read_text(told).filter(|error| !error.is_empty())),
    };
    Ok(ChildRecord {
        queue: QueueName::from(text(queue)),
        id: read_id(&text(id)),
        kind: text(kind),
        state,
        result,
        error,
    })
}
