//! `#[job]` on a handler and `#[derive(Job)]` on its payload.

mod derive;
mod expand;
mod limits;
mod model;
mod parse;

pub(crate) use derive::derive;
pub(crate) use expand::{Handler, Identity};
pub(crate) use model::{Source, sources};

use proc_macro2::TokenStream;
use quote::quote;

use crate::common::conditions::under_conditions;
use crate::common::errors::Errors;

/// `#[job(…)]`.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (parsed, item) = parse::parse(arguments, item, &mut errors);
    let fallback = parsed.as_ref().map(parse::Parsed::fallback).unwrap_or_default();
    let job = parsed.and_then(|parsed| model::Job::new(parsed, &mut errors));
    let output = match job {
        Some(job) if errors.is_empty() => expand::expand(&job),
        _ => {
            let errors = errors.into_compile_errors();
            quote!(#errors #fallback)
        }
    };
    let output = under_conditions(&item, output);
    quote!(#item #output)
}
