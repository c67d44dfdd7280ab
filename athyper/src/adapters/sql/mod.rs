//! What the SQL databases share: the job queue, schedules, leases and the outbox as statements, and the rules of migrations.
//!
//! The tables have the same names, columns and indexes everywhere; each adapter writes them in its database's types. Where the
//! databases differ in what a statement says, [`dialect`] knows the words; where they differ in how a statement is run, the adapter
//! does, as a [`SqlStore`](store::SqlStore).

pub(in crate::adapters) mod dialect;
pub(in crate::adapters) mod job_queue;
pub(in crate::adapters) mod keyword;
pub(in crate::adapters) mod leadership;
pub(in crate::adapters) mod migrations;
pub(in crate::adapters) mod operation;
pub(in crate::adapters) mod outbox;
pub(in crate::adapters) mod rows;
pub(in crate::adapters) mod store;
