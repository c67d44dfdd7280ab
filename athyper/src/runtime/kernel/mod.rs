//! The kernel: a product is collected, checked as a whole, and run.

mod assembly;
mod builder;
mod checked;
mod insecure;
mod lifecycle;
mod modules;
mod options;
mod parts;
mod process;
mod provided;
mod registrations;
mod routes;
mod running;
mod services;
mod stack;
mod stores;

pub use assembly::Assembly;
pub use builder::KernelBuilder;
pub use checked::Kernel;
pub use lifecycle::LifecycleHook;
pub(crate) use process::run_until_signal;
pub use running::{KernelHandle, RunningKernel, StopReport};
pub use services::{JobTransactions, MigrationReport, ProbedStore};
