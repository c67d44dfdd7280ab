//! Errors collected, so that one compilation shows them all.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Error;

/// Errors collected, so that one compilation shows them all.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// Notes an error at a place.
    pub(crate) fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.add(Error::new(span, message));
    }

    /// Notes an error that covers some tokens.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.add(Error::new_spanned(tokens, message));
    }

    /// Notes an error.
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Keeps the value, or notes the error.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(error);
                None
            }
        }
    }

    /// Whether none was noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The tokens that make the compiler show them; nothing if there are none.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.map(|error| error.into_compile_error()).unwrap_or_default()
    }
}
