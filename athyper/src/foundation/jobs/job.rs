//! The trait that makes a payload type a job.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{JobOptions, Upcast};

/// A payload type that is a job: enqueueing it asks for its handler to run.
///
/// Written by `#[job]` on the handler (together with `#[derive(Job)]` on the payload, which names
/// what identifies it); rarely by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "no handler makes this a job",
    note = "write `#[derive(Job)]` on `{Self}` and `#[job(…)]` on an `async fn` that takes it"
)]
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the handler returns; kept as JSON for as long as the job's retention says.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// The name on the wire, unique within the queue: the type's name in snake case unless given.
    const KIND: &'static str;

    /// The version of the payload's shape, from 1.
    const VERSION: u32;

    /// Earlier names of [`KIND`](Self::KIND) that are still understood.
    const ALIASES: &'static [&'static str];

    /// How payloads of earlier versions, in the queue since before the latest release, are read.
    const UPCASTS: &'static [Upcast] = &[];

    /// The queue and the options that every enqueued job starts from.
    const OPTIONS: JobOptions;
}
