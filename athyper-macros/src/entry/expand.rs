//! `fn main`, and the crate's entry among the modules.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::model::Entry;
use crate::common::place::place;

pub(super) fn expand(entry: &Entry) -> TokenStream {
    let ident = &entry.ident;
    let span = Span::mixed_site().located_at(entry.span);
    let run = quote_spanned!(span=> athyper::private::main(#ident));
    let place = place(ident.span());
    quote! {
        athyper::private::inventory::submit! {
            athyper::private::ModuleDescriptor::product(
                ::core::module_path!(),
                ::core::option_env!("CARGO_PKG_NAME"),
                #place,
            )
        }

        fn main() -> ::std::process::ExitCode {
            #run
        }
    }
}

/// A `main`: its absence would be a second error.
pub(super) fn fallback() -> TokenStream {
    quote! {
        fn main() -> ::std::process::ExitCode {
            ::std::process::ExitCode::FAILURE
        }
    }
}
