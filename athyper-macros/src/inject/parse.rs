//! What stands there: the options, and the item with our attributes taken off.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Item, ItemFn, ItemStruct};

use crate::common::arguments::{Arguments, Known, Takes};
use crate::common::dependency::{Injection, On, take_injection};
use crate::common::errors::Errors;
use crate::common::item::what_is;
use crate::common::signature::{Parameter, take_parameters};

const KNOWN: &[Known] = &[
    ("scope", Takes::Value("singleton")),
    ("name", Takes::Value("\"primary\"")),
    ("as", Takes::Value("dyn Trait")),
    ("order", Takes::Value("10")),
    ("close", Takes::Value("Type::close")),
];

/// The two things that can be components.
pub(super) enum Source {
    /// A struct, with what `#[inject]` says on each of its fields.
    Struct(ItemStruct, Vec<Option<Injection>>),
    /// A factory, with its parameters.
    Factory(ItemFn, Vec<Parameter>),
}

/// An attribute and its item.
pub(super) struct Parsed {
    pub(super) arguments: Arguments,
    pub(super) source: Source,
}

/// Reads both; the tokens are the item as the compiler shall see it, whatever was wrong.
pub(super) fn parse(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> (Option<Parsed>, TokenStream) {
    let arguments = Arguments::read("`#[inject]`", arguments, KNOWN, &["as"], errors);
    let item = match syn::parse2::<Item>(item.clone()) {
        Ok(item) => item,
        Err(error) => {
            errors.add(error);
            return (None, item);
        }
    };
    match item {
        Item::Struct(mut item) => {
            let injections =
                item.fields.iter_mut().map(|field| take_injection(&mut field.attrs, On::Field, errors)).collect();
            let tokens = quote!(#item);
            (Some(Parsed { arguments, source: Source::Struct(item, injections) }), tokens)
        }
        Item::Fn(mut item) => {
            let parameters = take_parameters(&mut item, errors);
            let tokens = quote!(#item);
            (Some(Parsed { arguments, source: Source::Factory(item, parameters) }), tokens)
        }
        other => {
            let what = what_is(&other);
            let message =
                format!("`#[inject]` stands on a struct or on a function that makes a component, not on {what}");
            errors.at(proc_macro2::Span::call_site(), message);
            (None, other.into_token_stream())
        }
    }
}
