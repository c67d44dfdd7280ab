//! Conversion of configuration values into the types of fields.

mod collections;
pub(super) mod deserialize;
mod network;
mod numbers;
mod text;
mod time;

use super::{ConfigError, ConfigValue, IssueKind, Profile, Shape};

pub(super) use deserialize::deserialize;

/// A type that a field of a section can have.
///
/// Implemented for whole numbers, `f64`, `bool`, `String`, `PathBuf`, `Duration` (`"1h 30m"`), [`ByteSize`](super::ByteSize),
/// [`StoreUrl`](super::StoreUrl), addresses, [`Secret`](crate::foundation::secret::Secret), `Option`, `Vec`, maps by text, and what derives `Config`. For
/// a type of your own, implement it, or write `#[config(parse)]` (`FromStr`) or `#[config(deserialize)]` (serde) on the field.
///
/// ```
/// use athyper::config::{ConfigError, ConfigValue, FromConfigValue, Profile};
///
/// struct Percent(u8);
///
/// impl FromConfigValue for Percent {
///     fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError> {
///         match u8::from_config_value(value, profile) {
///             Ok(number @ 0..=100) => Ok(Self(number)),
///             _ => Err(ConfigError::expected("a whole number from 0 to 100")),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the configuration",
    note = "derive `Config` on it for a nested table or an enum of words, implement `FromConfigValue`,",
    note = "or write `#[config(parse)]` (`FromStr`) or `#[config(deserialize)]` (serde) on the field"
)]
pub trait FromConfigValue: Sized {
    /// The shape of its values.
    const SHAPE: Shape = Shape::Value;
    /// Whether it may be left out without a default.
    const OPTIONAL: bool = false;

    /// Reads it from a value. Errors name the value as `{value}`: only the field knows whether it may be shown.
    ///
    /// # Errors
    /// When the value does not fit.
    fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError>;

    /// What it is when nobody said a value and the field has no default.
    ///
    /// # Errors
    /// When it has to be said.
    fn when_absent(profile: Profile) -> Result<Self, ConfigError> {
        let _ = profile;
        Err(ConfigError::missing())
    }
}

/// A word of the configuration, and what it means.
pub type Word<T> = (&'static str, fn() -> T);

/// Reads one of several words.
///
/// # Errors
/// When the value is none of them; the error lists them.
pub fn read_word<T>(value: &ConfigValue, words: &[Word<T>]) -> Result<T, ConfigError> {
    let said = value.as_str();
    if let Some((_, make)) = words.iter().find(|(word, _)| Some(*word) == said) {
        return Ok(make());
    }
    let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    let error = ConfigError::new(IssueKind::Type, format!("must be one of {}, not {{value}}", known.join(", ")));
    let said = said.unwrap_or_default().to_ascii_lowercase();
    Err(
        match known
            .iter()
            .find(|word| **word == said || said.starts_with(*word) || (!said.is_empty() && word.starts_with(&said)))
        {
            Some(word) => error.suggesting(word),
            None => error,
        },
    )
}
