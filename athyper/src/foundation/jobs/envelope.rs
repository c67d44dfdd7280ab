//! What travels through a queue.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{JobOptions, QueueOrdering};
use crate::foundation::context::Context;
use crate::foundation::error::Error;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes over any text.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, formatter)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// Names one job in its queue. Opaque: a counter in some stores, a UUID in others, anything in a test.
    JobId
}

text_id! {
    /// Names a queue.
    QueueName
}

impl QueueName {
    /// The error of whoever asks for a job that the queue does not hold.
    #[allow(dead_code, reason = "without a store there are no queues")]
    pub(crate) fn lacks(&self, id: &JobId) -> Error {
        Error::not_found(format!("queue `{self}` has no job `{id}`"))
    }

    /// Whether a product may name a queue so: 1 to 100 ASCII letters, digits, `-`, `_` and `.`, which every store, URL
    /// and metric label can carry.
    #[must_use]
    pub fn is_legal(name: &str) -> bool {
        (1..=100).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    }
}

impl JobId {
    /// A new id that sorts by the time it was made (UUID version 7).
    #[must_use]
    pub fn random() -> Self {
        Self::from(uuid::Uuid::now_v7().to_string())
    }
}

/// One job as it travels: what is to be done, with which data, on whose behalf.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Names the job in its queue.
    pub id: JobId,
    /// The queue it waits in.
    pub queue: QueueName,
    /// Which handler is meant.
    pub kind: String,
    /// The version of the payload's shape.
    pub version: u32,
    /// The payload as JSON, passed through untouched.
    #[serde(with = "untouched")]
    pub payload: Bytes,
    /// Who asked, for which tenant, in which trace.
    pub context: Context,
    /// How it is to be run.
    pub options: JobOptions,
}

impl Envelope {
    /// Whose turn it uses up in a queue where tenants take turns; nobody's in any other.
    #[allow(dead_code, reason = "without a store there are no queues")]
    pub(crate) fn share(&self) -> Option<&str> {
        (self.options.ordering == QueueOrdering::Fair).then(|| self.context.tenant().unwrap_or_default())
    }
}

/// The payload within a document: as a text, or as its bytes where it is none.
mod untouched {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Payload<T, B> {
        Text(T),
        Bytes(B),
    }

    pub(super) fn serialize<S: Serializer>(payload: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(payload) {
            Ok(text) => Payload::Text(text),
            Err(_) => Payload::Bytes(&payload[..]),
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        Ok(match Payload::<String, Vec<u8>>::deserialize(deserializer)? {
            Payload::Text(text) => Bytes::from(text),
            Payload::Bytes(bytes) => Bytes::from(bytes),
        })
    }
}
