//! Values that may be missing, lists, and tables whose keys are the user's own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::foundation::config::{ConfigData, ConfigError, ConfigValue, FromConfigValue, Profile, Shape};

impl<T: FromConfigValue> FromConfigValue for Option<T> {
    const SHAPE: Shape = T::SHAPE;
    const OPTIONAL: bool = true;

    fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError> {
        T::from_config_value(value, profile).map(Some)
    }

    fn when_absent(_profile: Profile) -> Result<Self, ConfigError> {
        Ok(None)
    }
}

/// From text: separated by commas, spaces around them ignored, empty text is an empty list.
pub(super) fn items(value: &ConfigValue) -> Result<Vec<ConfigValue>, ConfigError> {
    match &value.data {
        ConfigData::List(items) => Ok(items.clone()),
        ConfigData::Text(text) if text.trim().is_empty() => Ok(Vec::new()),
        ConfigData::Text(text) => {
            Ok(text.split(',').map(|item| ConfigValue::text(item.trim(), value.origin.clone())).collect())
        }
        _ => Err(ConfigError::expected("a list")),
    }
}

impl<T: FromConfigValue> FromConfigValue for Vec<T> {
    const SHAPE: Shape = Shape::List(|| T::SHAPE);

    fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError> {
        let mut read = Self::new();
        let mut error = ConfigError::none();
        for (index, item) in items(value)?.iter().enumerate() {
            match T::from_config_value(item, profile) {
                Ok(item) => read.push(item),
                Err(wrong) => error.extend(wrong.at(&format!("[{index}]"), Some(item), T::SHAPE)),
            }
        }
        if error.is_none() { Ok(read) } else { Err(error) }
    }
}

impl<T: FromConfigValue + Ord> FromConfigValue for BTreeSet<T> {
    const SHAPE: Shape = Vec::<T>::SHAPE;

    fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError> {
        Ok(Vec::from_config_value(value, profile)?.into_iter().collect())
    }
}

impl<T: FromConfigValue> FromConfigValue for BTreeMap<String, T> {
    const SHAPE: Shape = Shape::Map(|| T::SHAPE);

    fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError> {
        let ConfigData::Table(entries) = &value.data else { return Err(ConfigError::expected("a table")) };
        let mut read = Self::new();
        let mut error = ConfigError::none();
        for (key, entry) in entries {
            match T::from_config_value(entry, profile) {
                Ok(entry) => drop(read.insert(key.clone(), entry)),
                Err(wrong) => error.extend(wrong.at(key, Some(entry), T::SHAPE)),
            }
        }
        if error.is_none() { Ok(read) } else { Err(error) }
    }
}

impl<T: FromConfigValue> FromConfigValue for HashMap<String, T> {
    const SHAPE: Shape = BTreeMap::<String, T>::SHAPE;

    fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError> {
        Ok(BTreeMap::from_config_value(value, profile)?.into_iter().collect())
    }
}
