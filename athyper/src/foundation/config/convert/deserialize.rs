//! Fields that serde reads: a deserializer over configuration values that knows origins, reads text by the type asked
//! for, finds keys that serde would skip, and does not repeat secrets.

use std::cell::{Cell, RefCell};
use std::collections::btree_map;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::foundation::config::{ConfigData, ConfigError, ConfigIssue, ConfigValue, IssueKind, Shape};
use crate::foundation::secret::SECRET_NEWTYPE;

/// Reads a value by serde.
pub(crate) fn deserialize<T: DeserializeOwned>(value: &ConfigValue, secret: bool) -> Result<T, ConfigError> {
    let notes = Notes { hidden: Cell::new(secret), unknown: RefCell::default() };
    let read = T::deserialize(ValueDeserializer { value, key: String::new(), notes: &notes });
    let mut error = ConfigError::none();
    notes.unknown.into_inner().into_iter().for_each(|issue| error.push(issue));
    match read {
        Ok(read) if error.is_none() => return Ok(read),
        Ok(_) => {}
        Err(wrong) => error.extend(wrong.into_config_error(value, notes.hidden.get())),
    }
    Err(error)
}

/// What a type is when there is no value: `None` for an `Option`, and nothing for every other type.
pub(crate) fn absent<T: DeserializeOwned>() -> Option<T> {
    T::deserialize(Absent).ok()
}

/// What is learnt while a value is read.
struct Notes {
    /// Whether something was read that is a secret, or of which nobody can tell.
    hidden: Cell<bool>,
    unknown: RefCell<Vec<ConfigIssue>>,
}

struct ValueDeserializer<'a> {
    value: &'a ConfigValue,
    key: String,
    notes: &'a Notes,
}

#[derive(Debug)]
struct ReadError {
    kind: IssueKind,
    text: String,
    at: Option<Box<(String, ConfigValue)>>,
}

impl ReadError {
    fn new(kind: IssueKind, text: impl fmt::Display) -> Self {
        Self { kind, text: text.to_string(), at: None }
    }

    fn at(mut self, key: &str, value: &ConfigValue) -> Self {
        self.at.get_or_insert_with(|| Box::new((key.to_owned(), value.clone())));
        self
    }

    fn into_config_error(self, whole: &ConfigValue, hidden: bool) -> ConfigError {
        let (key, value) = self.at.map_or_else(|| (String::new(), whole.clone()), |at| *at);
        let shape = if hidden { Shape::Secret } else { Shape::Value };
        match self.kind {
            IssueKind::Missing => ConfigError::missing().at(&join(&key, &self.text), Some(&value), shape),
            IssueKind::Unknown => {
                ConfigError::new(IssueKind::Unknown, "is not known").at(&join(&key, &self.text), Some(&value), shape)
            }
            kind => ConfigError::new(kind, "does not fit").explained(self.text).at(&key, Some(&value), shape),
        }
    }
}

fn join(key: &str, segment: &str) -> String {
    if key.is_empty() { segment.to_owned() } else { format!("{key}.{segment}") }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(IssueKind::Type, text)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(IssueKind::Missing, field)
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self::new(IssueKind::Unknown, field)
    }
}

impl<'a> ValueDeserializer<'a> {
    fn child(&self, segment: &str, value: &'a ConfigValue) -> Self {
        let key = if segment.starts_with('[') { format!("{}{segment}", self.key) } else { join(&self.key, segment) };
        Self { value, key, notes: self.notes }
    }

    fn locate<T>(key: &str, value: &ConfigValue, read: Result<T, ReadError>) -> Result<T, ReadError> {
        read.map_err(|error| error.at(key, value))
    }

    fn seed<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ReadError> {
        let (key, value) = (self.key.clone(), self.value);
        Self::locate(&key, value, seed.deserialize(self))
    }

    /// As a file says it; text stays text.
    fn visit_as_said<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.value.data {
            ConfigData::Text(text) | ConfigData::String(text) | ConfigData::Datetime(text) => visitor.visit_str(text),
            ConfigData::Integer(number) => visit_whole_number(*number, visitor),
            ConfigData::Float(number) => visitor.visit_f64(*number),
            ConfigData::Boolean(truth) => visitor.visit_bool(*truth),
            ConfigData::List(items) => visitor.visit_seq(Items { rest: items.iter(), index: 0, parent: &self }),
            ConfigData::Table(entries) => {
                visitor.visit_map(Entries { rest: entries.iter(), entry: None, parent: &self })
            }
        }
    }

    /// A table that came in a variable is JSON.
    fn table<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if let ConfigData::Text(text) = &self.value.data {
            self.notes.hidden.set(true);
            let mut json = serde_json::Deserializer::from_reader(text.as_bytes());
            return de::Deserializer::deserialize_map(&mut json, visitor)
                .and_then(|read| json.end().map(|()| read))
                .map_err(|error| {
                    ReadError::new(IssueKind::Type, format_args!("not a JSON object that fits: {error}"))
                });
        }
        let is_one = matches!(self.value.data, ConfigData::Table(_));
        self.container(is_one, visitor)
    }

    /// What stands in place of a table or list may have been meant for something in it that is a secret.
    fn container<'de, V: Visitor<'de>>(self, is_one: bool, visitor: V) -> Result<V::Value, ReadError> {
        if !is_one {
            self.notes.hidden.set(true);
        }
        self.visit_as_said(visitor)
    }
}

