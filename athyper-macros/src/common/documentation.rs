//! What documentation comments say.

use syn::{Attribute, Expr, Lit, Meta};

/// The first paragraph of an item's documentation, on one line.
pub(crate) fn first_paragraph(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let Meta::NameValue(value) = &attribute.meta else { continue };
        let Expr::Lit(literal) = &value.value else { continue };
        let Lit::Str(line) = &literal.lit else { continue };
        for line in line.value().split('\n').map(str::trim) {
            if line.is_empty() && !text.is_empty() {
                return text;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text.trim().to_owned()
}
