//! HTTP: the server over real sockets, the layers on bare routers, errors, health and metrics.
#![allow(clippy::disallowed_methods, reason = "sockets and their deadlines run on the machine's real time")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attacks;
mod authentication;
mod correlation;
mod cors;
mod drain;
mod extract;
mod health;
mod limits;
mod log;
mod metrics;
mod prometheus;
mod record;
mod server;
mod stack;
mod support;
mod telemetry;
mod validation;
