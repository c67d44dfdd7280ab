//! What `#[job]` says of a handler.

use std::any::TypeId;

use bytes::Bytes;
use futures_core::future::BoxFuture;

use super::{HandlerOutcome, JobContext};
use crate::foundation::container::{Place, Want};
use crate::foundation::error::Result;
use crate::foundation::jobs::{JobOptions, QueueLimits, Upcast};
use crate::runtime::container::Resolver;

/// Runs a handler: decodes the payload, resolves the parameters, calls the function, encodes what it returned.
pub type RunHandler = for<'a> fn(
    payload: &'a Bytes,
    context: JobContext,
    resolver: &'a Resolver<'a>,
) -> BoxFuture<'a, Result<HandlerOutcome>>;

/// What `#[job]` says of a handler.
#[derive(Debug, Clone, Copy)]
pub struct JobDescriptor {
    /// The name on the wire.
    pub kind: &'static str,
    /// Earlier names.
    pub aliases: &'static [&'static str],
    /// The version of the payload's shape.
    pub version: u32,
    /// How payloads of earlier versions become such ones.
    pub upcasts: &'static [Upcast],
    /// The queue and the options every enqueued job starts from.
    pub options: &'static JobOptions,
    /// How many run at once in one process, if the handler says so; a property of the queue.
    pub concurrency: Option<u32>,
    /// How much of the queue may run in all processes, if the handler says so; a property of the queue.
    pub limits: QueueLimits,
    /// The payload type.
    pub payload: TypeId,
    /// Whether a payload given as JSON is one of the payload type: [`check_payload`](super::check_payload).
    pub check: fn(&[u8]) -> Result<()>,
    /// The handler's function item.
    pub handler: fn() -> TypeId,
    /// What it is in the source, such as ``job `welcome` ``.
    pub label: &'static str,
    /// Where it stands.
    pub place: Place,
    /// The module it stands in (`module_path!()`).
    pub module: &'static str,
    /// What it needs.
    pub wants: fn() -> Vec<Want>,
    /// Runs it.
    pub run: RunHandler,
}

impl JobDescriptor {
    /// The versions of the payload that it takes, its own first.
    pub(super) fn versions(&self) -> impl Iterator<Item = u32> {
        std::iter::once(self.version).chain(self.upcasts.iter().map(|upcast| upcast.version))
    }

    /// The payload in the version that the handler takes.
    pub(super) fn upcast(&self, version: u32, payload: &Bytes) -> Result<Bytes> {
        match self.upcasts.iter().find(|upcast| upcast.version == version) {
            Some(upcast) => (upcast.convert)(payload),
            None => Ok(payload.clone()),
        }
    }
}

/// A payload type with a handler in this crate, written by `#[job]`; lets `KernelBuilder::job::<P>()` find it.
#[diagnostic::on_unimplemented(
    message = "no handler of `{Self}` is known here",
    note = "write `#[job(…)]` on an `async fn` that takes `{Self}`"
)]
pub trait JobHandler: 'static {
    /// What `#[job]` says of the handler.
    const DESCRIPTOR: JobDescriptor;
}
