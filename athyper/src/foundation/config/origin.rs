//! Where a value of the configuration was said.

use std::fmt;
use std::sync::Arc;

use crate::foundation::container::Place;

/// Where a value of the configuration was said. Later variants win over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the section's default.
    Default,
    /// In a file.
    File {
        /// The file, as it was opened.
        file: Arc<str>,
        /// The line, from 1.
        line: u32,
    },
    /// In a variable of the environment.
    Variable(Arc<str>),
    /// On the builder.
    Builder(Option<Place>),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { file, line } => write!(formatter, "{file}:{line}"),
            Self::Variable(name) => write!(formatter, "variable {name}"),
            Self::Builder(Some(place)) => write!(formatter, "builder at {place}"),
            Self::Builder(None) => formatter.write_str("builder"),
        }
    }
}
