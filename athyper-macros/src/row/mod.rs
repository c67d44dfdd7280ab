//! `#[derive(Row)]`: a struct that is read from a row, by column name.

mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::common::errors::Errors;

/// `#[derive(Row)]`.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = errors.keep(syn::parse2(input)) else { return errors.into_compile_errors() };
    let parsed = parse::parse(&input, &mut errors);
    let row = parsed.map(|parsed| model::Row::new(&parsed, &mut errors));
    match row {
        Some(row) if errors.is_empty() => expand::expand(&row),
        _ => {
            let (errors, fallback) = (errors.into_compile_errors(), expand::fallback(&input));
            quote!(#errors #fallback)
        }
    }
}
