//! What stands there: a trait, or an implementation.

use proc_macro2::{Span, TokenStream};
use syn::{Item, ItemImpl, ItemTrait};

use crate::common::arguments::Arguments;
use crate::common::errors::Errors;
use crate::common::item::what_is;

/// The two things `#[port]` stands on.
pub(super) enum Parsed {
    Trait(ItemTrait),
    Implementation(ItemImpl),
}

/// Reads the item.
pub(super) fn parse(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> Option<Parsed> {
    drop(Arguments::read("`#[port]`", arguments, &[], &[], errors));
    match errors.keep(syn::parse2::<Item>(item))? {
        Item::Trait(item) => Some(Parsed::Trait(item)),
        Item::Impl(item) if item.trait_.is_some() => Some(Parsed::Implementation(item)),
        Item::Impl(item) => {
            errors.on(item.impl_token, "`#[port]` stands on the implementation of a port: `impl Mailer for Smtp`");
            None
        }
        other => {
            let message = format!("`#[port]` stands on a trait or on its implementation, not on {}", what_is(&other));
            errors.at(Span::call_site(), message);
            None
        }
    }
}
