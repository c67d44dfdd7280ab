//! The job of a payload, its descriptor, and its entry in the table.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, Type};

use super::model::{Job, Source};
use crate::common::case::snake;
use crate::common::dependency::wants;
use crate::common::place::place;

pub(super) fn expand(job: &Job) -> TokenStream {
    let (payload, ident, returned) = (&job.payload, &job.ident, &job.returned);
    let label = format!("job `{ident}`");
    let handler = |identity: Identity| {
        let (sources, concurrency, limits) = (&job.sources, job.concurrency, job.limits.tokens());
        Handler { ident, label: &label, payload, returned, sources, identity, concurrency, limits }.descriptor()
    };
    let Some(options) = &job.options else {
        let contract = quote!(<#payload as athyper::private::Contract<#returned>>);
        return element(&handler(Identity {
            kind: quote!(#contract::KIND),
            version: quote!(#contract::VERSION),
            aliases: quote!(#contract::ALIASES),
            upcasts: quote!(#contract::UPCASTS),
            options: quote!(&#contract::OPTIONS),
        }));
    };
    let options = options.tokens();
    let name = match payload {
        Type::Path(path) => path.path.segments.last().map(|last| snake(&last.ident.to_string())),
        _ => None,
    };
    let name = name.unwrap_or_default();
    // The descriptor does not go through the payload's `Job`: a payload that cannot be one is refused there, once.
    let descriptor = handler(Identity {
        kind: quote!(__ATHYPER_KIND),
        version: quote!(__ATHYPER_VERSION),
        aliases: quote!(__ATHYPER_ALIASES),
        upcasts: quote!(__ATHYPER_UPCASTS),
        options: quote!(&__ATHYPER_OPTIONS),
    });
    let element = element(&quote!(<#payload as athyper::private::JobHandler>::DESCRIPTOR));
    quote! {
        const _: () = {
            use athyper::private::JobIdentity as _;

            const __ATHYPER_KIND: &'static str = match <#payload>::__ATHYPER_JOB_NAME {
                ::core::option::Option::Some(name) => name,
                ::core::option::Option::None => #name,
            };
            const __ATHYPER_VERSION: u32 = <#payload>::__ATHYPER_JOB_VERSION;
            const __ATHYPER_ALIASES: &'static [&'static str] = <#payload>::__ATHYPER_JOB_ALIASES;
            const __ATHYPER_UPCASTS: &'static [athyper::private::Upcast] = <#payload>::__ATHYPER_JOB_UPCASTS;
            const __ATHYPER_OPTIONS: athyper::private::JobOptions = #options;

            #[automatically_derived]
            impl athyper::private::Job for #payload {
                type Output = <#returned as athyper::private::JobReturn>::Output;
                const KIND: &'static str = __ATHYPER_KIND;
                const VERSION: u32 = __ATHYPER_VERSION;
                const ALIASES: &'static [&'static str] = __ATHYPER_ALIASES;
                const UPCASTS: &'static [athyper::private::Upcast] = __ATHYPER_UPCASTS;
                const OPTIONS: athyper::private::JobOptions = __ATHYPER_OPTIONS;
            }
            #[automatically_derived]
            impl athyper::private::JobHandler for #payload {
                const DESCRIPTOR: athyper::private::JobDescriptor = #descriptor;
            }
            #element
        };
    }
}

/// Who a job is on the wire, and how it runs, as expressions.
pub(crate) struct Identity {
    pub(crate) kind: TokenStream,
    pub(crate) version: TokenStream,
    pub(crate) aliases: TokenStream,
    pub(crate) upcasts: TokenStream,
    pub(crate) options: TokenStream,
}

/// What a `JobDescriptor` is made of.
pub(crate) struct Handler<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) label: &'a str,
    pub(crate) payload: &'a Type,
    pub(crate) returned: &'a Type,
    pub(crate) sources: &'a [Source],
    pub(crate) identity: Identity,
    pub(crate) concurrency: Option<u32>,
    pub(crate) limits: TokenStream,
}

impl Handler<'_> {
    /// The `JobDescriptor`.
    pub(crate) fn descriptor(&self) -> TokenStream {
        let Self { ident, label, payload, limits, .. } = self;
        let Identity { kind, version, aliases, upcasts, options } = &self.identity;
        let concurrency = match self.concurrency {
            Some(concurrency) => quote!(::core::option::Option::Some(#concurrency)),
            None => quote!(::core::option::Option::None),
        };
        let place = place(ident.span());
        let wants = wants(self.sources.iter().filter_map(|source| match source {
            Source::Container(dependency) => Some(dependency),
            Source::Payload | Source::Context => None,
        }));
        let (json, run) = (local("json"), self.run());
        quote! {
            athyper::private::JobDescriptor {
                kind: #kind,
                aliases: #aliases,
                version: #version,
                upcasts: #upcasts,
                options: #options,
                concurrency: #concurrency,
                limits: #limits,
                payload: ::core::any::TypeId::of::<#payload>(),
                check: |#json| {
                    use athyper::private::UnreadablePayload as _;
                    athyper::private::Payload::<#payload>::READER.check(#json)
                },
                handler: || athyper::private::item_of(&#ident),
                label: #label,
                place: #place,
                module: ::core::module_path!(),
                wants: #wants,
                run: #run,
            }
        }
    }

    /// The function that decodes, resolves, calls, and encodes.
    fn run(&self) -> TokenStream {
        let (payload, context, resolver) = (local("payload"), local("context"), local("resolver"));
        let (decoded, encode) = (local("decoded"), local("encode"));
        let (ident, ty, returned) = (self.ident, self.payload, self.returned);
        let decode = self.sources.iter().any(|source| matches!(source, Source::Payload)).then(|| {
            quote! {
                let #decoded: #ty = {
                    use athyper::private::UnreadablePayload as _;
                    athyper::private::Payload::<#ty>::READER.read(#payload)?
                };
            }
        });
        let arguments = self.sources.iter().map(|source| match source {
            Source::Payload => quote!(#decoded),
            Source::Context => quote!(#context),
            Source::Container(dependency) => dependency.resolve(&resolver),
        });
        quote! {{
            fn __athyper_run<'a>(
                #payload: &'a athyper::private::Bytes,
                #context: athyper::private::JobContext,
                #resolver: &'a athyper::private::Resolver<'a>,
            ) -> athyper::private::BoxFuture<'a, athyper::private::Result<athyper::private::HandlerOutcome>> {
                ::std::boxed::Box::pin(async move {
                    #decode
                    // A pointer, so that a type that cannot be returned is refused where it stands and not at the call.
                    let #encode: fn(#returned) -> athyper::private::Result<athyper::private::HandlerOutcome> =
                        <#returned as athyper::private::JobReturn>::into_outcome;
                    #encode(#ident(#(#arguments),*).await)
                })
            }
            __athyper_run
        }}
    }
}

fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Puts a descriptor into the table of jobs.
fn element(descriptor: &TokenStream) -> TokenStream {
    quote! {
        const _: () = {
            #[athyper::private::linkme::distributed_slice(athyper::private::ATHYPER_JOBS_V0)]
            #[linkme(crate = athyper::private::linkme)]
            static __ATHYPER_JOB: athyper::private::JobDescriptor = #descriptor;
        };
    }
}
