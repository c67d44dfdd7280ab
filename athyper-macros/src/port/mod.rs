//! `#[port]` on a trait and on its implementations.

mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::common::errors::Errors;

/// `#[port]`.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(parsed) = parse::parse(arguments, item.clone(), &mut errors) else {
        let errors = errors.into_compile_errors();
        return quote!(#item #errors);
    };
    let model = model::Port::new(&parsed, &mut errors);
    if errors.is_empty() {
        return expand::expand(&parsed, &model);
    }
    let (errors, item) = (errors.into_compile_errors(), expand::item(&parsed));
    quote!(#item #errors)
}
