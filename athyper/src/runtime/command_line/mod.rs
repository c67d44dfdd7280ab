//! The command line of every product: `run`, and commands that show what the product is made of.

mod arguments;
mod check;
mod config;
mod enqueue;
mod execute;
mod graph;
mod jobs;
mod migrate;
mod outbox;
mod output;
mod process;
mod routes;
mod schedules;
mod table;

pub use execute::{Invocation, execute};
pub use output::Output;

pub(crate) use process::run_process;
