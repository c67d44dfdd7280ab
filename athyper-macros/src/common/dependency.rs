//! What an item needs from the container.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, LitStr, Meta, Type};

use super::arguments::{Arguments, Known, Takes};
use super::errors::Errors;
use super::place::place;

const KNOWN: &[Known] = &[("name", Takes::Value("\"primary\""))];
const KNOWN_ON_FIELDS: &[Known] = &[("name", Takes::Value("\"primary\"")), ("default", Takes::Nothing)];

/// What `#[inject(…)]` on a parameter or field says.
#[derive(Default)]
pub(crate) struct Injection {
    /// Which of several providers.
    pub(crate) name: Option<LitStr>,
    /// Not from the container at all, but `Default::default()`.
    pub(crate) default: bool,
}

/// Where `#[inject]` stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Parameter,
    Field,
}

/// Takes `#[inject]` and `#[inject(…)]` off a parameter or field.
pub(crate) fn take_injection(attributes: &mut Vec<Attribute>, on: On, errors: &mut Errors) -> Option<Injection> {
    let (ours, others): (Vec<_>, Vec<_>) = attributes
        .drain(..)
        .partition(|attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "inject"));
    *attributes = others;
    let (known, owner) = match on {
        On::Parameter => (KNOWN, "`#[inject]` on a parameter"),
        On::Field => (KNOWN_ON_FIELDS, "`#[inject]` on a field"),
    };
    if ours.is_empty() {
        return None;
    }
    let mut arguments = Arguments::none(known);
    for (index, attribute) in ours.iter().enumerate() {
        match &attribute.meta {
            Meta::List(list) => arguments.read_more(owner, list.tokens.clone(), errors),
            Meta::Path(_) => {}
            Meta::NameValue(value) => errors.on(value, "write `#[inject(name = \"…\")]`"),
        }
        if index > 0 {
            errors.on(attribute, "`#[inject]` stands here already");
        }
    }
    let name = arguments.string("name", errors);
    let default = on == On::Field && arguments.flag("default");
    if let (true, Some(name)) = (default, &name) {
        errors.at(name.span(), "`default` does not ask the container, so there is nothing to name");
    }
    Some(Injection { name, default })
}

/// What an item needs from the container.
pub(crate) struct Dependency {
    /// Where it stands in the item, such as ``parameter `mailer` ``.
    pub(crate) label: String,
    /// The injected form: `Arc<T>`, `Option<Arc<T>>`, …
    pub(crate) ty: Type,
    /// Which of several providers.
    pub(crate) name: Option<LitStr>,
    /// Its place.
    pub(crate) span: Span,
    /// The `#[cfg]`s it stands under.
    pub(crate) conditions: Vec<Attribute>,
}

impl Dependency {
    fn name(&self) -> TokenStream {
        match &self.name {
            Some(name) => quote!(::core::option::Option::Some(#name)),
            None => quote!(::core::option::Option::None),
        }
    }

    /// The expression that hands it out, in an async block of a constructor or handler.
    pub(crate) fn resolve(&self, resolver: &syn::Ident) -> TokenStream {
        let (injection, name) = (self.injection(), self.name());
        quote!(#injection.resolve(#resolver, #name).await?)
    }

    fn want(&self) -> TokenStream {
        let (injection, name, label, place) = (self.injection(), self.name(), &self.label, place(self.span));
        quote!(#injection.want(#name, #label, #place))
    }

    /// The one expression that needs the type to be injectable, so that a type that is not is said so once.
    fn injection(&self) -> TokenStream {
        let ty = &self.ty;
        quote!(<#ty as athyper::private::FromContainer>::INJECTION)
    }
}

/// The value of a descriptor's `wants`.
pub(crate) fn wants<'a>(dependencies: impl IntoIterator<Item = &'a Dependency>) -> TokenStream {
    let list = syn::Ident::new("wants", Span::mixed_site());
    let pushes = dependencies.into_iter().map(|dependency| {
        let (conditions, want) = (&dependency.conditions, dependency.want());
        quote!(#(#conditions)* #list.push(#want);)
    });
    let mut pushes = pushes.peekable();
    if pushes.peek().is_none() {
        return quote!(::std::vec::Vec::new);
    }
    quote!(|| {
        let mut #list = ::std::vec::Vec::new();
        #(#pushes)*
        #list
    })
}
