//! The code that reads a row.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{DeriveInput, Ident};

use super::model::{Field, Row};

pub(super) fn expand(row: &Row) -> TokenStream {
    let ident = &row.ident;
    let source = Ident::new("row", Span::mixed_site());
    let fields = row.fields.iter().map(|field| {
        let Field { ident, ty, column, .. } = field;
        let read = match (field.is_json, field.has_default) {
            (false, false) => quote!(#source.get::<#ty>(#column)),
            (false, true) => quote!(athyper::private::row_or_default::<#ty>(&#source, #column)),
            (true, false) => quote!(athyper::private::row_json::<#ty>(&#source, #column)),
            (true, true) => quote!(athyper::private::row_json_or_default::<#ty>(&#source, #column)),
        };
        quote!(#ident: #read?)
    });
    quote! {
        #[automatically_derived]
        impl athyper::private::FromRow for #ident {
            fn from_row(#source: athyper::private::Row) -> athyper::private::Result<Self> {
                ::core::result::Result::Ok(Self { #(#fields),* })
            }
        }
    }
}

/// What makes the rest of the product compile.
pub(super) fn fallback(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    if !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    quote! {
        #[automatically_derived]
        impl athyper::private::FromRow for #ident {
            fn from_row(_: athyper::private::Row) -> athyper::private::Result<Self> {
                ::core::result::Result::Err(athyper::private::Error::internal(""))
            }
        }
    }
}
