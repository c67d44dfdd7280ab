//! The parts of a function that macros ask about.

use syn::spanned::Spanned;
use syn::{Attribute, FnArg, GenericArgument, Ident, ItemFn, Pat, PathArguments, ReturnType, Type};

use super::dependency::{Dependency, Injection, On, take_injection};
use super::errors::Errors;

/// One parameter.
pub(crate) struct Parameter {
    /// Its name in messages.
    pub(crate) label: String,
    /// Its type.
    pub(crate) ty: Type,
    /// What `#[inject]` on it says, if it stands there.
    pub(crate) injection: Option<Injection>,
    /// Its place.
    pub(crate) span: proc_macro2::Span,
}

impl Parameter {
    /// What the container is asked for.
    pub(crate) fn into_dependency(self) -> Dependency {
        let name = self.injection.and_then(|injection| injection.name);
        Dependency { label: self.label, ty: self.ty, name, span: self.span, conditions: Vec::new() }
    }
}

/// Takes the parameters of a free function, and our attributes off them.
pub(crate) fn take_parameters(function: &mut ItemFn, errors: &mut Errors) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    for (index, argument) in function.sig.inputs.iter_mut().enumerate() {
        match argument {
            FnArg::Receiver(receiver) => {
                let injection = take_injection(&mut receiver.attrs, On::Parameter, errors);
                drop(injection);
                errors.on(receiver, "a free function is needed: put what `self` holds into a parameter");
            }
            FnArg::Typed(parameter) => {
                let injection = take_injection(&mut parameter.attrs, On::Parameter, errors);
                if let Some(condition) = parameter.attrs.iter().find(|attribute| is_condition(attribute)) {
                    errors.on(condition, "a parameter cannot come and go: put the `#[cfg]` on the whole function");
                }
                let label = match name_of(&parameter.pat) {
                    Some(name) => format!("parameter `{name}`"),
                    None => format!("parameter {}", index + 1),
                };
                parameters.push(Parameter {
                    label,
                    ty: (*parameter.ty).clone(),
                    injection,
                    span: parameter.pat.span(),
                });
            }
        }
    }
    parameters
}

/// `job` of `job`, `mut job`, `Config(job)`.
fn name_of(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(name) => Some(&name.ident),
        Pat::TupleStruct(tuple) if tuple.elems.len() == 1 => name_of(tuple.elems.first()?),
        _ => None,
    }
}

/// Whether an attribute is a `#[cfg]`.
pub(crate) fn is_condition(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
}

/// Refuses what no registered function can have: generics, `unsafe`, `const`, another ABI.
pub(crate) fn check_plain(function: &ItemFn, what: &str, errors: &mut Errors) {
    let signature = &function.sig;
    let why = format!("{what} has no generic parameters: it is registered once, for one set of types");
    if !signature.generics.params.is_empty() {
        errors.on(&signature.generics, why);
    } else if let Some(clause) = &signature.generics.where_clause {
        errors.on(clause, why);
    }
    if let Some(token) = &signature.constness {
        errors.on(token, format!("{what} is not `const`"));
    }
    if !matches!(signature.safety, syn::Safety::Default) {
        errors.on(&signature.safety, format!("{what} is not `unsafe`"));
    }
    if let Some(abi) = &signature.abi {
        errors.on(abi, format!("{what} is a Rust function"));
    }
    if let Some(variadic) = &signature.variadic {
        errors.on(variadic, format!("{what} has a fixed list of parameters"));
    }
}

/// Refuses references: nothing that is injected or decoded can be borrowed from somewhere.
pub(crate) fn check_owned(ty: &Type, errors: &mut Errors) -> bool {
    if let Type::Reference(reference) = ty {
        let inner = &reference.elem;
        let inner = quote::quote!(#inner).to_string();
        errors.on(reference, format!("a borrowed value cannot be injected: write `Arc<{inner}>`"));
        return false;
    }
    if let Type::ImplTrait(abstract_type) = ty {
        errors.on(abstract_type, "the container finds components by type: write `Arc<dyn Trait>`");
        return false;
    }
    true
}

/// The type behind `->`, or `()`.
pub(crate) fn return_type(function: &ItemFn) -> Type {
    match &function.sig.output {
        ReturnType::Type(_, ty) => (**ty).clone(),
        ReturnType::Default => {
            let span = function.sig.ident.span();
            let parentheses: proc_macro2::TokenStream = quote::quote_spanned!(span=> ());
            Type::Verbatim(parentheses)
        }
    }
}

/// The first generic argument of a type whose path ends in `name`: `T` of `std::sync::Arc<T>`.
pub(crate) fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Whether a type's path ends in `name`.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}
