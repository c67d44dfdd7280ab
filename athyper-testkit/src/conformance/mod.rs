//! One suite a port: what every implementation must do, whatever stands behind it.

mod case;
pub mod job_queue;
pub mod leadership;
mod store_clock;

pub use case::{StoreTime, Violation};
pub use store_clock::StoreClock;
