//! What stands there: a struct with its fields' options.

use syn::{Data, DeriveInput, Field, Fields, Ident};

use crate::common::arguments::{Arguments, Known, Takes};
use crate::common::errors::Errors;

const OF_FIELD: &[Known] =
    &[("column", Takes::Value("\"created_at\"")), ("json", Takes::Nothing), ("default", Takes::Nothing)];

/// A struct with the options on its fields.
pub(super) struct Parsed<'a> {
    pub(super) ident: &'a Ident,
    pub(super) fields: Vec<(&'a Ident, &'a Field, Arguments)>,
}

/// Reads all options.
pub(super) fn parse<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<Parsed<'a>> {
    let ident = &input.ident;
    if !input.generics.params.is_empty() {
        errors.on(&input.generics, "a row is read into a struct without generic parameters");
        return None;
    }
    drop(Arguments::of_attributes(&input.attrs, "row", "`#[row]` on a struct", &[], errors));
    let Data::Struct(data) = &input.data else {
        errors.at(ident.span(), "a row is read into a struct: its columns are the names of the fields");
        return None;
    };
    let Fields::Named(fields) = &data.fields else {
        errors.at(
            ident.span(),
            "columns are found by the names of fields: write `struct … { name: Type }`, or read a tuple",
        );
        return None;
    };
    let fields = fields.named.iter().filter_map(|field| {
        let options = Arguments::of_attributes(&field.attrs, "row", "`#[row]` on a field", OF_FIELD, errors);
        field.ident.as_ref().map(|ident| (ident, field, options))
    });
    Some(Parsed { ident, fields: fields.collect() })
}
