//! The process's own memory: for tests, and for work that may be lost when the process ends.

mod leadership;

pub use leadership::MemoryLeadership;
