//! The options of a job as BullMQ stores them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::foundation::jobs::{
    Backoff, ChildFailure, Growth, JobOptions, Priority, QueueName, QueueOrdering, Retention, Unique,
};

/// What is written. Names are BullMQ's; `ath` is ours.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    attempts: u32,
    backoff: WrittenBackoff,
    remove_on_complete: Kept,
    remove_on_fail: Kept,
    #[serde(skip_serializing_if = "is_zero")]
    priority: u32,
    #[serde(skip_serializing_if = "is_none_to_wait")]
    delay: i64,
    job_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    de: Option<Deduplication<'a>>,
    tm: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<WrittenParent<'a>>,
    #[serde(flatten)]
    when_failed: Flags,
    /// The options as they are, where BullMQ has no words for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<&'a JobOptions>,
}

/// The parent of a job, in its options.
#[derive(Serialize, Clone, Copy)]
pub(super) struct WrittenParent<'a> {
    pub(super) id: &'a str,
    /// The queue's base, without its colon.
    pub(super) queue: &'a str,
}

/// What the failure of a child means for its parent, as BullMQ says it.
#[derive(Serialize, Deserialize, Default, Clone, Copy)]
#[serde(default)]
pub(super) struct Flags {
    #[serde(skip_serializing_if = "is_not_set")]
    fpof: bool,
    #[serde(skip_serializing_if = "is_not_set")]
    cpof: bool,
    #[serde(skip_serializing_if = "is_not_set")]
    idof: bool,
    #[serde(skip_serializing_if = "is_not_set")]
    rdof: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_not_set(flag: &bool) -> bool {
    !*flag
}

impl Flags {
    pub(super) fn of(policy: ChildFailure) -> Self {
        let mut flags = Self::default();
        match policy {
            ChildFailure::FailParent => flags.fpof = true,
            ChildFailure::ContinueParent => flags.cpof = true,
            ChildFailure::Ignore => flags.idof = true,
            ChildFailure::Forget => flags.rdof = true,
            ChildFailure::Hold => {}
        }
        flags
    }

