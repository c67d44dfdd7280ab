//! Puts the foundation to work: kernel, container, configuration, HTTP, jobs, scheduler, command line. It knows no adapter.

pub(crate) mod clock;
pub(crate) mod command_line;
pub(crate) mod config;
pub(crate) mod container;
pub(crate) mod current_context;
pub(crate) mod http;
pub(crate) mod jobs;
pub(crate) mod kernel;
pub(crate) mod middleware;
pub(crate) mod outbox;
pub(crate) mod scheduler;
pub(crate) mod telemetry;
