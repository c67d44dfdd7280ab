//! `#[inject]` on a struct or a factory function: a component of the container.

mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::common::conditions::under_conditions;
use crate::common::errors::Errors;

/// `#[inject(…)]`.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (parsed, item) = parse::parse(arguments, item, &mut errors);
    let component = parsed.and_then(|parsed| model::Component::new(parsed, &mut errors));
    let output = match component {
        Some(component) if errors.is_empty() => expand::expand(&component),
        _ => errors.into_compile_errors(),
    };
    let output = under_conditions(&item, output);
    quote!(#item #output)
}
