//! The log of a process: lines of text or JSON, written by a thread of their own, without secrets.

mod layer;
mod line;
mod log;
mod panic_hook;
mod writer;

pub use line::LineFormat;
pub use log::{Log, LogOptions, LogTarget};

pub(crate) use line::steers;
pub(crate) use log::{check_filter, flush_installed};
pub(crate) use panic_hook::log_panics;
