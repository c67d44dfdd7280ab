//! The shape of sections, as data: what the derive says, what `config` prints, what unknown keys are compared with.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{ConfigError, ConfigSection, ConfigValue, FromConfigValue, Profile};
use crate::foundation::container::{Place, TypeKey};

/// The shape of a value.
#[derive(Clone, Copy)]
pub enum Shape {
    /// One value.
    Value,
    /// One value, or several, that must never be shown.
    Secret,
    /// A value that serde reads: whether there is a secret inside is not known, so it is not shown.
    Opaque,
    /// A list of values.
    List(fn() -> Shape),
    /// A table whose keys are the user's own.
    Map(fn() -> Shape),
    /// A table with known keys.
    Table(fn() -> &'static [FieldDescriptor]),
}

impl Shape {
    /// Whether the value must never be shown.
    #[must_use]
    pub fn is_secret(self) -> bool {
        match self {
            Self::Secret => true,
            Self::List(inner) => inner().is_secret(),
            Self::Value | Self::Opaque | Self::Map(_) | Self::Table(_) => false,
        }
    }

    /// The shape of a list's items.
    pub(super) fn item(self) -> Self {
        match self {
            Self::List(inner) => inner(),
            Self::Value | Self::Secret | Self::Opaque | Self::Map(_) | Self::Table(_) => self,
        }
    }

    /// The shape of what stands under a key of a table; `None` when there is no such key.
    pub(crate) fn child(self, key: &str) -> Option<Self> {
        match self {
            Self::Map(inner) => Some(inner()),
            Self::Table(fields) => fields().iter().find(|field| field.key == key).map(|field| field.shape),
            Self::Secret | Self::Opaque => Some(self),
            Self::Value | Self::List(_) => None,
        }
    }

    /// Whether the value is a table, whatever else it may be.
    pub(crate) const fn is_table(self) -> bool {
        matches!(self, Self::Map(_) | Self::Table(_))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Value => "value",
            Self::Secret => "secret",
            Self::Opaque => "opaque",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Table(_) => "table",
        })
    }
}

/// What a field is when nobody says a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// This text, read as a variable of the environment would be.
    Text(&'static str),
    /// These texts, as a list.
    List(&'static [&'static str]),
    /// What this Rust expression evaluates to.
    Expression(&'static str),
}

/// One field of a section or table.
#[derive(Clone, Copy)]
pub struct FieldDescriptor {
    /// The key.
    pub key: &'static str,
    /// The shape of its value.
    pub shape: Shape,
    /// Whether leaving it out is fine without a default.
    pub optional: bool,
    /// What it is when nobody says it.
    pub default: Option<DefaultValue>,
    /// What it is in profile `prod` when nobody says it, where that differs.
    pub prod_default: Option<DefaultValue>,
    /// A short variable that sets it beside `ATHYPER__SECTION__KEY`, such as `PORT`.
    pub variable: Option<&'static str>,
    /// Why profile `prod` refuses to start when nobody says it.
    pub insecure_by_default: Option<&'static str>,
    /// What it is for.
    pub doc: &'static str,
    /// Where the field stands.
    pub place: Option<Place>,
}

impl FieldDescriptor {
    /// A field of type `T`.
    #[must_use]
    pub const fn new<T: FromConfigValue>(key: &'static str) -> Self {
        Self { shape: T::SHAPE, optional: T::OPTIONAL, ..Self::parsed(key) }
    }

    /// A field that serde reads. What it holds is not shown, since there may be a secret inside.
    #[must_use]
    pub const fn deserialized(key: &'static str) -> Self {
        Self { shape: Shape::Opaque, ..Self::parsed(key) }
    }

    /// A field that `FromStr` reads.
    #[must_use]
    pub const fn parsed(key: &'static str) -> Self {
        Self {
            key,
            shape: Shape::Value,
            optional: false,
            default: None,
            prod_default: None,
            variable: None,
            insecure_by_default: None,
            doc: "",
            place: None,
        }
    }

