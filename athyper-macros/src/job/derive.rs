//! `#[derive(Job)]`: who a payload is on the wire; in the contract form, the whole job.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{DeriveInput, ExprArray, Ident, Lit, LitStr, Token, Type, bracketed};

use super::parse::OF_PAYLOAD;
use crate::common::arguments::{Arguments, Known, Takes};
use crate::common::case::snake;
use crate::common::errors::Errors;
use crate::common::job_options::{self, JobOptions};
use crate::common::literals::wire_name;

const OF_CONTRACT: &[Known] = &[("contract", Takes::Nothing), ("output", Takes::Value("Report"))];

/// A payload, checked.
struct Payload {
    ident: Ident,
    name: Option<String>,
    version: u32,
    aliases: Vec<String>,
    upcasts: Vec<Type>,
    contract: Option<(JobOptions, Option<Type>)>,
}

/// `#[derive(Job)]`.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = errors.keep(syn::parse2::<DeriveInput>(input)) else { return errors.into_compile_errors() };
    let payload = Payload::new(&input, &mut errors);
    if errors.is_empty() {
        return payload.expand();
    }
    let is_contract = payload.contract.is_some();
    let ident = &input.ident;
    let errors = errors.into_compile_errors();
    let fallback = (is_contract && input.generics.params.is_empty()).then(|| fallback(ident));
    quote!(#errors #fallback)
}

/// A job that never runs, since the product does not compile: it spares the second error.
pub(super) fn fallback(payload: impl ToTokens) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl athyper::private::Job for #payload {
            type Output = ();
            const KIND: &'static str = "";
            const VERSION: u32 = 1;
            const ALIASES: &'static [&'static str] = &[];
            const OPTIONS: athyper::private::JobOptions = athyper::private::JobOptions::DEFAULT;
        }
    }
}

impl Payload {
    fn new(input: &DeriveInput, errors: &mut Errors) -> Self {
        if !input.generics.params.is_empty() {
            errors.on(&input.generics, "a payload has no generic parameters: its name identifies the job");
        }
        let known: Vec<Known> = [OF_PAYLOAD, OF_CONTRACT, job_options::KNOWN].concat();
        let arguments = Arguments::of_attributes(&input.attrs, "job", "`#[job]` on a payload", &known, errors);
        let is_contract = arguments.flag("contract");
        if !is_contract {
            for argument in arguments.given() {
                let name = argument.name.to_string();
                if !OF_PAYLOAD.iter().any(|(known, _)| *known == name) {
                    let message = format!(
                        "`{name}` stands on the handler's `#[job]`; on the payload only with `contract`, when the handler \
                         is in another crate"
                    );
                    errors.at(argument.name.span(), message);
                }
            }
        }
        let name = arguments.string_as("name", errors, |literal| wire_name(literal, "job's name"));
        let version = arguments.at_least("version", 1, errors).unwrap_or(1);
        let options = JobOptions::read(&arguments, errors);
        let output = arguments.value::<Type>("output", errors);
        let wire = name.clone().unwrap_or_else(|| snake(&input.ident.to_string()));
        let aliases = aliases(&arguments, &wire, errors);
        let contract = is_contract.then_some((options, output));
        let upcasts: Vec<Type> = arguments.value::<TypeList>("upcasts", errors).map(|list| list.0).unwrap_or_default();
        if let Some(first) = upcasts.first().filter(|_| version == 1) {
            errors.on(first, "version 1 has no earlier ones: say `version = 2` beside it");
        }
        Self { ident: input.ident.clone(), name, version, aliases, upcasts, contract }
    }

    fn expand(&self) -> TokenStream {
        let Self { ident, version, aliases, .. } = self;
        let upcasts = self.upcasts();
        if let Some((options, output)) = &self.contract {
            let kind = self.name.clone().unwrap_or_else(|| snake(&ident.to_string()));
            let options = options.tokens();
            let output = output.as_ref().map_or_else(|| quote!(()), ToTokens::to_token_stream);
            return quote! {
                #[automatically_derived]
                impl athyper::private::Job for #ident {
                    type Output = #output;
                    const KIND: &'static str = #kind;
                    const VERSION: u32 = #version;
                    const ALIASES: &'static [&'static str] = &[#(#aliases),*];
                    const UPCASTS: &'static [athyper::private::Upcast] = #upcasts;
                    const OPTIONS: athyper::private::JobOptions = #options;
                }
            };
        }
        let name = match &self.name {
            Some(name) => quote!(::core::option::Option::Some(#name)),
            None => {
                let name = snake(&ident.to_string());
                quote!(::core::option::Option::Some(#name))
            }
        };
        // They come before the defaults of `JobIdentity` because they stand on the type itself.
        quote! {
            #[automatically_derived]
            impl #ident {
                #[doc(hidden)]
                pub const __ATHYPER_JOB_NAME: ::core::option::Option<&'static str> = #name;
                #[doc(hidden)]
                pub const __ATHYPER_JOB_VERSION: u32 = #version;
                #[doc(hidden)]
                pub const __ATHYPER_JOB_ALIASES: &'static [&'static str] = &[#(#aliases),*];
                #[doc(hidden)]
                pub const __ATHYPER_JOB_UPCASTS: &'static [athyper::private::Upcast] = #upcasts;
            }
        }
    }

    /// The list of upcasts; an earlier shape says its version by a `#[derive(Job)]` of its own, and is the first without one.
    fn upcasts(&self) -> TokenStream {
        let (ident, version) = (&self.ident, self.version);
        let upcasts = self.upcasts.iter().map(|old| {
            quote_spanned! {old.span()=>
                athyper::private::Upcast {
                    version: {
                        #[allow(unused_imports)]
                        use athyper::private::JobIdentity as _;
                        assert!(
                            <#old>::__ATHYPER_JOB_VERSION < #version,
                            "an upcast starts from an earlier version, and this type's is not"
                        );
                        <#old>::__ATHYPER_JOB_VERSION
                    },
                    convert: athyper::private::upcast_payload::<#old, #ident>,
                }
            }
        });
        quote!(&[#(#upcasts),*])
    }
}

/// Types in brackets.
struct TypeList(Vec<Type>);

impl Parse for TypeList {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let list;
        bracketed!(list in input);
        Ok(Self(Punctuated::<Type, Token![,]>::parse_terminated(&list)?.into_iter().collect()))
    }
}

fn aliases(arguments: &Arguments, wire: &str, errors: &mut Errors) -> Vec<String> {
    let Some(list) = arguments.value::<ExprArray>("aliases", errors) else { return Vec::new() };
    let mut aliases: Vec<String> = Vec::new();
    for element in &list.elems {
        let literal: Option<&LitStr> = match element {
            syn::Expr::Lit(literal) => match &literal.lit {
                Lit::Str(literal) => Some(literal),
                _ => None,
            },
            _ => None,
        };
        let Some(literal) = literal else {
            errors.on(element, "an alias is a string");
            continue;
        };
        let Some(alias) = errors.keep(wire_name(literal, "job's name")) else { continue };
        if alias == wire {
            errors.at(literal.span(), format!("`{alias}` is the job's name already"));
        } else if aliases.contains(&alias) {
            errors.at(literal.span(), format!("`{alias}` stands here twice"));
        } else {
            aliases.push(alias);
        }
    }
    aliases
}
