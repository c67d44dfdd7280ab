//! What a component is found by.

use std::any::TypeId;
use std::fmt;
use std::hash::{Hash, Hasher};

/// What a component is found by: a type or `dyn Trait`, and a name if there are several.
#[derive(Clone, Copy)]
pub struct TypeKey {
    id: TypeId,
    type_name: fn() -> &'static str,
    name: Option<&'static str>,
}

impl TypeKey {
    /// The key of a type or `dyn Trait`.
    #[must_use]
    pub const fn of<T: ?Sized + 'static>() -> Self {
        Self { id: TypeId::of::<T>(), type_name: std::any::type_name::<T>, name: None }
    }

    /// The same key under a name.
    #[must_use]
    pub const fn named(self, name: Option<&'static str>) -> Self {
        Self { name, ..self }
    }

    /// The type's identity.
    #[must_use]
    pub const fn type_id(&self) -> TypeId {
        self.id
    }

    /// The name, if it has one.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// The type's full path.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }
}

impl PartialEq for TypeKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.name == other.name
    }
}

impl Eq for TypeKey {}

impl Hash for TypeKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Without a name, only the id: this is what looking up a component costs.
        self.id.hash(state);
        if let Some(name) = self.name {
            name.hash(state);
        }
    }
}

impl fmt::Display for TypeKey {
    /// The type with the paths of its parts left out: `dyn Mailer`, `Repository<User>`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut segment = String::new();
        for character in self.type_name().chars() {
            match character {
                ':' => segment.clear(),
                _ if character.is_alphanumeric() || character == '_' => segment.push(character),
                _ => {
                    formatter.write_str(&segment)?;
                    segment.clear();
                    fmt::Write::write_char(formatter, character)?;
                }
            }
        }
        formatter.write_str(&segment)?;
        match self.name {
            Some(name) => write!(formatter, " named \"{name}\""),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for TypeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
