//! The log.

use std::path::PathBuf;

use athyper_macros::Config;

use crate::foundation::config::SectionCheck;
use crate::runtime::telemetry::check_filter;

/// The log: `[log]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "log", unlisted, check = check_log)]
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

fn check_log(log: &LogConfig, check: &mut SectionCheck) {
    if let Err(error) = check_filter(&log.filter) {
        check.invalid("filter", format!("{:?} cannot be read: {error}", log.filter));
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Config)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
