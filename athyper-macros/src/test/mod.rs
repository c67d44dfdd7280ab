//! `#[athyper_testkit::test(product::app)]`: a test of a whole product.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemFn, Path};

use crate::common::errors::Errors;

/// `#[athyper_testkit::test(…)]`.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let product = match syn::parse2::<Path>(arguments) {
        Ok(path) => Some(path),
        Err(error) => {
            errors.add(syn::Error::new(
                error.span(),
                "name the product's function: `#[athyper_testkit::test(my_product::app)]`",
            ));
            None
        }
    };
    let test = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(test) => {
            check(&test, &mut errors);
            Some(test)
        }
        Err(error) => {
            errors.add(error);
            None
        }
    };
    match (product, test) {
        (Some(product), Some(test)) if errors.is_empty() => expand(&product, &test),
        _ => errors.into_compile_errors(),
    }
}

fn check(test: &ItemFn, errors: &mut Errors) {
    let signature = &test.sig;
    if signature.asyncness.is_none() {
        errors.on(signature.fn_token, "a test of a product is an `async fn`");
    }
    if signature.inputs.len() != 1 {
        errors.on(&signature.ident, "a test of a product takes one parameter: `app: TestApp`");
    }
}

fn expand(product: &Path, test: &ItemFn) -> TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = test;
    let (ident, inputs, output) = (&sig.ident, &sig.inputs, &sig.output);
    quote! {
        #(#attrs)*
        #[::core::prelude::v1::test]
        #vis fn #ident() #output {
            async fn #ident(#inputs) #output #block
            ::athyper_testkit::run_test(#product, #ident)
        }
    }
}
