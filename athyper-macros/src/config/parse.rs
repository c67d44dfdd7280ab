//! What stands there: a struct with its fields' options, or an enum with its variants'.

use syn::{Data, DeriveInput, Field, Fields, Ident, Variant};

use crate::common::arguments::{Arguments, Known, Takes};
use crate::common::errors::Errors;

const OF_STRUCT: &[Known] = &[
    ("section", Takes::Value("\"smtp\"")),
    ("check", Takes::Value("check_smtp")),
    // Not in the table of linked sections: the framework's own are known anyhow.
    ("unlisted", Takes::Nothing),
];
const OF_FIELD: &[Known] = &[
    ("default", Takes::Maybe("587")),
    ("prod_default", Takes::Value("587")),
    ("variable", Takes::Value("\"SMTP_PORT\"")),
    ("insecure_in_prod", Takes::Value("\"what could happen\"")),
    ("parse", Takes::Nothing),
    ("deserialize", Takes::Nothing),
    ("secret", Takes::Nothing),
    ("shown", Takes::Nothing),
];
const OF_VARIANT: &[Known] = &[("word", Takes::Value("\"plain-text\""))];

/// A type with the options on it.
pub(super) struct Parsed<'a> {
    pub(super) ident: &'a Ident,
    pub(super) arguments: Arguments,
    pub(super) body: Body<'a>,
}

/// The two things that can be configuration.
pub(super) enum Body<'a> {
    /// A table.
    Struct(Vec<(&'a Ident, &'a Field, Arguments)>),
    /// A word.
    Enum(Vec<(&'a Variant, Arguments)>),
}

/// Reads all options.
pub(super) fn parse<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<Parsed<'a>> {
    let ident = &input.ident;
    if !input.generics.params.is_empty() {
        errors.on(&input.generics, "a section of the configuration has no generic parameters");
        return None;
    }
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Body::Struct(
                fields
                    .named
                    .iter()
                    .filter_map(|field| {
                        let owner = "`#[config]` on a field";
                        let options = Arguments::of_attributes(&field.attrs, "config", owner, OF_FIELD, errors);
                        field.ident.as_ref().map(|ident| (ident, field, options))
                    })
                    .collect(),
            ),
            Fields::Unnamed(fields) => {
                errors.on(fields, "the keys of a section are the names of its fields: write `struct … { name: Type }`");
                return None;
            }
            Fields::Unit => {
                errors.on(ident, "a section has keys: write `struct … { name: Type }`");
                return None;
            }
        },
        Data::Enum(data) => {
            let known = Arguments::of_attributes(&input.attrs, "config", "`#[config]` on an enum", &[], errors);
            drop(known);
            Body::Enum(
                data.variants
                    .iter()
                    .map(|variant| {
                        let owner = "`#[config]` on a variant";
                        (variant, Arguments::of_attributes(&variant.attrs, "config", owner, OF_VARIANT, errors))
                    })
                    .collect(),
            )
        }
        Data::Union(data) => {
            errors.on(data.union_token, "configuration is read into a struct, or into an enum of words");
            return None;
        }
    };
    let arguments = match body {
        Body::Struct(_) => {
            Arguments::of_attributes(&input.attrs, "config", "`#[config]` on a struct", OF_STRUCT, errors)
        }
        Body::Enum(_) => Arguments::none(OF_STRUCT),
    };
    Some(Parsed { ident, arguments, body })
}
