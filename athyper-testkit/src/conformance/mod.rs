//! One suite a port: what every implementation must do, whatever stands behind it.

mod case;
pub mod job_queue;
pub mod leadership;

pub use case::{StoreTime, Violation};
