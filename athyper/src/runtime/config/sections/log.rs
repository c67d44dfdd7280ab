//! The log.

use std::path::PathBuf;

use athyper_macros::Config;

/// The log: `[log]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "log", unlisted)]
#[non_exhaustive]
pub struct LogConfig {
    /// What is logged: a level, or levels by module such as `info,billing=debug`.
    #[config(default = "info", variable = "RUST_LOG")]
    pub filter: String,
    /// How a line looks: text for people, or json.
    #[config(default = "text", prod_default = "json")]
    pub format: LogFormat,
    /// A file to append to; unset: standard error.
    pub file: Option<PathBuf>,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Config)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
