//! What a process is run for.

use std::fmt;
use std::str::FromStr;

/// What a process is run for. It picks `athyper.<profile>.toml`, and [`Prod`](Self::Prod) refuses insecure defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// On a developer's machine: everything has a default.
    #[default]
    Dev,
    /// In tests.
    Test,
    /// For real: insecure defaults are refused by name.
    Prod,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Dev, Self::Test, Self::Prod];

    /// The word for it in configuration: `dev`, `test`, `prod`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Prod => "prod",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.word() == text)
            .ok_or_else(|| "a profile is one of dev, test, prod".to_owned())
    }
}
