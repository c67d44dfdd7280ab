//! What travels with every unit of work: who asked, for which tenant, in which trace, until when.

mod principal;
mod state;
mod trace;

pub use principal::Principal;
pub use trace::{SpanId, TraceContext, TraceId};

pub(crate) use trace::hex;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

/// The identity of one unit of work and of whoever asked for it.
///
/// A request makes one; jobs, schedules and log lines that follow from the request carry it on. Only the deadline stays behind
/// when a job is enqueued: it says how long somebody waits for an answer, and nobody waits for the job. A job that is of no use
/// after some time is enqueued [with a context](crate::jobs::Enqueue::context) that has a deadline of its own.
/// Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Context(Arc<Parts>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Parts {
    request_id: Arc<str>,
    trace: TraceContext,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Arc<Principal>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
}

impl Context {
    /// A context with a request id and a trace position, and nobody behind it.
    #[must_use]
    pub fn new(request_id: impl Into<Arc<str>>, trace: TraceContext) -> Self {
        let request_id = request_id.into();
        Self(Arc::new(Parts { request_id, trace, tenant: None, principal: None, deadline: None }))
    }

    /// The same context with another thing known of it.
    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// A context for work that nobody asked for: a schedule, a start-up task, a command line.
    #[must_use]
    pub fn background() -> Self {
        let id = uuid::Uuid::now_v7().simple().to_string();
        Self::new(id, TraceContext::start())
    }

    /// The same context for a tenant.
    #[must_use]
    pub fn with_tenant(self, tenant: impl Into<Arc<str>>) -> Self {
        self.with(|parts| parts.tenant = Some(tenant.into()))
    }

    /// The same context on behalf of somebody.
    #[must_use]
    pub fn with_principal(self, principal: Principal) -> Self {
        self.with(|parts| parts.principal = Some(Arc::new(principal)))
    }

    /// The same context with a time by which the work is of no use any more.
    #[must_use]
    pub fn with_deadline(self, deadline: Timestamp) -> Self {
        self.with(|parts| parts.deadline = Some(deadline))
    }

    /// The same context for work that may take as long as it likes.
    #[must_use]
    pub fn without_deadline(self) -> Self {
        if self.0.deadline.is_none() { self } else { self.with(|parts| parts.deadline = None) }
    }

    /// The same context one step further down in the trace.
    #[must_use]
    pub fn child(&self) -> Self {
        self.clone().with(|parts| parts.trace = parts.trace.child())
    }

    /// The id that ties log lines, responses and jobs together.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The position in the distributed trace.
    #[must_use]
    pub fn trace(&self) -> &TraceContext {
        &self.0.trace
    }

    /// The tenant the work belongs to.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// Who asked for the work, if anybody proved it.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_deref()
    }

    /// When the work stops being of use.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.0.deadline
    }
}
