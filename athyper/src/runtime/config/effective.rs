//! What the configuration comes to: each known key, its value, and where it came from.

use std::fmt;

use serde::Serialize;

use crate::foundation::config::{
    DefaultValue, FieldDescriptor, HIDDEN, Shape, StoreUrl, display_entry, hide_passwords,
};

use super::configuration::Configuration;
use super::known_keys::join;
use super::root::ROOT_FIELDS;
use super::stores::StorePort;

/// One known key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectiveValue {
    /// The key, such as `http.port`.
    pub key: String,
    /// The value as people read it, secrets and passwords hidden; `None` when it is not set.
    pub value: Option<String>,
    /// Where it came from: `default`, a file and line, a variable, the builder.
    pub origin: String,
    /// What it is for.
    pub description: &'static str,
}

/// Each known key of the configuration, its effective value and where it came from. Secrets are hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EffectiveConfiguration {
    values: Vec<EffectiveValue>,
}

impl EffectiveConfiguration {
    pub(super) fn of(configuration: &Configuration) -> Self {
        let mut values = Vec::new();
        walk(configuration, &mut Vec::new(), ROOT_FIELDS, &mut values);
        for section in &configuration.sections {
            walk(configuration, &mut vec![section.name], section.fields, &mut values);
        }
        for value in values.iter_mut().filter(|value| value.value.is_none()) {
            match value.key.as_str() {
                "profile" => value.value = Some(configuration.profile.to_string()),
                "mode" => value.value = Some(configuration.modes.to_string()),
                key => {
                    let Some(port) = StorePort::ALL.into_iter().find(|port| port.key() == key) else { continue };
                    let store = configuration.store(port);
                    value.value = Some(store.url.to_string());
                    value.origin = store.source.to_string();
                }
            }
        }
        Self { values }
    }

    /// Each key.
    pub fn iter(&self) -> impl Iterator<Item = &EffectiveValue> {
        self.values.iter()
    }

    /// One key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&EffectiveValue> {
        self.values.iter().find(|value| value.key == key)
    }
}

impl fmt::Display for EffectiveConfiguration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &EffectiveValue| value.value.clone().unwrap_or_else(|| "-".to_owned());
        let keys = self.values.iter().map(|value| value.key.chars().count()).max().unwrap_or(0);
        let values = self.values.iter().map(|value| shown(value).chars().count().min(40)).max().unwrap_or(0);
        for value in &self.values {
            writeln!(formatter, "{:<keys$}  {:<values$}  {}", value.key, shown(value), value.origin)?;
        }
        Ok(())
    }
}

fn walk<'a>(
    configuration: &'a Configuration,
    path: &mut Vec<&'a str>,
    fields: &'static [FieldDescriptor],
    values: &mut Vec<EffectiveValue>,
) {
    for field in fields {
        path.push(field.key);
        let said = configuration.root.at(path);
        match field.shape {
            Shape::Table(inner) if said.is_some() || !(field.optional || field.default.is_some()) => {
                walk(configuration, path, inner(), values);
            }
            shape => {
                let (value, origin) = match said {
                    Some(value) => (Some(display_entry(field.key, value, Some(shape))), value.origin.to_string()),
                    None => (default_of(field, configuration), "default".to_owned()),
                };
                let key = path.iter().fold(String::new(), |joined, key| join(&joined, key));
                values.push(EffectiveValue { key, value, origin, description: field.doc });
            }
        }
        path.pop();
    }
}

fn default_of(field: &FieldDescriptor, configuration: &Configuration) -> Option<String> {
    let default = field.default_in(configuration.profile)?;
    if field.shape.is_secret() {
        return Some(HIDDEN.to_owned());
    }
    Some(match default {
        DefaultValue::Text(text) => {
            text.parse::<StoreUrl>().map_or_else(|_| hide_passwords(text), |url| url.to_string())
        }
        DefaultValue::List(texts) => format!("[{}]", texts.join(", ")),
        DefaultValue::Expression(expression) => expression.to_owned(),
    })
}
