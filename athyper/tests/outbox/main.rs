//! Jobs that are enqueued in a transaction of a database, for a queue that lies elsewhere: the outbox, and the relay that moves them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crashes;
mod moving;
mod order;
mod product;
mod refused;
mod support;
