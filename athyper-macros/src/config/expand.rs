//! The fields as data, the code that reads them, and the section's entry in the table.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Ident};

use super::defaults::Default;
use super::model::{Config, Field, Reading};
use crate::common::place::place;

pub(super) fn expand(config: &Config) -> TokenStream {
    match config {
        Config::Table { ident, section, listed, check, fields } => {
            let table = table(ident, fields, check.as_ref());
            let section = section.as_ref().map(|section| section_of(ident, section, *listed));
            quote!(#table #section)
        }
        Config::Word { ident, words } => word(ident, words),
    }
}

/// What makes the rest of the product compile.
pub(super) fn fallback(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    if !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    if matches!(input.data, Data::Enum(_)) {
        return quote! {
            #[automatically_derived]
            impl athyper::private::FromConfigValue for #ident {
                fn from_config_value(
                    _: &athyper::private::ConfigValue,
                    _: athyper::private::Profile,
                ) -> ::core::result::Result<Self, athyper::private::ConfigError> {
                    ::core::result::Result::Err(athyper::private::ConfigError::missing())
                }
            }
        };
    }
    let place = place(ident.span());
    quote! {
        #[automatically_derived]
        impl athyper::private::ConfigTable for #ident {
            const FIELDS: &'static [athyper::private::FieldDescriptor] = &[];
            fn from_table(_: &mut athyper::private::TableReader<'_>) -> ::core::option::Option<Self> {
                ::core::option::Option::None
            }
        }
        #[automatically_derived]
        impl athyper::private::ConfigSection for #ident {
            const DESCRIPTOR: athyper::private::SectionDescriptor =
                athyper::private::SectionDescriptor::of::<Self>("invalid", "", #place, "");
        }
    }
}

