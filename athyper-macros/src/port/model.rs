//! A port, checked: it has to be usable as `dyn Trait`.

use syn::{FnArg, GenericParam, ItemTrait, ReturnType, TraitItem, TraitItemFn, Type, TypeParamBound};

use super::parse::Parsed;
use crate::common::errors::Errors;
use crate::common::signature::is_named;

/// A port, checked.
#[derive(Default)]
pub(super) struct Port {
    /// Whether a supertrait of the product's own has to bring `Send + Sync`, which only the compiler can tell.
    pub(super) inherits_bounds: bool,
}

impl Port {
    pub(super) fn new(parsed: &Parsed, errors: &mut Errors) -> Self {
        let Parsed::Trait(item) = parsed else { return Self::default() };
        if !item.generics.params.is_empty() {
            errors.on(&item.generics, "a port has no generic parameters: it is found as one `dyn Trait`");
        }
        for entry in &item.items {
            match entry {
                TraitItem::Fn(method) => check_method(item, method, errors),
                TraitItem::Type(associated) => {
                    errors.on(associated, "a port has no associated types: `dyn Trait` could not name them");
                }
                TraitItem::Const(associated) => {
                    errors.on(associated, "a port has no constants: `dyn Trait` could not have them; write a method");
                }
                _ => {}
            }
        }
        Self { inherits_bounds: check_bounds(item, errors) }
    }
}

/// Refuses a trait that cannot be shared between threads; tells whether that hangs on supertraits of the product's own.
fn check_bounds(item: &ItemTrait, errors: &mut Errors) -> bool {
    let (mut send, mut sync, mut others) = (false, false, false);
    for bound in &item.supertraits {
        let TypeParamBound::Trait(bound) = bound else { continue };
        match bound.path.segments.last() {
            Some(last) if last.ident == "Send" => send = true,
            Some(last) if last.ident == "Sync" => sync = true,
            Some(last) if ["Debug", "Display", "Any", "Unpin"].iter().any(|known| last.ident == known) => {}
            _ => others = true,
        }
    }
    if send && sync {
        return false;
    }
    if others {
        return true;
    }
    let missing = match (send, sync) {
        (false, false) => "Send + Sync",
        (true, false) => "Sync",
        _ => "Send",
    };
    let name = &item.ident;
    let message = if item.supertraits.is_empty() {
        format!("a port is shared between threads: write `trait {name}: {missing}`")
    } else {
        format!("a port is shared between threads: add `{missing}` to what `{name}` requires")
    };
    errors.at(name.span(), message);
    false
}

fn check_method(item: &ItemTrait, method: &TraitItemFn, errors: &mut Errors) {
    let signature = &method.sig;
    let name = &item.ident;
    // `where Self: Sized` keeps a method out of `dyn Trait`.
    let is_left_out = signature.generics.where_clause.as_ref().is_some_and(|clause| {
        clause.predicates.iter().any(|predicate| match predicate {
            syn::WherePredicate::Type(predicate) => is_named(&predicate.bounded_ty, "Self"),
            _ => false,
        })
    });
    if is_left_out {
        return;
    }
    for parameter in &signature.generics.params {
        if let GenericParam::Type(_) | GenericParam::Const(_) = parameter {
            errors.on(parameter, format!("a port's method has no generic parameters: `dyn {name}` could not call it"));
        }
    }
    if signature.receiver().is_none() {
        let message = format!("a port's method takes `&self`: `dyn {name}` could not call it otherwise");
        errors.at(signature.ident.span(), message);
    }
    for argument in &signature.inputs {
        if let FnArg::Typed(argument) = argument
            && let Type::ImplTrait(ty) = &*argument.ty
        {
            errors.on(ty, format!("`impl Trait` is a generic parameter, and `dyn {name}` could not call the method"));
        }
    }
    if let ReturnType::Type(_, ty) = &signature.output {
        if let Type::ImplTrait(ty) = &**ty {
            errors.on(ty, format!("`dyn {name}` could not return it: name the type, or box it"));
        } else if is_named(ty, "Self") {
            errors.on(ty, format!("`dyn {name}` has no known size, so it cannot be returned"));
        }
    }
}
