//! The kernel's own lifecycle hooks: the HTTP server, the worker pool, the scheduler, the relay of the outbox.

mod outbox;
mod scheduler;
mod server;
mod workers;

pub(super) use outbox::OutboxPart;
pub(super) use scheduler::SchedulerPart;
pub(super) use server::ServerPart;
pub(super) use workers::WorkersPart;

/// The names of all of them, which product hooks may start after in every mode.
pub(super) const NAMES: &[&str] = &[HTTP, MANAGEMENT, OUTBOX, WORKERS, SCHEDULER];

pub(super) const HTTP: &str = "http";
pub(super) const MANAGEMENT: &str = "management";
pub(super) const OUTBOX: &str = "outbox";
pub(super) const WORKERS: &str = "workers";
pub(super) const SCHEDULER: &str = "scheduler";