    pub(super) fn policy(self) -> ChildFailure {
        match self {
            Self { fpof: true, .. } => ChildFailure::FailParent,
            Self { cpof: true, .. } => ChildFailure::ContinueParent,
            Self { idof: true, .. } => ChildFailure::Ignore,
            Self { rdof: true, .. } => ChildFailure::Forget,
            _ => ChildFailure::Hold,
        }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_none_to_wait(delay: &i64) -> bool {
    *delay <= 0
}

#[derive(Serialize)]
struct WrittenBackoff {
    #[serde(rename = "type")]
    kind: &'static str,
    delay: u64,
    #[serde(skip_serializing_if = "is_steady")]
    jitter: f64,
}

fn is_steady(jitter: &f64) -> bool {
    *jitter == 0.0
}

#[derive(Serialize)]
struct Kept {
    age: f64,
    count: u32,
}

#[derive(Serialize)]
struct Deduplication<'a> {
    id: &'a str,
    ttl: u64,
}

/// What is read: everything may be missing, and be written by others.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Read {
    attempts: Value,
    backoff: Value,
    remove_on_complete: Value,
    remove_on_fail: Value,
    tm: Option<String>,
    ath: Option<JobOptions>,
}

/// Writes the options of a job; `delay` in milliseconds.
pub(super) fn write(
    options: &JobOptions,
    (id, delay): (&str, i64),
    unique: Option<&Unique>,
    parent: Option<(WrittenParent<'_>, Flags)>,
    trace: &str,
) -> serde_json::Result<String> {
    let backoff = &options.backoff;
    let plain = Backoff { growth: bullmq_growth(backoff.growth), ..*backoff };
    let mut written = Written {
        attempts: options.attempts,
        backoff: WrittenBackoff {
            kind: if plain.growth == Growth::Fixed { "fixed" } else { "exponential" },
            delay: milliseconds(plain.base),
            jitter: f64::from(plain.jitter_percent) / 100.0,
        },
        remove_on_complete: kept(options.keep_completed),
        remove_on_fail: kept(options.keep_failed),
        priority: options.effective_priority().0,
        delay,
        job_id: id,
        de: unique.map(|unique| Deduplication { id: &unique.key, ttl: milliseconds(unique.period) }),
        tm: trace,
        parent: parent.map(|(parent, _)| parent),
        when_failed: parent.map(|(_, flags)| flags).unwrap_or_default(),
        ath: None,
    };
    if !is_plain(options) {
        written.ath = Some(options);
    }
    serde_json::to_string(&written)
}

/// BullMQ has no growth that is linear: its workers wait the same time each time.
const fn bullmq_growth(growth: Growth) -> Growth {
    match growth {
        Growth::Fixed | Growth::Linear => Growth::Fixed,
        Growth::Exponential => Growth::Exponential,
    }
}

/// Whether BullMQ's words say all of it.
fn is_plain(options: &JobOptions) -> bool {
    let whole = |duration: Duration, unit: u128| duration.as_nanos().is_multiple_of(unit);
    let backoff = &options.backoff;
    options.timeout.is_none()
        && options.ordering == QueueOrdering::Priority
        && backoff.growth != Growth::Linear
        && backoff.max == Backoff::fixed(Duration::ZERO).max
        && backoff.jitter_percent <= 100
        && whole(backoff.base, 1_000_000)
        && [options.keep_completed, options.keep_failed]
            .iter()
            .all(|keep| whole(keep.age, 1_000_000_000) && keep.age < Duration::from_secs(1 << 40))
}

fn kept(keep: Retention) -> Kept {
    // Beyond some thirty thousand years the script's numbers run out.
    Kept { age: keep.age.as_secs_f64().min(1e12), count: keep.count }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(1 << 53)
}

/// What the options of a stored job say, and the trace that goes with them.
pub(super) fn read(text: &[u8], queue: &QueueName, priority: u32) -> (JobOptions, Option<String>) {
    let read: Read = serde_json::from_slice(text).unwrap_or_default();
    if let Some(options) = read.ath {
        return (options, read.tm);
    }
    let mut options = JobOptions::DEFAULT;
    options.queue = queue.as_str().to_owned().into();
    options.priority = Priority(priority);
    options.attempts = read.attempts.as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1);
    options.backoff = read_backoff(&read.backoff);
    options.keep_completed = read_kept(&read.remove_on_complete);
    options.keep_failed = read_kept(&read.remove_on_fail);
    (options, read.tm)
}

fn read_backoff(value: &Value) -> Backoff {
    let delay = value.as_f64().or_else(|| value.get("delay").and_then(Value::as_f64)).unwrap_or_default();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is no delay becomes none")]
    let base = Duration::from_millis(delay.round() as u64);
    let growth = match value.get("type").and_then(Value::as_str) {
        Some("exponential") => Growth::Exponential,
        _ => Growth::Fixed,
    };
    let jitter = value.get("jitter").and_then(Value::as_f64).unwrap_or_default().clamp(0.0, 1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100 fits")]
    let jitter_percent = (jitter * 100.0).round() as u8;
    Backoff { growth, base, jitter_percent, ..Backoff::fixed(Duration::ZERO) }
}

/// For ever, as nearly as can be said.
const FOR_EVER: Retention = Retention { count: u32::MAX, age: Duration::from_secs(1 << 39) };

fn read_kept(value: &Value) -> Retention {
    let count = |value: &Value| value.as_u64().and_then(|count| u32::try_from(count).ok());
    match value {
        Value::Bool(true) => Retention { count: 0, ..FOR_EVER },
        Value::Number(_) => Retention { count: count(value).unwrap_or(u32::MAX), ..FOR_EVER },
        Value::Object(keep) => Retention {
            count: keep.get("count").and_then(count).unwrap_or(u32::MAX),
            age: keep
                .get("age")
                .and_then(Value::as_f64)
                .and_then(|age| Duration::try_from_secs_f64(age.max(0.0)).ok())
                .unwrap_or(FOR_EVER.age),
        },
        _ => FOR_EVER,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{FOR_EVER, read, write};
    use crate::foundation::jobs::{Backoff, Growth, JobOptions, Priority, QueueName, Retention, Unique};

    fn mail() -> JobOptions {
        let mut options = JobOptions::DEFAULT;
        options.queue = "mail".into();
        options
    }

    fn written(options: &JobOptions, unique: Option<&Unique>) -> serde_json::Value {
        serde_json::from_str(&write(options, ("a", 0), unique, None, "{}").expect("options are JSON"))
            .expect("it is JSON")
    }

    fn read_back(options: &JobOptions) -> JobOptions {
        let text = written(options, None).to_string();
        read(text.as_bytes(), &QueueName::from("mail"), options.priority.0).0
    }

    #[test]
    fn plain_options_are_written_in_the_words_of_bullmq() {
        let unique = Unique { key: "k".to_owned(), period: Duration::from_secs(60) };
        let expected = json!({
            "attempts": 3, "backoff": {"type": "exponential", "delay": 1_000}, "priority": 1_000, "jobId": "a", "tm": "{}",
            "removeOnComplete": {"age": 86_400.0, "count": 1_000}, "removeOnFail": {"age": 2_592_000.0, "count": 10_000},
            "de": {"id": "k", "ttl": 60_000},
        });
        assert_eq!(written(&mail(), Some(&unique)), expected);
        assert_eq!(read_back(&mail()), mail());
    }

    #[test]
    fn whatever_was_written_is_read_back() {
        let mut odd = mail();
        odd.timeout = Some(Duration::from_millis(7));
        odd.backoff = "linear 3s max 1h jitter 0.29".parse().expect("it is a back-off");
        odd.keep_failed = Retention { count: 1, age: Duration::from_nanos(5) };
        odd.priority = Priority(0);
        let mut jittered = mail();
        jittered.backoff = Backoff { jitter_percent: 29, ..Backoff::fixed(Duration::from_millis(1_001)) };
        for options in [odd, jittered] {
            assert_eq!(read_back(&options), options);
        }
    }

    #[test]
    fn what_others_wrote_is_understood() {
        let queue = QueueName::from("mail");
        let of = |text: &str| read(text.as_bytes(), &queue, 0).0;
        let bare = of("{\"attempts\":0}");
        assert_eq!((bare.attempts, bare.keep_completed, bare.backoff.base), (1, FOR_EVER, Duration::ZERO));
        assert_eq!(of("{\"removeOnComplete\":true}").keep_completed.count, 0);
        assert_eq!(of("{\"removeOnFail\":7}").keep_failed.count, 7);
        assert_eq!(of("{\"removeOnFail\":{\"age\":60}}").keep_failed.age, Duration::from_secs(60));
        let backoff = of("{\"backoff\":{\"type\":\"exponential\",\"delay\":250,\"jitter\":0.5}}").backoff;
        assert_eq!(
            (backoff.growth, backoff.base, backoff.jitter_percent),
            (Growth::Exponential, Duration::from_millis(250), 50)
        );
        // Garbage is as nothing.
        assert_eq!(of("nonsense"), bare);
    }
}
