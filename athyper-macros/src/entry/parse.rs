//! What stands there: the product's function, or a `use` of it.

use proc_macro2::{Span, TokenStream};
use syn::{Item, ItemFn, ItemUse};

use crate::common::arguments::Arguments;
use crate::common::errors::Errors;
use crate::common::item::what_is;

/// The two things `#[athyper::main]` stands on.
pub(super) enum Parsed {
    Function(ItemFn),
    Use(ItemUse),
}

/// Reads the item.
pub(super) fn parse(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> Option<Parsed> {
    drop(Arguments::read("`#[athyper::main]`", arguments, &[], &[], errors));
    match errors.keep(syn::parse2::<Item>(item))? {
        Item::Fn(item) => Some(Parsed::Function(item)),
        Item::Use(item) => Some(Parsed::Use(item)),
        other => {
            let what = what_is(&other);
            let message = format!(
                "`#[athyper::main]` stands on `fn(KernelBuilder) -> KernelBuilder`, or on a `use` of one, not on {what}"
            );
            errors.at(Span::call_site(), message);
            None
        }
    }
}