    /// What it is when nobody says it.
    #[must_use]
    pub const fn with_default(self, default: DefaultValue) -> Self {
        Self { default: Some(default), ..self }
    }

    /// What it is in profile `prod` when nobody says it.
    #[must_use]
    pub const fn with_prod_default(self, default: DefaultValue) -> Self {
        Self { prod_default: Some(default), ..self }
    }

    /// A short variable that sets it too.
    #[must_use]
    pub const fn with_variable(self, name: &'static str) -> Self {
        Self { variable: Some(name), ..self }
    }

    /// Profile `prod` refuses to start when nobody says it, for this reason.
    #[must_use]
    pub const fn insecure_by_default(self, reason: &'static str) -> Self {
        Self { insecure_by_default: Some(reason), ..self }
    }

    /// Never shown, whatever its type.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { shape: Shape::Secret, ..self }
    }

    /// Shown although serde reads it: there is no secret inside.
    #[must_use]
    pub const fn shown(self) -> Self {
        Self { shape: Shape::Value, ..self }
    }

    /// May be left out.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// What it is for.
    #[must_use]
    pub const fn with_doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }

    /// Where the field stands.
    #[must_use]
    pub const fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// What it is in `profile` when nobody says it.
    #[must_use]
    pub fn default_in(&self, profile: Profile) -> Option<DefaultValue> {
        match profile {
            Profile::Prod => self.prod_default.or(self.default),
            Profile::Dev | Profile::Test => self.default,
        }
    }
}

impl fmt::Debug for FieldDescriptor {
    /// Without the defaults: one of them may be a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FieldDescriptor")
            .field("key", &self.key)
            .field("shape", &self.shape)
            .field("optional", &self.optional)
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}

/// A section that was read: the `Arc<T>` of its type `T`.
pub type SectionValue = Arc<dyn Any + Send + Sync>;

/// One section of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct SectionDescriptor {
    /// The key of the section's table.
    pub name: &'static str,
    /// The type it is read into.
    pub key: TypeKey,
    /// What it is in the source, such as ``struct `SmtpConfig` ``.
    pub label: &'static str,
    /// Where it stands.
    pub place: Place,
    /// The module it stands in (`module_path!()`).
    pub module: &'static str,
    /// Its fields.
    pub fields: &'static [FieldDescriptor],
    /// The shape of its table.
    pub shape: Shape,
    /// Reads the section's table.
    pub read: fn(&ConfigValue, Profile) -> Result<SectionValue, ConfigError>,
    /// Turns what `read` made into the boxed `Arc<T>` that the container holds.
    pub instance: fn(&SectionValue) -> Option<Box<dyn Any + Send + Sync>>,
}

impl SectionDescriptor {
    /// The descriptor of section `T`.
    ///
    /// # Panics
    /// In constant evaluation, when `name` is not a word of lower-case letters, digits and single `_`: variables could not
    /// spell it.
    #[must_use]
    pub const fn of<T: ConfigSection>(
        name: &'static str,
        label: &'static str,
        place: Place,
        module: &'static str,
    ) -> Self {
        assert!(is_key(name), "a section's name is made of lower-case letters, digits and single `_`");
        Self {
            name,
            key: TypeKey::of::<T>(),
            label,
            place,
            module,
            fields: T::FIELDS,
            shape: T::SHAPE,
            read: |value, profile| Ok(Arc::new(T::from_config_value(value, profile)?) as SectionValue),
            instance: |value| {
                let typed = Arc::clone(value).downcast::<T>().ok()?;
                Some(Box::new(typed))
            },
        }
    }
}

/// Whether a variable can spell the key: lower-case letters, digits, single `_` inside.
pub(crate) const fn is_key(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut index = 0;
    let mut previous = b'_';
    while index < bytes.len() {
        let byte = bytes[index];
        if !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || (byte == b'_' && previous != b'_')) {
            return false;
        }
        previous = byte;
        index += 1;
    }
    !bytes.is_empty() && previous != b'_'
}
