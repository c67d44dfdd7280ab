//! The trait with boxed futures, and what lets a test put a fake in its place.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;

use super::model::Port;
use super::parse::Parsed;
use crate::common::conditions::under_conditions;
use crate::common::place::at;

pub(super) fn expand(parsed: &Parsed, port: &Port) -> TokenStream {
    let item = item(parsed);
    let Parsed::Trait(port_trait) = parsed else { return item };
    let ident = &port_trait.ident;
    let value = Ident::new("value", Span::mixed_site());
    let bounds = port.inherits_bounds.then(|| {
        let port = quote_spanned!(at(ident)=> dyn #ident);
        quote!(const _: () = <#port as athyper::private::SharedPort>::CHECKED;)
    });
    let output = quote! {
        #bounds
        #[automatically_derived]
        impl<__AthyperValue: #ident + 'static> athyper::private::Accepts<__AthyperValue> for dyn #ident {
            fn accept(#value: ::std::sync::Arc<__AthyperValue>) -> ::std::sync::Arc<Self> {
                #value
            }
        }
    };
    let output = under_conditions(&quote!(#port_trait), output);
    quote!(#item #output)
}

/// The item with its `async fn`s made callable through `dyn Trait`.
pub(super) fn item(parsed: &Parsed) -> TokenStream {
    match parsed {
        Parsed::Trait(item) => quote!(#[athyper::private::async_trait] #item),
        Parsed::Implementation(item) => quote!(#[athyper::private::async_trait] #item),
    }
}
