//! Reading the fields of a table.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::convert::deserialize;
use super::{
    ConfigData, ConfigError, ConfigIssue, ConfigValue, DefaultValue, FieldDescriptor, FromConfigValue, IssueKind,
    Origin, Profile, Shape,
};

/// Reads the fields of a table and keeps every issue it finds.
#[derive(Debug)]
pub struct TableReader<'a> {
    entries: &'a BTreeMap<String, ConfigValue>,
    fields: &'static [FieldDescriptor],
    profile: Profile,
    error: ConfigError,
}

impl<'a> TableReader<'a> {
    pub(super) const fn new(
        entries: &'a BTreeMap<String, ConfigValue>,
        fields: &'static [FieldDescriptor],
        profile: Profile,
    ) -> Self {
        Self { entries, fields, profile, error: ConfigError::none() }
    }

    /// Whether somebody said a value.
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// A field whose type says itself how it is read.
    pub fn field<T: FromConfigValue>(&mut self, key: &'static str) -> Option<T> {
        let profile = self.profile;
        self.read(key, |value| T::from_config_value(value, profile), || T::when_absent(profile))
    }

    /// A field that these functions read: those of `FromConfigValue`, named by the derive one by one, so that a type that
    /// cannot be read is one compile error.
    #[doc(hidden)]
    pub fn field_by<T>(
        &mut self,
        key: &'static str,
        from_value: fn(&ConfigValue, Profile) -> Result<T, ConfigError>,
        when_absent: fn(Profile) -> Result<T, ConfigError>,
    ) -> Option<T> {
        let profile = self.profile;
        self.read(key, |value| from_value(value, profile), || when_absent(profile))
    }

    /// A field that is read by `FromStr`.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str) -> Option<T> {
        self.read(key, parse, || Err(ConfigError::missing()))
    }

    /// A field that is read by `FromStr`, or left out.
    #[allow(clippy::option_option, reason = "the outer one says whether reading went well")]
    pub fn parsed_optional<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str) -> Option<Option<T>> {
        self.read(key, |value| parse(value).map(Some), || Ok(None))
    }

    /// A field that is read by serde. Keys that serde would skip are issues too.
    pub fn deserialized<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let secret = self.fields.iter().any(|field| field.key == key && field.shape.is_secret());
        self.read(
            key,
            |value| deserialize(value, secret),
            || deserialize::absent::<T>().ok_or_else(ConfigError::missing),
        )
    }

    pub(super) fn find_unknown(&mut self) {
        for (key, value) in self.entries {
            if !self.fields.iter().any(|field| field.key == key) {
                value.leaves(key, &mut |path, value| {
                    let origin = Some(value.origin.clone());
                    self.error.push(ConfigIssue::new(IssueKind::Unknown, path, "is not known", origin));
                });
            }
        }
    }

    pub(super) fn into_error(self) -> ConfigError {
        self.error
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        from_value: impl FnOnce(&ConfigValue) -> Result<T, ConfigError>,
        when_absent: impl FnOnce() -> Result<T, ConfigError>,
    ) -> Option<T> {
        let field = self.fields.iter().find(|field| field.key == key);
        let default = field.and_then(|field| default_value(field.default_in(self.profile)?));
        let value = self.entries.get(key).or(default.as_ref());
        let outcome = match value {
            Some(value) => from_value(value),
            None => when_absent(),
        };
        match outcome {
            Ok(read) => Some(read),
            Err(error) => {
                let shape = field.map_or(Shape::Secret, |field| field.shape);
                let error = error.at(key, value, shape);
                self.error.extend(match field {
                    Some(field) => error.wanted_by(field.place),
                    None => error,
                });
                None
            }
        }
    }
}

/// The value that a default is read from; `None` for an expression, which only the program can evaluate.
fn default_value(default: DefaultValue) -> Option<ConfigValue> {
    match default {
        DefaultValue::Text(text) => Some(ConfigValue::text(text, Origin::Default)),
        DefaultValue::List(texts) => {
            let items = texts.iter().map(|text| ConfigValue::text(*text, Origin::Default)).collect();
            Some(ConfigValue::new(ConfigData::List(items), Origin::Default))
        }
        DefaultValue::Expression(_) => None,
    }
}

fn parse<T: FromStr<Err: fmt::Display>>(value: &ConfigValue) -> Result<T, ConfigError> {
    let text = match &value.data {
        ConfigData::Text(text) | ConfigData::String(text) | ConfigData::Datetime(text) => text.clone(),
        ConfigData::Integer(number) => number.to_string(),
        ConfigData::Float(number) => number.to_string(),
        ConfigData::Boolean(truth) => truth.to_string(),
        ConfigData::List(_) | ConfigData::Table(_) => return Err(ConfigError::expected("one value")),
    };
    // The error's own text may repeat the value, which only the field knows to be secret or not.
    text.parse().map_err(|error: T::Err| ConfigError::new(IssueKind::Type, "does not fit: {value}").explained(error))
}
