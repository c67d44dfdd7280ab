//! `#[athyper::main]`: the product's `main`.

mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::common::errors::Errors;

/// `#[athyper::main]`.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = parse::parse(arguments, item.clone(), &mut errors);
    let entry = parsed.and_then(|parsed| model::Entry::new(parsed, &mut errors));
    let output = match entry {
        Some(entry) if errors.is_empty() => expand::expand(&entry),
        _ => {
            let (errors, fallback) = (errors.into_compile_errors(), expand::fallback(&item));
            quote!(#errors #fallback)
        }
    };
    quote!(#item #output)
}
