//! The descriptor of a component, and its entry in the table.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Type};

use super::model::{Component, Field, Kind, Options, Output, Scope};
use crate::common::dependency::{Dependency, wants};
use crate::common::place::{at, place};

pub(super) fn expand(component: &Component) -> TokenStream {
    let ident = &component.ident;
    match &component.kind {
        Kind::Struct { fields } => {
            let descriptor = descriptor(
                component,
                &quote!(#ident),
                &format!("struct `{ident}`"),
                &quote!(::core::any::TypeId::of::<#ident>),
                &struct_dependencies(fields),
                &build_struct(ident, fields),
            );
            let element = element(&quote!(<#ident as athyper::private::Component>::DESCRIPTOR));
            quote! {
                #[automatically_derived]
                impl athyper::private::Component for #ident {
                    const DESCRIPTOR: athyper::private::ComponentDescriptor = #descriptor;
                }
                #element
            }
        }
        Kind::Factory { parameters, output, is_async } => {
            let key = &output.key;
            let parameters: Vec<&Dependency> = parameters.iter().collect();
            element(&descriptor(
                component,
                &quote!(#key),
                &format!("factory `{ident}`"),
                &quote!(|| athyper::private::item_of(&#ident)),
                &parameters,
                &build_factory(ident, &parameters, output, *is_async),
            ))
        }
    }
}

fn struct_dependencies(fields: &[Field]) -> Vec<&Dependency> {
    fields
        .iter()
        .filter_map(|field| match field {
            Field::Injected(_, dependency) => Some(dependency),
            Field::Default(..) => None,
        })
        .collect()
}

fn resolver() -> Ident {
    Ident::new("resolver", Span::mixed_site())
}

/// The expression of type `Arc<Key>` that builds a struct.
fn build_struct(ident: &Ident, fields: &[Field]) -> TokenStream {
    let resolver = resolver();
    let fields = fields.iter().map(|field| match field {
        Field::Injected(member, dependency) => {
            let (conditions, value) = (&dependency.conditions, dependency.resolve(&resolver));
            quote!(#(#conditions)* #member: #value)
        }
        Field::Default(member, conditions) => {
            quote!(#(#conditions)* #member: ::core::default::Default::default())
        }
    });
    quote!(::std::sync::Arc::new(#ident { #(#fields),* }))
}

/// The expression of type `Arc<Key>` that calls a factory.
fn build_factory(ident: &Ident, parameters: &[&Dependency], output: &Output, is_async: bool) -> TokenStream {
    let resolver = resolver();
    let arguments = parameters.iter().map(|parameter| parameter.resolve(&resolver));
    let mut value = quote_spanned!(output.span=> #ident(#(#arguments),*));
    if is_async {
        value = quote_spanned!(output.span=> #value.await);
    }
    if output.is_fallible {
        value = quote_spanned!(output.span=> athyper::private::made(#value)?);
    }
    if output.is_shared { value } else { quote!(::std::sync::Arc::new(#value)) }
}

fn descriptor(
    component: &Component,
    key: &TokenStream,
    label: &str,
    item: &TokenStream,
    dependencies: &[&Dependency],
    build: &TokenStream,
) -> TokenStream {
    let Options { scope, name, order, close, traits } = &component.options;
    let scope = match scope {
        Scope::Singleton => quote!(Singleton),
        Scope::Request => quote!(Request),
        Scope::Transient => quote!(Transient),
    };
    let name = match name {
        Some(name) => quote!(::core::option::Option::Some(#name)),
        None => quote!(::core::option::Option::None),
    };
    let bindings = traits.iter().map(|bound| binding(key, bound, &name));
    let place = place(super::model::place_of(component));
    let wants = wants(dependencies.iter().copied());
    let resolver = resolver();
    let close = match close {
        Some(close) => close_function(key, close),
        None => quote!(::core::option::Option::None),
    };
    let ident = &component.ident;
    let instance = quote_spanned!(at(ident)=> athyper::private::instance::<#key>);
    quote! {
        athyper::private::ComponentDescriptor {
            key: athyper::private::TypeKey::of::<#key>().named(#name),
            bindings: &[#(#bindings),*],
            item: #item,
            scope: athyper::private::Scope::#scope,
            order: #order,
            label: #label,
            place: #place,
            module: ::core::module_path!(),
            wants: #wants,
            construct: {
                fn __athyper_construct<'a>(
                    #resolver: &'a athyper::private::Resolver<'a>,
                ) -> athyper::private::BoxFuture<'a, athyper::private::Result<athyper::private::Instance>> {
                    ::std::boxed::Box::pin(async move { ::core::result::Result::Ok(#instance(#build)) })
                }
                __athyper_construct
            },
            close: #close,
        }
    }
}

fn binding(key: &TokenStream, bound: &Type, name: &TokenStream) -> TokenStream {
    let (instance, component) =
        (Ident::new("instance", Span::mixed_site()), Ident::new("component", Span::mixed_site()));
    // The coercion is where a missing implementation shows: at the trait that was named.
    let coerced = quote_spanned! {at(bound)=>
        ::std::sync::Arc::<#key>::clone(athyper::private::component::<#key>(#instance))
    };
    quote! {
        athyper::private::Binding {
            key: athyper::private::TypeKey::of::<#bound>().named(#name),
            convert: |#instance| {
                let #component: ::std::sync::Arc<#bound> = #coerced;
                athyper::private::instance::<#bound>(#component)
            },
        }
    }
}

fn close_function(key: &TokenStream, close: &syn::Path) -> TokenStream {
    let instance = Ident::new("instance", Span::mixed_site());
    let call = quote_spanned! {at(close)=>
        athyper::private::closed(#close(&**athyper::private::component::<#key>(#instance)).await)
    };
    quote! {
        ::core::option::Option::Some({
            fn __athyper_close<'a>(
                #instance: &'a athyper::private::Instance,
            ) -> athyper::private::BoxFuture<'a, athyper::private::Result<()>> {
                ::std::boxed::Box::pin(async move { #call })
            }
            __athyper_close
        })
    }
}

/// Puts a descriptor into the table of components.
fn element(descriptor: &TokenStream) -> TokenStream {
    quote! {
        const _: () = {
            #[athyper::private::linkme::distributed_slice(athyper::private::ATHYPER_COMPONENTS_V0)]
            #[linkme(crate = athyper::private::linkme)]
            static __ATHYPER_COMPONENT: athyper::private::ComponentDescriptor = #descriptor;
        };
    }
}
