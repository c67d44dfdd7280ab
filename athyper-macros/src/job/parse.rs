//! What stands there: the options, and the function with our attributes taken off.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Item, ItemFn};

use super::limits;
use super::model::check_payload_type;
use crate::common::arguments::{Arguments, Known, Takes};
use crate::common::errors::Errors;
use crate::common::item::what_is;
use crate::common::job_options;
use crate::common::signature::{Parameter, is_named, take_parameters};

/// Options that a handler has besides those of each job.
const OF_HANDLER: &[Known] = &[("concurrency", Takes::Value("5")), ("contract", Takes::Nothing)];

/// Whether an option belongs to the handler, also when the rest is said by a contract.
pub(super) fn is_of_handler(name: &str) -> bool {
    OF_HANDLER.iter().chain(limits::KNOWN).any(|(known, _)| *known == name)
}

/// Options that identify a payload.
pub(super) const OF_PAYLOAD: &[Known] = &[
    ("name", Takes::Value("\"send_welcome\"")),
    ("version", Takes::Value("2")),
    ("aliases", Takes::Value("[\"old_name\"]")),
    ("upcasts", Takes::Value("[WelcomeV1]")),
];

/// An attribute and its function.
pub(super) struct Parsed {
    pub(super) arguments: Arguments,
    pub(super) function: ItemFn,
    pub(super) parameters: Vec<Parameter>,
}

impl Parsed {
    /// Makes the payload a job although the handler is refused, so that enqueueing it is no second error.
    pub(super) fn fallback(&self) -> TokenStream {
        let payload = self.parameters.iter().find(|parameter| is_payload(parameter)).map(|parameter| &parameter.ty);
        match payload {
            Some(payload) if !self.arguments.flag("contract") && check_payload_type(payload).is_ok() => {
                super::derive::fallback(payload)
            }
            _ => TokenStream::new(),
        }
    }
}

/// Whether a parameter is neither injected nor the context.
pub(super) fn is_payload(parameter: &Parameter) -> bool {
    parameter.injection.is_none() && !is_named(&parameter.ty, "JobContext")
}

/// Reads both; the tokens are the item as the compiler shall see it, whatever was wrong.
pub(super) fn parse(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> (Option<Parsed>, TokenStream) {
    let item = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(function)) => function,
        Ok(Item::Struct(_) | Item::Enum(_)) => {
            let message = "`#[job]` stands on the `async fn` that does the work; on the payload write `#[derive(Job)]`, \
                           with `#[job(…)]` below it if it needs a name or a version";
            errors.at(proc_macro2::Span::call_site(), message);
            return (None, item);
        }
        Ok(other) => {
            let message = format!("`#[job]` stands on the `async fn` that does the work, not on {}", what_is(&other));
            errors.at(proc_macro2::Span::call_site(), message);
            return (None, other.into_token_stream());
        }
        Err(error) => {
            errors.add(error);
            return (None, item);
        }
    };
    let mut function = item;
    // Those of the payload are known here so that they can be told where they belong.
    let known: Vec<Known> = [job_options::KNOWN, OF_HANDLER, limits::KNOWN, OF_PAYLOAD].concat();
    let arguments = Arguments::read("`#[job]`", arguments, &known, &[], errors);
    let parameters = take_parameters(&mut function, errors);
    let tokens = quote!(#function);
    (Some(Parsed { arguments, function, parameters }), tokens)
}
