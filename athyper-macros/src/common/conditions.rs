//! The `#[cfg]`s of an item.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Item};

use super::signature::is_condition;

/// Our output, under the conditions of the item it belongs to: a `#[cfg]` below our attribute is still there.
pub(crate) fn under_conditions(item: &TokenStream, output: TokenStream) -> TokenStream {
    let Ok(item) = syn::parse2::<Item>(item.clone()) else { return output };
    let attributes: &[Attribute] = match &item {
        Item::Fn(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        _ => &[],
    };
    let conditions: Vec<&Attribute> = attributes.iter().filter(|attribute| is_condition(attribute)).collect();
    if conditions.is_empty() {
        return output;
    }
    quote!(#(#conditions)* const _: () = { #output };)
}
