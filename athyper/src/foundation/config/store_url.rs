//! The URL of a store.

use std::fmt;
use std::str::FromStr;

use super::hide_passwords;

/// The URL of a store, such as `sqlite://data/app.db` or `redis://:password@host:6379`. Printing it hides the password.
///
/// ```
/// use athyper::config::StoreUrl;
///
/// let url: StoreUrl = "redis://user:hunter2@cache:6379/0".parse().unwrap();
/// assert_eq!(url.scheme(), "redis");
/// assert_eq!(url.to_string(), "redis://user:[secret]@cache:6379/0");
/// assert_eq!(url.expose(), "redis://user:hunter2@cache:6379/0");
///
/// let error = "localhost:6379".parse::<StoreUrl>().unwrap_err();
/// assert!(error.to_string().contains("no scheme"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreUrl {
    text: String,
    scheme: usize,
}

/// Why a text is not a [`StoreUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// Nothing stands before a `:` that could be a scheme, as in `localhost:6379`.
    #[error("it has no scheme, as in redis://host or sqlite://file")]
    NoScheme,
    /// What stands before the first `:` is no scheme (RFC 3986, section 3.1).
    #[error("its scheme must be letters, digits, `+`, `-` and `.`, and begin with a letter")]
    BadScheme,
    /// There is a space or a control character in it.
    #[error("it has a space or a control character in it")]
    Space,
    /// Nothing stands after the scheme.
    #[error("it has nothing after its scheme")]
    Empty,
}

impl StoreUrl {
    /// What stands before the first `:`, in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme]
    }

    /// The whole URL, password included. Keep it out of logs and errors.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether what the store holds ends with the process: `memory:`, `sqlite::memory:`, `sqlite://…?mode=memory`.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        let rest = self.text[self.scheme + 1..].trim_start_matches('/');
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        match self.scheme() {
            "memory" => true,
            "sqlite" => path == ":memory:" || options.split('&').any(|option| option == "mode=memory"),
            _ => false,
        }
    }
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, StoreUrlError> {
        if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return Err(StoreUrlError::Space);
        }
        let Some((scheme, rest)) = text.split_once(':') else { return Err(StoreUrlError::NoScheme) };
        // `host:6379` and `user:password@host` also have something before a colon.
        if !rest.starts_with("//") && (rest.starts_with(|first: char| first.is_ascii_digit()) || rest.contains('@')) {
            return Err(StoreUrlError::NoScheme);
        }
        let begins_well = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
        if !begins_well
            || !scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
        {
            return Err(if scheme.is_empty() { StoreUrlError::NoScheme } else { StoreUrlError::BadScheme });
        }
        if rest.trim_start_matches('/').is_empty() && scheme != "memory" {
            return Err(StoreUrlError::Empty);
        }
        Ok(Self { text: format!("{}:{rest}", scheme.to_ascii_lowercase()), scheme: scheme.len() })
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hide_passwords(&self.text))
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
