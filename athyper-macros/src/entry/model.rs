//! The product's function, checked.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ItemFn, ReturnType, UseTree};

use super::parse::Parsed;
use crate::common::errors::Errors;
use crate::common::signature::check_plain;

/// The product's function.
pub(super) struct Entry {
    pub(super) ident: Ident,
    /// Where a wrong type is shown.
    pub(super) span: Span,
}

impl Entry {
    pub(super) fn new(parsed: Parsed, errors: &mut Errors) -> Option<Self> {
        match parsed {
            Parsed::Function(function) => Self::of_function(&function, errors),
            Parsed::Use(item) => {
                let ident = last_name(&item.tree, errors)?;
                Some(Self { span: ident.span(), ident })
            }
        }
    }

    fn of_function(function: &ItemFn, errors: &mut Errors) -> Option<Self> {
        let signature = &function.sig;
        let ident = signature.ident.clone();
        let form = "write `pub fn app(kernel: KernelBuilder) -> KernelBuilder`";
        check_plain(function, "the product's function", errors);
        if ident == "main" {
            errors.at(ident.span(), format!("`main` is what this attribute writes: {form}"));
        }
        if let Some(token) = &signature.asyncness {
            let message = "the product's function only says what the product is made of, so it is not `async`: what has to \
                           be awaited goes into an `#[inject] async fn` or a hook";
            errors.on(token, message);
        }
        let one = signature.inputs.len() == 1 && matches!(signature.inputs.first(), Some(FnArg::Typed(_)));
        match (&signature.output, one) {
            (ReturnType::Default, _) => {
                errors.at(ident.span(), format!("the product's function returns the builder: {form}"));
            }
            (ReturnType::Type(..), false) => {
                let span = if signature.inputs.is_empty() { ident.span() } else { signature.inputs.span() };
                errors.at(span, format!("the product's function takes the builder and nothing else: {form}"));
            }
            (ReturnType::Type(_, ty), true) => return Some(Self { span: ty.span(), ident }),
        }
        None
    }
}

/// `app` of `my_product::app`, `start` of `my_product::app as start`.
fn last_name(tree: &UseTree, errors: &mut Errors) -> Option<Ident> {
    match tree {
        UseTree::Path(path) => last_name(&path.tree, errors),
        UseTree::Name(name) => Some(name.ident.clone()),
        UseTree::Rename(rename) => Some(rename.rename.clone()),
        other => {
            errors.on(other, "name the one function that makes the product: `use my_product::app;`");
            None
        }
    }
}
