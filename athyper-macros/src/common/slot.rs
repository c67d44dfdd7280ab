//! A value that can be given once.

use proc_macro2::Span;
use syn::Error;

/// A value that can be given once.
pub(crate) struct Slot<T> {
    name: String,
    value: Option<T>,
}

impl<T> Slot<T> {
    /// An empty one, with the name that a second setting is told.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), value: None }
    }

    /// Sets it.
    ///
    /// # Errors
    /// When it is set already: `describe` says what the first value was.
    pub(crate) fn set(&mut self, span: Span, value: T, describe: impl FnOnce(&T) -> String) -> Result<(), Error> {
        match &self.value {
            Some(first) => Err(Error::new(span, format!("{} is given twice, first as {}", self.name, describe(first)))),
            None => {
                self.value = Some(value);
                Ok(())
            }
        }
    }

    /// The value, if it was given.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }
}
