//! Workers as processes of their own, on Redis and on PostgreSQL: killed, frozen, cut off, and with handlers that misbehave.
#![allow(clippy::unwrap_used, reason = "a drill that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "drills watch real processes in real time")]

mod handlers;
mod kills;
mod outages;
mod outbox;
mod support;
mod zombies;
