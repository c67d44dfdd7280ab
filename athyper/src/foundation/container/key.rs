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
        formatter.write_str(&without_paths(self.type_name()))?;
        match self.name {
            Some(name) => write!(formatter, " named \"{name}\""),
            None => Ok(()),
        }
    }
}

/// Leaves of every path in the name of a type only its last segment.
fn without_paths(name: &str) -> String {
    let mut short = String::new();
    // Where the path that is being read began, and those around it.
    let mut start = 0;
    let mut around = Vec::new();
    for character in name.chars() {
        match character {
            ':' => short.truncate(start),
            '<' => {
                short.push('<');
                around.push(start);
                start = short.len();
            }
            '>' if !short.ends_with('-') => {
                short.push('>');
                start = around.pop().unwrap_or(0);
            }
            // Braces and numbers stand in the names of closures and blocks: `main::{{closure}}::User`.
            '_' | '{' | '}' | '#' => short.push(character),
            _ if character.is_alphanumeric() => short.push(character),
            _ => {
                short.push(character);
                start = short.len();
            }
        }
    }
    short
}

impl fmt::Debug for TypeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::{TypeKey, without_paths};

    #[test]
    fn paths_are_left_out() {
        for (name, short) in [
            ("u8", "u8"),
            ("dyn app::mail::Mailer", "dyn Mailer"),
            ("dyn app::Mailer + core::marker::Send", "dyn Mailer + Send"),
            ("app::Repository<app::model::User, alloc::vec::Vec<u8>>", "Repository<User, Vec<u8>>"),
            ("app::tests::run::{{closure}}::User", "User"),
            ("app::<impl app::Mailer for app::Smtp>::send::Reply", "Reply"),
            ("(app::One, &[app::Two; 3])", "(One, &[Two; 3])"),
            ("fn(app::One) -> core::option::Option<app::Two>", "fn(One) -> Option<Two>"),
            ("alloc::boxed::Box<dyn core::ops::Fn(app::One) -> app::Two>", "Box<dyn Fn(One) -> Two>"),
        ] {
            assert_eq!(without_paths(name), short);
        }
    }

    #[test]
    fn a_name_is_shown_and_tells_keys_apart() {
        let key = TypeKey::of::<Vec<String>>();
        assert_eq!(key.to_string(), "Vec<String>");
        assert_eq!(key.named(Some("primary")).to_string(), "Vec<String> named \"primary\"");
        assert_ne!(key, key.named(Some("primary")));
        assert_eq!(key.named(Some("primary")).named(None), key);
    }
}