fn table(ident: &Ident, fields: &[Field], check: Option<&syn::Path>) -> TokenStream {
    let reader = Ident::new("reader", Span::mixed_site());
    let descriptors = fields.iter().map(descriptor);
    let locals: Vec<Ident> =
        (0..fields.len()).map(|index| Ident::new(&format!("field_{index}"), Span::mixed_site())).collect();
    let reads = fields.iter().map(|field| read(field, &reader));
    let names = fields.iter().map(|field| &field.ident);
    let check = check.map(|check| {
        let collector = Ident::new("check", Span::mixed_site());
        quote! {
            fn check(&self, #collector: &mut athyper::private::SectionCheck) {
                #check(self, #collector)
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl athyper::private::ConfigTable for #ident {
            const FIELDS: &'static [athyper::private::FieldDescriptor] = &[#(#descriptors),*];
            fn from_table(#reader: &mut athyper::private::TableReader<'_>) -> ::core::option::Option<Self> {
                // Every field is read before the first `?`, so that all issues are found at once.
                #(let #locals = #reads;)*
                ::core::option::Option::Some(Self { #(#names: #locals?),* })
            }

            #check
        }
    }
}

fn descriptor(field: &Field) -> TokenStream {
    let Field { key, ty, .. } = field;
    let mut tokens = match field.reading {
        Reading::Typed => quote! {
            (athyper::private::FieldDescriptor {
                shape: <#ty as athyper::private::FromConfigValue>::SHAPE,
                optional: <#ty as athyper::private::FromConfigValue>::OPTIONAL,
                ..athyper::private::FieldDescriptor::parsed(#key)
            })
        },
        Reading::Parsed => quote!(athyper::private::FieldDescriptor::parsed(#key)),
        Reading::Deserialized => quote!(athyper::private::FieldDescriptor::deserialized(#key)),
    };
    if field.reading != Reading::Typed && field.optional.is_some() {
        tokens.extend(quote!(.optional()));
    }
    if let Some(default) = &field.default {
        let default = default_tokens(default);
        tokens.extend(quote!(.with_default(#default)));
    }
    if let Some(default) = &field.prod_default {
        let default = default_tokens(default);
        tokens.extend(quote!(.with_prod_default(#default)));
    }
    if let Some(variable) = &field.variable {
        tokens.extend(quote!(.with_variable(#variable)));
    }
    if let Some(reason) = &field.insecure {
        tokens.extend(quote!(.insecure_by_default(#reason)));
    }
    if field.secret {
        tokens.extend(quote!(.secret()));
    }
    if field.shown {
        tokens.extend(quote!(.shown()));
    }
    if !field.documentation.is_empty() {
        let documentation = &field.documentation;
        tokens.extend(quote!(.with_doc(#documentation)));
    }
    let place = place(field.ident.span());
    quote!(#tokens.at(#place))
}

fn default_tokens(default: &Default) -> TokenStream {
    match default {
        Default::Text(text) => quote!(athyper::private::DefaultValue::Text(#text)),
        Default::List(texts) => quote!(athyper::private::DefaultValue::List(&[#(#texts),*])),
        Default::OfType => quote!(athyper::private::DefaultValue::Expression("Default::default()")),
        Default::Expression(expression) => {
            let source = expression.to_token_stream().to_string().replace(" :: ", "::");
            quote!(athyper::private::DefaultValue::Expression(#source))
        }
    }
}

/// The expression of type `Option<T>` that reads a field.
fn read(field: &Field, reader: &Ident) -> TokenStream {
    let Field { key, ty, .. } = field;
    let read = match (field.reading, &field.optional) {
        (Reading::Typed, _) => quote! {
            #reader.field_by(
                #key,
                <#ty as athyper::private::FromConfigValue>::from_config_value,
                <#ty as athyper::private::FromConfigValue>::when_absent,
            )
        },
        (Reading::Parsed, Some(inner)) => quote!(#reader.parsed_optional::<#inner>(#key)),
        (Reading::Parsed, None) => quote!(#reader.parsed::<#ty>(#key)),
        (Reading::Deserialized, _) => quote!(#reader.deserialized::<#ty>(#key)),
    };
    let otherwise = match &field.default {
        Some(Default::OfType) => quote!(::core::default::Default::default()),
        Some(Default::Expression(expression)) => quote!(#expression),
        Some(Default::Text(_) | Default::List(_)) | None => return read,
    };
    quote!(if #reader.is_set(#key) { #read } else { ::core::option::Option::Some(#otherwise) })
}

fn section_of(ident: &Ident, section: &str, listed: bool) -> TokenStream {
    let (label, place) = (format!("struct `{ident}`"), place(ident.span()));
    let entry = listed.then(|| {
        quote! {
            const _: () = {
                #[athyper::private::linkme::distributed_slice(athyper::private::ATHYPER_SECTIONS_V0)]
                #[linkme(crate = athyper::private::linkme)]
                static __ATHYPER_SECTION: athyper::private::SectionDescriptor =
                    <#ident as athyper::private::ConfigSection>::DESCRIPTOR;
            };
        }
    });
    quote! {
        #[automatically_derived]
        impl athyper::private::ConfigSection for #ident {
            const DESCRIPTOR: athyper::private::SectionDescriptor =
                athyper::private::SectionDescriptor::of::<Self>(#section, #label, #place, ::core::module_path!());
        }
        #entry
    }
}

fn word(ident: &Ident, words: &[(String, Ident)]) -> TokenStream {
    let value = Ident::new("value", Span::mixed_site());
    let words = words.iter().map(|(word, variant)| quote!((#word, || Self::#variant)));
    quote! {
        #[automatically_derived]
        impl athyper::private::FromConfigValue for #ident {
            fn from_config_value(
                #value: &athyper::private::ConfigValue,
                _: athyper::private::Profile,
            ) -> ::core::result::Result<Self, athyper::private::ConfigError> {
                athyper::private::read_word(#value, &[#(#words),*])
            }
        }
    }
}
