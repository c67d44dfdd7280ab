//! `Display`, `Error`, and the conversion into `athyper::Error`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Ident, LitStr};

use super::message::local_name;
use super::model::{Failure, FailureCase};
use crate::common::signature::argument_of;

pub(super) fn expand(failure: &Failure) -> TokenStream {
    let ident = &failure.ident;
    let local = |name: &str| Ident::new(name, Span::mixed_site());
    let (formatter, error, message) = (local("formatter"), local("error"), local("message"));
    let patterns: Vec<TokenStream> = failure.cases.iter().map(|case| pattern(failure, case)).collect();

    let texts = failure.cases.iter().zip(&patterns).map(|(case, pattern)| {
        let span = Span::mixed_site().located_at(case.message_span);
        let text = LitStr::new(&case.message, span);
        let write = quote_spanned!(span=> ::core::write!(#formatter, #text));
        quote!(#pattern => #write,)
    });
    let sources = failure.cases.iter().zip(&patterns).map(|(case, pattern)| match case.source {
        Some(index) => {
            let source = source(case, index, &quote!(as_source));
            quote!(#pattern => ::core::option::Option::Some(#source),)
        }
        None => quote!(#pattern => ::core::option::Option::None,),
    });
    let conversions = failure.cases.iter().zip(&patterns).map(|(case, pattern)| {
        let (kind, code) = (Ident::new(case.kind, Span::mixed_site()), &case.code);
        let status = case.status.map(|status| quote!(.with_status(#status)));
        let source = case.source.map(|index| {
            let source = source(case, index, &quote!(into_source));
            quote!(.with_source(#source))
        });
        quote! {
            #pattern => athyper::private::Error::new(athyper::private::ErrorKind::#kind, #message)
                .with_code(#code)
                #status
                #source,
        }
    });
    // An enum without variants has no value to match by reference.
    let (by_reference, by_value) =
        if failure.cases.is_empty() { (quote!(*self), quote!(#error)) } else { (quote!(self), quote!(#error)) };
    let text = (!failure.cases.is_empty()).then(|| quote!(let #message = ::std::string::ToString::to_string(&#error);));
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match #by_reference { #(#texts)* }
            }
        }
        #[automatically_derived]
        impl ::std::error::Error for #ident {
            fn source(&self) -> ::core::option::Option<&(dyn ::std::error::Error + 'static)> {
                match #by_reference { #(#sources)* }
            }
        }
        #[automatically_derived]
        impl ::core::convert::From<#ident> for athyper::private::Error {
            fn from(#error: #ident) -> Self {
                #text
                match #by_value { #(#conversions)* }
            }
        }
    }
}

/// What makes the rest of the product compile.
pub(super) fn fallback(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    if !input.generics.params.is_empty() || matches!(input.data, Data::Union(_)) {
        return TokenStream::new();
    }
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::result::Result::Ok(())
            }
        }
        #[automatically_derived]
        impl ::std::error::Error for #ident {}
        #[automatically_derived]
        impl ::core::convert::From<#ident> for athyper::private::Error {
            fn from(_: #ident) -> Self {
                athyper::private::Error::internal("")
            }
        }
    }
}

/// The expression that gives the source: a box is opened, anything else converts itself.
fn source(case: &FailureCase, index: usize, method: &TokenStream) -> TokenStream {
    let (source, ty) = (field(index), &case.types[index]);
    if argument_of(ty, "Box").is_some() {
        return if method.to_string() == "as_source" { quote!(&**#source) } else { quote!(#source) };
    }
    let local = Ident::new("convert", Span::mixed_site());
    // Bound first, so that a type that is no error is refused at its own place.
    quote!({
        let #local = <#ty as athyper::private::FailureSource>::#method;
        #local(#source)
    })
}

/// `Self::Taken { email: field_0 }`, `Self { .. }`.
fn pattern(failure: &Failure, case: &FailureCase) -> TokenStream {
    let (ident, case_ident) = (&failure.ident, &case.ident);
    let path = if failure.is_enum { quote!(#ident::#case_ident) } else { quote!(#ident) };
    let members = case.members.iter().enumerate().map(|(index, member)| {
        let local = field(index);
        quote!(#member: #local)
    });
    quote!(#path { #(#members),* })
}

fn field(index: usize) -> Ident {
    Ident::new(&local_name(index), Span::mixed_site())
}
