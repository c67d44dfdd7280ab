//! A component, checked.

use proc_macro2::Span;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Attribute, Ident, ItemFn, ItemStruct, LitStr, Member, Path, Type};

use super::parse::{Parsed, Source};
use crate::common::arguments::Arguments;
use crate::common::dependency::{Dependency, Injection};
use crate::common::errors::Errors;
use crate::common::place::at;
use crate::common::signature::{Parameter, argument_of, check_owned, check_plain, is_condition, is_named, return_type};

/// How long a component lives.
#[derive(Clone, Copy)]
pub(super) enum Scope {
    Singleton,
    Request,
    Transient,
}

/// What `#[inject(…)]` says, whatever it stands on.
pub(super) struct Options {
    pub(super) scope: Scope,
    pub(super) name: Option<LitStr>,
    pub(super) order: i32,
    pub(super) close: Option<Path>,
    pub(super) traits: Vec<Type>,
}

/// How one field of a struct gets its value.
pub(super) enum Field {
    /// From the container.
    Injected(Member, Dependency),
    /// `Default::default()`, under these `#[cfg]`s.
    Default(Member, Vec<Attribute>),
}

/// A component, checked.
pub(super) struct Component {
    pub(super) ident: Ident,
    pub(super) options: Options,
    pub(super) kind: Kind,
}

/// How it is built.
pub(super) enum Kind {
    Struct { fields: Vec<Field> },
    Factory { parameters: Vec<Dependency>, output: Output, is_async: bool },
}

/// What a factory returns.
pub(super) struct Output {
    /// What the component is found by: `T` of `Arc<T>`, `dyn Trait` of `Arc<dyn Trait>`, or the type itself.
    pub(super) key: Type,
    /// Where an error that does not convert is shown.
    pub(super) span: Span,
    /// Whether it comes in an `Arc` already.
    pub(super) is_shared: bool,
    /// Whether it comes in a `Result`.
    pub(super) is_fallible: bool,
}

impl Component {
    pub(super) fn new(parsed: Parsed, errors: &mut Errors) -> Option<Self> {
        let Parsed { arguments, source } = parsed;
        let options = Options::new(&arguments, errors);
        match source {
            Source::Struct(item, injections) => Self::from_struct(&item, injections, options, errors),
            Source::Factory(item, parameters) => {
                for argument in arguments.all("as") {
                    errors.at(argument.name.span(), "a factory says it in what it returns: `-> Arc<dyn Trait>`");
                }
                check_plain(&item, "a factory", errors);
                let mut owned = true;
                for parameter in &parameters {
                    owned &= check_owned(&parameter.ty, errors);
                }
                let output = Output::new(&item, errors)?;
                let is_async = item.sig.asyncness.is_some();
                let parameters = parameters.into_iter().map(Parameter::into_dependency);
                let kind = Kind::Factory { parameters: parameters.collect(), output, is_async };
                owned.then(|| Self { ident: item.sig.ident, options, kind })
            }
        }
    }

    fn from_struct(
        item: &ItemStruct,
        injections: Vec<Option<Injection>>,
        options: Options,
        errors: &mut Errors,
    ) -> Option<Self> {
        if !item.generics.params.is_empty() || item.generics.where_clause.is_some() {
            let message = "a component has no generic parameters: it is registered once, for one set of types";
            if item.generics.params.is_empty() {
                errors.on(&item.generics.where_clause, message);
            } else {
                errors.on(&item.generics, message);
            }
            return None;
        }
        let fields = item.fields.members().zip(&item.fields).zip(injections);
        let fields = fields.map(|((member, field), injection)| {
            let conditions: Vec<Attribute> =
                field.attrs.iter().filter(|attribute| is_condition(attribute)).cloned().collect();
            let injection = injection.unwrap_or_default();
            if injection.default {
                return Field::Default(member, conditions);
            }
            check_owned(&field.ty, errors);
            let (label, span) = match &member {
                Member::Named(name) => (format!("field `{name}`"), name.span()),
                Member::Unnamed(index) => (format!("field {}", index.index), field.ty.span()),
            };
            Field::Injected(member, Dependency { label, ty: field.ty.clone(), name: injection.name, span, conditions })
        });
        let fields = fields.collect();
        Some(Self { ident: item.ident.clone(), options, kind: Kind::Struct { fields } })
    }
}

impl Options {
    fn new(arguments: &Arguments, errors: &mut Errors) -> Self {
        let scope = match arguments.word("scope", &["singleton", "request", "transient"], errors) {
            Some(1) => Scope::Request,
            Some(2) => Scope::Transient,
            _ => Scope::Singleton,
        };
        let name = arguments.string("name", errors);
        if let Some(name) = name.as_ref().filter(|name| name.value().is_empty()) {
            errors.at(name.span(), "the name is empty: leave `name` out if there is only one");
        }
        let order = arguments.value::<syn::Expr>("order", errors).and_then(|order| {
            let digits = quote!(#order).to_string().replace(' ', "");
            let number = digits.parse::<i32>();
            if number.is_err() {
                errors.on(order, "`order` is a whole number; smaller ones come first");
            }
            number.ok()
        });
        let close: Option<Path> = arguments.value("close", errors);
        if let (Some(close), Scope::Transient) = (&close, scope) {
            errors.on(close, "the container does not keep transient components, so it cannot close them");
        }
        let mut traits = Vec::new();
        for argument in arguments.all("as") {
            match arguments.parse::<Type>(argument, errors) {
                Some(ty @ Type::TraitObject(_)) => traits.push(ty),
                Some(other) => errors.on(&other, format!("write `as = dyn {}`", quote!(#other))),
                None => {}
            }
        }
        Self { scope, name, order: order.unwrap_or(0), close, traits }
    }
}

impl Output {
    fn new(item: &ItemFn, errors: &mut Errors) -> Option<Self> {
        let returned = return_type(item);
        if matches!(item.sig.output, syn::ReturnType::Default) {
            errors.at(item.sig.ident.span(), "a factory returns the component it makes: write `-> Arc<…>`");
            return None;
        }
        let span = at(&returned);
        let (inside, is_fallible) = match argument_of(&returned, "Result") {
            Some(inside) => (inside.clone(), true),
            None => (returned, false),
        };
        let (key, is_shared) = match argument_of(&inside, "Arc") {
            Some(key) => (key.clone(), true),
            None => (inside, false),
        };
        match &key {
            Type::ImplTrait(_) | Type::Reference(_) => {
                errors
                    .on(&key, "the container finds components by type: return `Arc<dyn Trait>` or a type with a name");
            }
            Type::TraitObject(_) if !is_shared => {
                errors.on(&key, "a trait object comes in an `Arc`: return `Arc<dyn Trait>`");
            }
            Type::Tuple(tuple) if tuple.elems.is_empty() => {
                errors.on(&key, "a factory returns the component it makes: write `Arc<…>`");
            }
            Type::Infer(_) => errors.on(&key, "name the type: the container finds components by it"),
            key if ["Box", "Rc", "Option"].iter().any(|name| is_named(key, name)) => {
                errors.on(key, "the container shares what a factory makes: return `Arc<…>`, or `Result<Arc<…>>`");
            }
            _ => return Some(Self { key, span, is_shared, is_fallible }),
        }
        None
    }
}

/// The place of the attribute's item.
pub(super) fn place_of(component: &Component) -> Span {
    component.ident.span()
}
