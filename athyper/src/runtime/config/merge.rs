//! Laying one source over another.

use std::collections::BTreeMap;

use crate::foundation::config::{ConfigData, ConfigError, ConfigValue, IssueKind, Shape};

use super::known_keys::join;

/// Lays `layer` over `base`: tables are merged key by key, everything else is replaced.
///
/// `shape` says what stands under a key. A single value where a table belongs is an issue and changes nothing, so that a
/// stronger source cannot hide what a weaker one says.
pub(super) fn merge(
    base: &mut BTreeMap<String, ConfigValue>,
    layer: BTreeMap<String, ConfigValue>,
    path: &str,
    shape: &dyn Fn(&str) -> Option<Shape>,
    issues: &mut ConfigError,
) {
    for (key, value) in layer {
        let (path, shape) = (join(path, &key), shape(&key));
        let ConfigValue { data, origin } = value;
        match data {
            ConfigData::Table(entries) => {
                let below = base
                    .entry(key)
                    .or_insert_with(|| ConfigValue::new(ConfigData::Table(BTreeMap::new()), origin.clone()));
                if !matches!(below.data, ConfigData::Table(_)) {
                    *below = ConfigValue::new(ConfigData::Table(BTreeMap::new()), origin);
                }
                if let ConfigData::Table(below) = &mut below.data {
                    merge(below, entries, &path, &|key| shape?.child(key), issues);
                }
            }
            data if shape.is_some_and(Shape::is_table) => {
                let value = ConfigValue::new(data, origin);
                let error = ConfigError::new(IssueKind::Type, "is a table with keys of its own, not one value");
                issues.extend(error.at(&path, Some(&value), Shape::Value));
            }
            data => drop(base.insert(key, ConfigValue::new(data, origin))),
        }
    }
}

/// A layer that says one value.
pub(super) fn single(path: &[&str], value: ConfigValue) -> BTreeMap<String, ConfigValue> {
    let mut layer = value;
    for key in path.iter().rev() {
        let origin = layer.origin.clone();
        layer = ConfigValue::new(ConfigData::Table(BTreeMap::from([((*key).to_owned(), layer)])), origin);
    }
    match layer.data {
        ConfigData::Table(entries) => entries,
        _ => BTreeMap::new(),
    }
}
