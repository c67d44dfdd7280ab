//! Lengths of time.

use std::time::Duration;

use crate::foundation::config::{ConfigData, ConfigError, ConfigValue, FromConfigValue, IssueKind, Profile};
use crate::foundation::duration::parse_duration;

impl FromConfigValue for Duration {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        let bare = match &value.data {
            ConfigData::Integer(number) => Some(number.to_string()),
            ConfigData::Float(number) => Some(number.to_string()),
            ConfigData::Text(text) | ConfigData::String(text) => match parse_duration(text) {
                Some(duration) => return Ok(duration),
                None => Some(text.trim().to_owned()).filter(|text| text.parse::<f64>().is_ok_and(f64::is_finite)),
            },
            _ => None,
        };
        Err(match bare {
            Some(_) => ConfigError::new(
                IssueKind::Type,
                "needs a unit: {value} could be seconds or milliseconds, say \"30s\" or \"1h 30m\"",
            ),
            None => ConfigError::expected("a length of time such as \"30s\" or \"1h 30m\""),
        })
    }
}
