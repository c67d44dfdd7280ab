//! What stands there: a struct, or an enum with its variants' options.

use syn::{Data, DeriveInput, Fields, Ident};

use crate::common::arguments::{Arguments, Known, Takes};
use crate::common::errors::Errors;

pub(super) const KNOWN: &[Known] = &[
    ("kind", Takes::Value("conflict")),
    ("code", Takes::Value("\"user-taken\"")),
    ("status", Takes::Value("409")),
    ("message", Takes::Value("\"the address {email} is taken\"")),
];

/// A type with the options on its cases.
pub(super) struct Parsed<'a> {
    pub(super) ident: &'a Ident,
    pub(super) is_enum: bool,
    pub(super) cases: Vec<Case<'a>>,
}

/// One variant, or the struct.
pub(super) struct Case<'a> {
    pub(super) ident: &'a Ident,
    pub(super) fields: &'a Fields,
    pub(super) arguments: Arguments,
}

/// Reads all options.
pub(super) fn parse<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<Parsed<'a>> {
    let ident = &input.ident;
    if !input.generics.params.is_empty() {
        errors.on(&input.generics, "an error that becomes `athyper::Error` has no generic parameters");
        return None;
    }
    match &input.data {
        Data::Struct(data) => {
            let owner = "`#[failure]`";
            let arguments = Arguments::of_attributes(&input.attrs, "failure", owner, KNOWN, errors);
            let cases = vec![Case { ident, fields: &data.fields, arguments }];
            Some(Parsed { ident, is_enum: false, cases })
        }
        Data::Enum(data) => {
            if let Some(attribute) = input.attrs.iter().find(|attribute| attribute.path().is_ident("failure")) {
                errors.on(attribute, "each variant says it for itself: put `#[failure(…)]` on the variants");
            }
            let cases = data.variants.iter().map(|variant| {
                let owner = "`#[failure]`";
                let arguments = Arguments::of_attributes(&variant.attrs, "failure", owner, KNOWN, errors);
                Case { ident: &variant.ident, fields: &variant.fields, arguments }
            });
            let cases = cases.collect();
            Some(Parsed { ident, is_enum: true, cases })
        }
        Data::Union(data) => {
            errors.on(data.union_token, "an error is a struct or an enum");
            None
        }
    }
}
