//! Real services for tests: each on a free port, with a data folder of its own, stopped at the end, also when the test process is
//! killed.
//!
//! `scripts/tools` of athyper's repository installs their programs; elsewhere they are looked for on the `PATH`.

mod address;
mod fault_proxy;
mod pgbouncer;
mod postgres;
mod redis;
mod redis_cluster;
mod redis_sentinel;
mod reply;
mod tools;
mod watched;

pub use address::free_address;
pub use fault_proxy::{Fault, FaultProxy};
pub use pgbouncer::PgBouncer;
pub use postgres::PostgresServer;
pub use redis::RedisServer;
pub use redis_cluster::{RedisCluster, SlotMove};
pub use redis_sentinel::RedisSentinel;
pub use reply::Reply;
