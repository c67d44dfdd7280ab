//! The process's own memory: for tests, and for work that may be lost when the process ends.

mod driver;
mod job_queue;
mod leadership;

pub use job_queue::MemoryJobQueue;
pub use leadership::MemoryLeadership;