fn visit_whole_number<'de, V: Visitor<'de>>(number: i128, visitor: V) -> Result<V::Value, ReadError> {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => visitor.visit_i64(number),
        (_, Ok(number)) => visitor.visit_u64(number),
        _ => visitor.visit_i128(number),
    }
}

macro_rules! read_text_as {
    ($($method:ident => $type:ty, $visit:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            if let ConfigData::Text(text) = &self.value.data
                && let Ok(read) = text.trim().parse::<$type>()
            {
                return $visit(read, visitor);
            }
            self.visit_as_said(visitor)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for ValueDeserializer<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        // The type does not say what it expects, so whatever is in it may be a secret.
        self.notes.hidden.set(true);
        self.visit_as_said(visitor)
    }

    read_text_as! {
        deserialize_bool => bool, |read, visitor: V| visitor.visit_bool(read);
        deserialize_i8 => i128, visit_whole_number;
        deserialize_i16 => i128, visit_whole_number;
        deserialize_i32 => i128, visit_whole_number;
        deserialize_i64 => i128, visit_whole_number;
        deserialize_i128 => i128, visit_whole_number;
        deserialize_u8 => i128, visit_whole_number;
        deserialize_u16 => i128, visit_whole_number;
        deserialize_u32 => i128, visit_whole_number;
        deserialize_u64 => i128, visit_whole_number;
        deserialize_u128 => i128, visit_whole_number;
        deserialize_f32 => f64, |read, visitor: V| visitor.visit_f64(read);
        deserialize_f64 => f64, |read, visitor: V| visitor.visit_f64(read);
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_as_said(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_as_said(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_as_said(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_as_said(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_as_said(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_as_said(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_as_said(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == SECRET_NEWTYPE {
            self.notes.hidden.set(true);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if let ConfigData::Text(_) = &self.value.data {
            let items =
                super::collections::items(self.value).map_err(|_| ReadError::new(IssueKind::Type, "not a list"))?;
            return visitor.visit_seq(Items { rest: items.iter(), index: 0, parent: &self });
        }
        let is_one = matches!(self.value.data, ConfigData::List(_));
        self.container(is_one, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.table(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.table(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.value.data {
            ConfigData::Text(text) | ConfigData::String(text) => {
                let variant: StrDeserializer<'_, ReadError> = text.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            ConfigData::Table(entries) if entries.len() == 1 => match entries.iter().next() {
                Some((name, value)) => visitor.visit_enum(Variant { name, content: self.child(name, value) }),
                None => self.visit_as_said(visitor),
            },
            _ => self.visit_as_said(visitor),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_as_said(visitor)
    }

    /// Serde would skip this value, because the type has no field of its name: that is a key nobody knows.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let issue = ConfigIssue::new(IssueKind::Unknown, &self.key, "is not known", Some(self.value.origin.clone()));
        self.notes.unknown.borrow_mut().push(issue);
        visitor.visit_unit()
    }
}

struct Items<'b, 'a> {
    rest: std::slice::Iter<'a, ConfigValue>,
    index: usize,
    parent: &'b ValueDeserializer<'a>,
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let Some(item) = self.rest.next() else { return Ok(None) };
        let child = self.parent.child(&format!("[{}]", self.index), item);
        self.index += 1;
        child.seed(seed).map(Some)
    }
}

struct Entries<'b, 'a> {
    rest: btree_map::Iter<'a, String, ConfigValue>,
    entry: Option<(&'a str, &'a ConfigValue)>,
    parent: &'b ValueDeserializer<'a>,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        self.entry = self.rest.next().map(|(key, value)| (key.as_str(), value));
        let Some((key, _)) = self.entry else { return Ok(None) };
        let name: StrDeserializer<'_, ReadError> = key.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        match self.entry.take() {
            Some((key, value)) => self.parent.child(key, value).seed(seed),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

struct Variant<'a> {
    name: &'a str,
    content: ValueDeserializer<'a>,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = ReadError;
    type Variant = ValueDeserializer<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), ReadError> {
        let name: StrDeserializer<'_, ReadError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.content))
    }
}

impl<'de> de::VariantAccess<'de> for ValueDeserializer<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Err(de::Error::custom("the word takes no value"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ReadError> {
        self.seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ReadError> {
        let (key, value) = (self.key.clone(), self.value);
        Self::locate(&key, value, de::Deserializer::deserialize_tuple(self, len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let (key, value) = (self.key.clone(), self.value);
        Self::locate(&key, value, de::Deserializer::deserialize_struct(self, "", fields, visitor))
    }
}

/// The deserializer of a value that is not there.
struct Absent;

impl<'de> de::Deserializer<'de> for Absent {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ReadError> {
        Err(de::Error::custom("not set"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
