//! A place in the product's source, as tokens.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;

/// The place of some tokens for errors in our output. The compiler still knows that it is output, so that lints of the
/// product's own code pass it by.
pub(crate) fn at(tokens: impl ToTokens) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// The place of a token. `Location::caller()` in our output would give the attribute's line for every one of them.
pub(crate) fn place(span: Span) -> TokenStream {
    let (file, line, column) = if proc_macro::is_available() {
        let span = span.unwrap().start();
        (span.file(), span.line(), span.column())
    } else {
        (String::new(), 0, 0)
    };
    let (line, column) = (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX));
    quote!(athyper::private::Place { file: #file, line: #line, column: #column })
}
