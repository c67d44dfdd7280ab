//! What an item is called in a message.

use syn::Item;

/// What an item is, with its article: `a struct`, `an enum`.
pub(crate) fn what_is(item: &Item) -> &'static str {
    match item {
        Item::Struct(_) => "a struct",
        Item::Enum(_) => "an enum",
        Item::Union(_) => "a union",
        Item::Fn(_) => "a function",
        Item::Trait(_) => "a trait",
        Item::Impl(_) => "an `impl` block",
        Item::Mod(_) => "a module",
        Item::Const(_) => "a constant",
        Item::Static(_) => "a static",
        Item::Type(_) => "a type alias",
        Item::Use(_) => "a `use`",
        _ => "something else",
    }
}
