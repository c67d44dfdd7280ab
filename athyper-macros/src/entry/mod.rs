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
    let is_main = syn::parse2::<syn::ItemFn>(item.clone()).is_ok_and(|function| function.sig.ident == "main");
    let parsed = parse::parse(arguments, item.clone(), &mut errors);
    let entry = parsed.and_then(|parsed| model::Entry::new(parsed, &mut errors));
    let output = match entry {
        Some(entry) if errors.is_empty() => expand::expand(&entry),
        _ => {
            let (errors, fallback) = (errors.into_compile_errors(), expand::fallback());
            quote!(#errors #fallback)
        }
    };
    // A `main` of another shape would be a second error.
    let item = if is_main { TokenStream::new() } else { item };
    quote!(#item #output)
}
