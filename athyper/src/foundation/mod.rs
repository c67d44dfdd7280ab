//! The core layer: what the framework *means*. Types, ports, policies and pure arithmetic; no driver, socket, file, clock
//! or task of its own, and no cargo feature inside.

pub(crate) mod authentication;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod container;
pub(crate) mod context;
pub(crate) mod driver;
pub(crate) mod duration;
pub(crate) mod error;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod leadership;
pub(crate) mod metrics;
pub(crate) mod outbox;
pub(crate) mod problem;
pub(crate) mod rate_limit;
pub(crate) mod schedule;
pub(crate) mod secret;
pub(crate) mod sql;
