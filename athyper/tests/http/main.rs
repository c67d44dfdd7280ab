//! HTTP: the server over real sockets, the layers on bare routers, errors, health and metrics.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod metrics;
mod server;
mod support;
