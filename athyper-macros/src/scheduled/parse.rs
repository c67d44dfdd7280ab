//! What stands there: the expression, the options, and the function with our attributes taken off.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Item, ItemFn, LitStr};

use crate::common::arguments::{Arguments, Known, Takes, split};
use crate::common::errors::Errors;
use crate::common::item::what_is;
use crate::common::job_options;
use crate::common::signature::{Parameter, take_parameters};

const OF_SCHEDULE: &[Known] = &[
    ("tz", Takes::Value("\"Europe/Berlin\"")),
    ("missed", Takes::Value("once")),
    ("overlap", Takes::Value("skip")),
    ("name", Takes::Value("\"nightly_report\"")),
];

/// An attribute and its function.
pub(super) struct Parsed {
    pub(super) expression: Option<LitStr>,
    pub(super) arguments: Arguments,
    pub(super) function: ItemFn,
    pub(super) parameters: Vec<Parameter>,
}

/// Reads both; the tokens are the item as the compiler shall see it, whatever was wrong.
pub(super) fn parse(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> (Option<Parsed>, TokenStream) {
    let mut function = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(function)) => function,
        Ok(other) => {
            let message = format!("`#[scheduled]` stands on an `async fn`, not on {}", what_is(&other));
            errors.at(Span::call_site(), message);
            return (None, other.into_token_stream());
        }
        Err(error) => {
            errors.add(error);
            return (None, item);
        }
    };
    let mut parts = split(arguments).into_iter().peekable();
    let expression = parts.peek().and_then(|first| syn::parse2::<LitStr>(first.clone()).ok());
    if expression.is_some() {
        parts.next();
    } else {
        let message = "the cron expression comes first: `#[scheduled(\"0 0 * * *\", tz = \"Europe/Berlin\")]`";
        match parts.peek() {
            Some(first) => errors.on(first, message),
            None => errors.at(Span::call_site(), message),
        }
        // A first part that is no option either would be reported twice.
        if parts.peek().is_some_and(|first| !first.to_string().contains('=')) {
            parts.next();
        }
    }
    let known: Vec<Known> = [OF_SCHEDULE, job_options::KNOWN].concat();
    let rest: TokenStream = parts.map(|part| quote!(#part,)).collect();
    let arguments = Arguments::read("`#[scheduled]`", rest, &known, &[], errors);
    let parameters = take_parameters(&mut function, errors);
    let tokens = quote!(#function);
    (Some(Parsed { expression, arguments, function, parameters }), tokens)
}
