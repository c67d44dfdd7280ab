//! Jobs as a message of an outbox.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::OutboxMessage;
use crate::foundation::context::Context;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::NewJob;

/// The destination of messages that are jobs: the job queue of the product.
pub const JOBS: &str = "jobs";

/// The version of the document.
const VERSION: u32 = 1;

/// Jobs that are added at once, all or none: what one call of [`JobQueue::add`](crate::foundation::jobs::JobQueue::add) takes.
#[derive(Debug, Clone, PartialEq)]
pub struct JobBatch {
    /// The jobs, in their order.
    pub jobs: Vec<NewJob>,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    jobs: &'a [NewJob],
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

#[derive(Deserialize)]
struct Read {
    jobs: Vec<NewJob>,
}

impl JobBatch {
    /// The message that an outbox keeps, for the [`JOBS`] destination.
    ///
    /// # Errors
    /// `Internal` when a job has no document.
    pub fn into_message(self, id: String) -> Result<OutboxMessage> {
        let written = serde_json::to_vec(&Written { version: VERSION, jobs: &self.jobs });
        let payload = written.map_err(|error| Error::internal("jobs cannot be written down").with_source(error))?;
        // A flow is all that is added at once.
        let alone = self.jobs.iter().any(|job| job.parent.is_some());
        let first = self.jobs.into_iter().next().map(|job| job.envelope);
        Ok(OutboxMessage {
            id,
            destination: JOBS.to_owned(),
            key: first.as_ref().map(|envelope| envelope.queue.to_string()).unwrap_or_default(),
            payload: Bytes::from(payload),
            alone,
            context: first.map_or_else(Context::background, |envelope| envelope.context),
        })
    }

    /// Reads the payload of such a message.
    ///
    /// # Errors
    /// `Invalid` when it holds no jobs, or was written by a later version.
    pub fn read(message: &OutboxMessage) -> Result<Self> {
        let unreadable = |error: serde_json::Error| {
            Error::invalid(format!("message {} of the outbox holds no jobs: {error}", message.id))
                .with_code("outbox-payload")
        };
        let head: Head = serde_json::from_slice(&message.payload).map_err(unreadable)?;
        if head.version > VERSION {
            return Err(Error::invalid(format!(
                "message {} of the outbox was written by a later version of the product (document {}, known {VERSION}): retry it \
                 once that version runs",
                message.id, head.version
            ))
            .with_code("outbox-version"));
        }
        let read: Read = serde_json::from_slice(&message.payload).map_err(unreadable)?;
        Ok(Self { jobs: read.jobs })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{JOBS, JobBatch};
    use crate::foundation::clock::Timestamp;
    use crate::foundation::context::Context;
    use crate::foundation::jobs::{ChildFailure, Envelope, JobOptions, NewJob, Parent, Unique};

    fn job(id: &str, payload: &'static [u8]) -> NewJob {
        let options =
            JobOptions { queue: "email".into(), timeout: Some(Duration::from_millis(1)), ..JobOptions::DEFAULT };
        NewJob {
            envelope: Envelope {
                id: id.into(),
                queue: "email".into(),
                kind: "welcome".to_owned(),
                version: 3,
                payload: payload.into(),
                context: Context::background().with_tenant("acme"),
                options,
            },
            due_at: Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            unique: Some(Unique { key: "k\0".to_owned(), period: Duration::from_secs(3) }),
            serial_key: Some("s".to_owned()),
            parent: None,
        }
    }

    #[test]
    fn jobs_come_out_as_they_went_in() {
        let mut jobs = vec![job("a", b"{ \"to\" :1.0 }"), job("b\0", b"\xff\x00 no text")];
        assert!(!JobBatch { jobs: jobs.clone() }.into_message("6".to_owned()).unwrap().alone);
        jobs[1].parent = Some(Parent { queue: "email".into(), id: "a".into(), when_failed: ChildFailure::Hold });
        let message = JobBatch { jobs: jobs.clone() }.into_message("7".to_owned()).unwrap();
        assert_eq!((&*message.destination, &*message.key, message.alone), (JOBS, "email", true));
        assert_eq!(message.context.tenant(), Some("acme"));
        assert_eq!(JobBatch::read(&message).unwrap().jobs, jobs);
    }

    #[test]
    fn what_holds_no_jobs_is_refused() {
        let mut message = JobBatch { jobs: Vec::new() }.into_message("7".to_owned()).unwrap();
        for (payload, code) in
            [("{}", "outbox-payload"), ("", "outbox-payload"), (r#"{"version":2}"#, "outbox-version")]
        {
            message.payload = payload.into();
            assert_eq!(JobBatch::read(&message).unwrap_err().code(), code);
        }
    }
}
