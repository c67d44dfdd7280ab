//! PostgreSQL: database, job queue, schedules and leases, for any number of machines.
//!
//! # URLs
//! `postgres://user:password@host:5432/database` or `postgresql://…`. What libpq takes from the environment and `.pgpass` counts
//! here too. Behind the `?`, besides `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `application_name` and `options`:
//!
//! | option | default | |
//! | --- | --- | --- |
//! | `connections` | `10` | how many connections a process uses at most, besides the one that listens |
//! | `wait` | `10s` | how long a caller waits for a free connection, and for a new one to be made |
//! | `poll` | `2s` | how often an idle worker looks although no news has come; `200ms` behind a pooler |
//!
//! TLS is rustls with the roots of Mozilla; `sslmode=verify-full` makes it compulsory and checks the name.
//!
//! # Jobs
//! Takes are `FOR UPDATE SKIP LOCKED`. Locks and leases run out by the server's clock; the token of a lock is the number of
//! attempts started, and a worker with an older one is refused. Idle workers are woken by `NOTIFY`, sent once the commit is
//! through and never within a transaction that does anything else, because committing one takes a lock on the whole server.
//! Text that PostgreSQL has no place for (the character NUL) is stored in another form and read back as it was; payloads, results
//! and progress are bytes.
//!
//! # PgBouncer
//! In its transaction mode two clients share one connection to the server: this is noticed when the store is opened. Then workers
//! poll instead of listening, statements are not prepared, and each runs in a transaction. Leases are rows, and nothing holds an
//! advisory lock beyond a transaction. No test holds this behind a PgBouncer yet.

mod connection;
mod database;
mod driver;
mod error;
mod migrations;
mod news;
mod options;
mod pool;
mod schema;
mod single;
mod store;
mod transaction;
mod value;

pub use database::PostgresDatabase;
