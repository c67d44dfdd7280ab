//! `#[derive(Config)]` on a struct (a section, or a table inside one) or an enum (a word).

mod defaults;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::common::errors::Errors;

/// `#[derive(Config)]`.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = errors.keep(syn::parse2(input)) else { return errors.into_compile_errors() };
    let parsed = parse::parse(&input, &mut errors);
    let model = parsed.and_then(|parsed| model::Config::new(parsed, &mut errors));
    match model {
        Some(model) if errors.is_empty() => expand::expand(&model),
        _ => {
            let (errors, fallback) = (errors.into_compile_errors(), expand::fallback(&input));
            quote!(#errors #fallback)
        }
    }
}
