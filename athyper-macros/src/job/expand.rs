//! The job of a payload, its descriptor, and its entry in the table.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Type};

use super::model::{Job, Source};
use crate::common::case::snake;
use crate::common::dependency::wants;
use crate::common::place::{at, place};

pub(super) fn expand(job: &Job) -> TokenStream {
    let (payload, ident) = (&job.payload, &job.ident);
    let handler = Handler {
        ident,
        label: format!("job `{ident}`"),
        payload,
        returned: &job.returned,
        sources: &job.sources,
        kind: quote!(<#payload as athyper::private::Job>::KIND),
        aliases: quote!(<#payload as athyper::private::Job>::ALIASES),
        version: quote!(<#payload as athyper::private::Job>::VERSION),
        options: quote!(&<#payload as athyper::private::Job>::OPTIONS),
        concurrency: job.concurrency,
    };
    let descriptor = handler.descriptor();
    let Some(options) = &job.options else {
        let (returned, span) = (&job.returned, at(&job.returned));
        let output = quote_spanned!(span=> <#payload as athyper::private::Job>::Output);
        let check = quote_spanned!(span=> __athyper_same_output::<#returned>);
        let element = element(&descriptor);
        return quote! {
            const _: () = {
                const fn __athyper_same_output<R: athyper::private::JobReturn<Output = #output>>() {}
                #check()
            };
            #element
        };
    };
    let options = options.tokens();
    let name = match payload {
        Type::Path(path) => path.path.segments.last().map(|last| snake(&last.ident.to_string())),
        _ => None,
    };
    let name = name.unwrap_or_default();
    let (output, span) = (&job.returned, at(payload));
    let output = quote_spanned!(at(output)=> <#output as athyper::private::JobReturn>::Output);
    let job_trait = quote_spanned!(span=> athyper::private::Job);
    let element = element(&quote!(<#payload as athyper::private::JobHandler>::DESCRIPTOR));
    quote! {
        #[automatically_derived]
        impl #job_trait for #payload {
            type Output = #output;
            const KIND: &'static str = {
                #[allow(unused_imports)]
                use athyper::private::JobIdentity as _;
                match <#payload>::__ATHYPER_JOB_NAME {
                    ::core::option::Option::Some(name) => name,
                    ::core::option::Option::None => #name,
                }
            };
            const VERSION: u32 = {
                #[allow(unused_imports)]
                use athyper::private::JobIdentity as _;
                <#payload>::__ATHYPER_JOB_VERSION
            };
            const ALIASES: &'static [&'static str] = {
                #[allow(unused_imports)]
                use athyper::private::JobIdentity as _;
                <#payload>::__ATHYPER_JOB_ALIASES
            };
            const OPTIONS: athyper::private::JobOptions = #options;
        }
        #[automatically_derived]
        impl athyper::private::JobHandler for #payload {
            const DESCRIPTOR: athyper::private::JobDescriptor = #descriptor;
        }
        #element
    }
}

/// What a `JobDescriptor` is made of.
pub(crate) struct Handler<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) label: String,
    pub(crate) payload: &'a Type,
    pub(crate) returned: &'a Type,
    pub(crate) sources: &'a [Source],
    pub(crate) kind: TokenStream,
    pub(crate) aliases: TokenStream,
    pub(crate) version: TokenStream,
    pub(crate) options: TokenStream,
    pub(crate) concurrency: Option<u32>,
}

impl Handler<'_> {
    /// The `JobDescriptor`.
    pub(crate) fn descriptor(&self) -> TokenStream {
        let Self { ident, label, payload, kind, aliases, version, options, .. } = self;
        let concurrency = match self.concurrency {
            Some(concurrency) => quote!(::core::option::Option::Some(#concurrency)),
            None => quote!(::core::option::Option::None),
        };
        let place = place(ident.span());
        let wants = wants(self.sources.iter().filter_map(|source| match source {
            Source::Container(dependency) => Some(dependency),
            Source::Payload | Source::Context => None,
        }));
        let run = run(self);
        quote! {
            athyper::private::JobDescriptor {
                kind: #kind,
                aliases: #aliases,
                version: #version,
                options: #options,
                concurrency: #concurrency,
                payload: ::core::any::TypeId::of::<#payload>(),
                check: athyper::private::check_payload::<#payload>,
                handler: || athyper::private::item_of(&#ident),
                label: #label,
                place: #place,
                module: ::core::module_path!(),
                wants: #wants,
                run: #run,
            }
        }
    }
}

/// The function that decodes, resolves, calls, and encodes.
fn run(handler: &Handler<'_>) -> TokenStream {
    let local = |name: &str| Ident::new(name, Span::mixed_site());
    let (payload, context, resolver, decoded) =
        (local("payload"), local("context"), local("resolver"), local("decoded"));
    let (ident, ty, returned) = (handler.ident, handler.payload, handler.returned);
    let takes_payload = handler.sources.iter().any(|source| matches!(source, Source::Payload));
    let arguments = handler.sources.iter().map(|source| match source {
        Source::Payload => quote!(#decoded),
        Source::Context => quote!(#context),
        Source::Container(dependency) => dependency.resolve(&resolver),
    });
    let decode = takes_payload.then(|| {
        let decode = quote_spanned!(at(ty)=> athyper::private::decode_payload::<#ty>);
        quote!(let #decoded: #ty = #decode(#payload)?;)
    });
    let span = at(returned);
    let encode = quote_spanned!(span=> <#returned as athyper::private::JobReturn>::into_outcome);
    quote! {{
        #[allow(unused_variables)]
        fn __athyper_run<'a>(
            #payload: &'a athyper::private::Bytes,
            #context: athyper::private::JobContext,
            #resolver: &'a athyper::private::Resolver<'a>,
        ) -> athyper::private::BoxFuture<'a, athyper::private::Result<athyper::private::HandlerOutcome>> {
            ::std::boxed::Box::pin(async move {
                #decode
                #encode(#ident(#(#arguments),*).await)
            })
        }
        __athyper_run
    }}
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
