//! `#[derive(Failure)]`: a product's error that joins `athyper::Error`.

mod expand;
mod message;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::common::errors::Errors;

/// `#[derive(Failure)]`.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = errors.keep(syn::parse2(input)) else { return errors.into_compile_errors() };
    let parsed = parse::parse(&input, &mut errors);
    let failure = parsed.map(|parsed| model::Failure::new(&parsed, &mut errors));
    match failure {
        Some(failure) if errors.is_empty() => expand::expand(&failure),
        _ => {
            let (errors, fallback) = (errors.into_compile_errors(), expand::fallback(&input));
            quote!(#errors #fallback)
        }
    }
}
