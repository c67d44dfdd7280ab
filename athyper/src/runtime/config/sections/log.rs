//! The log.

use std::path::PathBuf;

use crate::foundation::config::{ConfigError, ConfigValue, FromConfigValue, Profile, read_word};

section! {
    /// The log: `[log]`.
    #[config(section = "log")]
    pub struct LogConfig {
        /// What is logged: a level, or levels by module such as `info,billing=debug`.
        #[config(with_default = "info", with_variable = "RUST_LOG")]
        pub filter: String,
        /// How a line looks: text for people, or json.
        #[config(with_default = "text", with_prod_default = "json")]
        pub format: LogFormat,
        /// A file to append to; unset: standard error.
        pub file: Option<PathBuf>,
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromConfigValue for LogFormat {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        read_word(value, &[("text", || Self::Text), ("json", || Self::Json)])
    }
}
