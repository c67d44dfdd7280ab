//! SQLite: database, job queue and leases in one file, for one machine.
//!
//! # URLs
//! `sqlite://data/app.db`, `sqlite:data/app.db`, `sqlite:///srv/app.db`, or `sqlite::memory:` for a private database in
//! memory that goes with its last handle. The folder and the file are made when they are missing.
//!
//! | option | default | |
//! | --- | --- | --- |
//! | `synchronous` | `full` | `full`: a commit that returned survives power loss. `normal`: it survives the end of the process, also by `kill -9`; a power loss may undo the latest commits, and never damages the file (<https://sqlite.org/pragma.html#pragma_synchronous>) |
//! | `busy_timeout` | `10s` | how long to wait for the writer at most, within the process and again for other processes |
//! | `readers` | `4` | how many connections read at the same time |
//! | `poll` | `200ms` | how often an idle worker looks for jobs that another process added |
//!
//! The file is in WAL mode: readers and the writer do not wait for one another. Every transaction that may write is begun
//! `IMMEDIATE` on the one connection of the process that writes; the others cannot write. Foreign keys are enforced. Jobs and
//! leases share commits: what many callers write at the same time is committed once.

mod connection;
mod database;
mod driver;
mod error;
mod group_commit;
mod migrations;
mod options;
mod ram_folder;
mod readers;
mod schema;
mod store;
mod transaction;
mod value;
mod writer;

pub use database::SqliteDatabase;
