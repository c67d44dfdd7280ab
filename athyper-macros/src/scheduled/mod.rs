//! `#[scheduled]` on a function: work that recurs.

mod expand;
// The very file that reads expressions when the product runs, so that both agree; a test compares the two.
#[allow(dead_code, reason = "the macro asks only whether an expression is understood")]
mod expression;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::common::conditions::under_conditions;
use crate::common::errors::Errors;

/// `#[scheduled("…", …)]`.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (parsed, item) = parse::parse(arguments, item, &mut errors);
    let schedule = parsed.and_then(|parsed| model::Schedule::new(parsed, &mut errors));
    let output = match schedule {
        Some(schedule) if errors.is_empty() => expand::expand(&schedule),
        _ => errors.into_compile_errors(),
    };
    let output = under_conditions(&item, output);
    quote!(#item #output)
}
