//! A row, checked.

use syn::{Ident, Type};

use super::parse::Parsed;
use crate::common::errors::Errors;

/// A row, checked.
pub(super) struct Row {
    pub(super) ident: Ident,
    pub(super) fields: Vec<Field>,
}

/// One field, and the column it is read from.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) column: String,
    /// Whether the column holds a JSON document that serde reads.
    pub(super) is_json: bool,
    /// Whether a missing column or NULL is the type's default.
    pub(super) has_default: bool,
}

impl Row {
    pub(super) fn new(parsed: &Parsed<'_>, errors: &mut Errors) -> Self {
        let mut fields: Vec<Field> = Vec::new();
        for (ident, field, options) in &parsed.fields {
            let name = ident.to_string();
            let column = options.string("column", errors).map(|literal| literal.value());
            let column = column.unwrap_or_else(|| name.strip_prefix("r#").unwrap_or(&name).to_owned());
            if column.is_empty() {
                errors.at(
                    options.get("column").map_or(ident.span(), |argument| argument.span()),
                    "the column has no name",
                );
            }
            if let Some(earlier) = fields.iter().find(|earlier| earlier.column == column) {
                errors.at(ident.span(), format!("column `{column}` is read into `{}` already", earlier.ident));
            }
            fields.push(Field {
                ident: (*ident).clone(),
                ty: field.ty.clone(),
                column,
                is_json: options.flag("json"),
                has_default: options.flag("default"),
            });
        }
        Self { ident: parsed.ident.clone(), fields }
    }
}
