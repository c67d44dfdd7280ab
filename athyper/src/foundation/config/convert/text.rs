//! Text, paths, sizes, URLs, secrets, and the words of the framework.

use std::path::PathBuf;

use crate::foundation::config::{
    ByteSize, ConfigData, ConfigError, ConfigValue, FromConfigValue, IssueKind, Mode, Modes, Profile, Shape, StoreUrl,
};
use crate::foundation::secret::Secret;

use super::read_word;

fn text(value: &ConfigValue) -> Result<&str, ConfigError> {
    value.as_str().ok_or_else(|| ConfigError::expected("text in quotes"))
}

impl FromConfigValue for String {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        text(value).map(str::to_owned)
    }
}

impl FromConfigValue for PathBuf {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        match text(value)? {
            "" => Err(ConfigError::expected("a path")),
            path => Ok(Self::from(path)),
        }
    }
}

impl FromConfigValue for ByteSize {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        let size = match &value.data {
            ConfigData::Integer(bytes) => u64::try_from(*bytes).ok().map(Self::new),
            ConfigData::Text(text) | ConfigData::String(text) => text.parse().ok(),
            _ => None,
        };
        size.ok_or_else(|| ConfigError::expected("a size such as \"512 kB\" or \"2 MiB\""))
    }
}

impl FromConfigValue for StoreUrl {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        let text = text(value)?;
        text.parse().map_err(|error| {
            use crate::foundation::config::store_url::StoreUrlError;
            let what = match error {
                StoreUrlError::NoScheme => "is not a URL: {value} has no scheme",
                StoreUrlError::BadScheme => "is not a URL: the scheme of {value} is no word of letters and digits",
                StoreUrlError::Space => "is not a URL: {value} has a space or a control character in it",
                StoreUrlError::Empty => "is not a URL: {value} has nothing after its scheme",
            };
            let error = ConfigError::new(IssueKind::Url, what);
            // Whoever left out the scheme of a host without a password knows it again with one in front.
            if what.ends_with("no scheme") && !text.contains('@') && !text.is_empty() {
                error.suggesting(format_args!("{{scheme}}://{text}"))
            } else {
                error
            }
        })
    }
}

impl FromConfigValue for Profile {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        read_word(value, &[("dev", || Self::Dev), ("test", || Self::Test), ("prod", || Self::Prod)])
    }
}

impl FromConfigValue for Modes {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        let expected = || ConfigError::expected("all, or a list of api, worker, scheduler").suggesting("all");
        match &value.data {
            ConfigData::Text(text) | ConfigData::String(text) => text.parse().map_err(|_| expected()),
            ConfigData::List(items) => {
                let words: Option<Vec<_>> = items.iter().map(ConfigValue::as_str).collect();
                words.and_then(|words| words.join(",").parse().ok()).ok_or_else(expected)
            }
            _ => Err(expected()),
        }
    }
}

impl FromConfigValue for Mode {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        read_word(value, &[("api", || Self::Api), ("worker", || Self::Worker), ("scheduler", || Self::Scheduler)])
    }
}

impl<T: FromConfigValue> FromConfigValue for Secret<T> {
    const SHAPE: Shape = Shape::Secret;
    const OPTIONAL: bool = T::OPTIONAL;

    fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError> {
        // What is inside fills in its own values, so it is told here already that they are secret.
        T::from_config_value(value, profile).map(Self::new).map_err(|error| error.at("", Some(value), Shape::Secret))
    }

    fn when_absent(profile: Profile) -> Result<Self, ConfigError> {
        T::when_absent(profile).map(Self::new)
    }
}
