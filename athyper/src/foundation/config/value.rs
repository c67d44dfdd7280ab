//! One value of the configuration, before it has a type of the program.

use std::collections::BTreeMap;
use std::fmt;

use super::Origin;

/// One value of the configuration, and where it was said.
#[derive(Clone, PartialEq)]
pub struct ConfigValue {
    /// The value.
    pub data: ConfigData,
    /// Where it was said.
    pub origin: Origin,
}

/// What a [`ConfigValue`] holds.
#[derive(Clone, PartialEq)]
pub enum ConfigData {
    /// Text without a type of its own, from a variable or the builder: the field's type decides what it means.
    Text(String),
    /// A string of a file.
    String(String),
    /// A whole number of a file.
    Integer(i128),
    /// A number with a fraction of a file.
    Float(f64),
    /// `true` or `false` in a file.
    Boolean(bool),
    /// A date, a time or both of a file, as RFC 3339 writes it.
    Datetime(String),
    /// Several values.
    List(Vec<ConfigValue>),
    /// Values by key.
    Table(BTreeMap<String, ConfigValue>),
}

impl ConfigValue {
    /// A value said at `origin`.
    #[must_use]
    pub const fn new(data: ConfigData, origin: Origin) -> Self {
        Self { data, origin }
    }

    /// Text whose meaning the field's type decides.
    #[must_use]
    pub fn text(text: impl Into<String>, origin: Origin) -> Self {
        Self::new(ConfigData::Text(text.into()), origin)
    }

    /// What stands under a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| match &value.data {
            ConfigData::Table(entries) => entries.get(*key),
            _ => None,
        })
    }

    /// Visits what nobody knows: the value itself, or if it is a table, each place of its own that something in it was said at.
    pub(crate) fn leaves(&self, path: &str, visit: &mut impl FnMut(&str, &Self)) {
        let ConfigData::Table(entries) = &self.data else { return visit(path, self) };
        // One file says a table by its head; variables and the builder say each key by itself.
        if matches!(self.origin, Origin::File { .. }) || entries.is_empty() {
            visit(path, self);
        }
        for (key, value) in entries {
            if !matches!((&self.origin, &value.origin), (Origin::File { .. }, Origin::File { .. })) {
                value.leaves(&format!("{path}.{key}"), visit);
            }
        }
    }

    /// The text of a string, or text without a type; `None` for everything else.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            ConfigData::Text(text) | ConfigData::String(text) => Some(text),
            _ => None,
        }
    }
}

impl ConfigData {
    const fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::String(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Datetime(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl fmt::Debug for ConfigValue {
    /// Leaves the value out: only the field's type says whether it is a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} from {}", self.data, self.origin)
    }
}

impl fmt::Debug for ConfigData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
