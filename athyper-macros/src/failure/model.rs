//! An error, checked.

use proc_macro2::Span;
use syn::{Fields, Ident, LitStr, Member, Type};

use super::message::bind;
use super::parse::{Case, Parsed};
use crate::common::case::kebab;
use crate::common::errors::Errors;
use crate::common::slot::Slot;

/// The words of `kind`, and the variants of `ErrorKind` they mean.
const KINDS: [(&str, &str); 13] = [
    ("invalid", "Invalid"),
    ("unauthenticated", "Unauthenticated"),
    ("forbidden", "Forbidden"),
    ("not_found", "NotFound"),
    ("conflict", "Conflict"),
    ("too_large", "TooLarge"),
    ("rate_limited", "RateLimited"),
    ("timeout", "Timeout"),
    ("unavailable", "Unavailable"),
    ("cancelled", "Cancelled"),
    ("unknown_outcome", "UnknownOutcome"),
    ("configuration", "Configuration"),
    ("internal", "Internal"),
];

/// An error, checked.
pub(super) struct Failure {
    pub(super) ident: Ident,
    pub(super) is_enum: bool,
    pub(super) cases: Vec<FailureCase>,
}

/// One variant, or the struct.
pub(super) struct FailureCase {
    pub(super) ident: Ident,
    pub(super) members: Vec<Member>,
    pub(super) types: Vec<Type>,
    pub(super) kind: &'static str,
    pub(super) code: String,
    pub(super) status: Option<u16>,
    /// The text for `write!`.
    pub(super) message: String,
    pub(super) message_span: Span,
    /// The position of the field marked `#[source]`.
    pub(super) source: Option<usize>,
}

impl Failure {
    pub(super) fn new(parsed: &Parsed<'_>, errors: &mut Errors) -> Self {
        let mut cases: Vec<FailureCase> = Vec::new();
        for case in &parsed.cases {
            let Some(checked) = FailureCase::new(case, errors) else { continue };
            if let Some(earlier) = cases.iter().find(|earlier| earlier.code == checked.code) {
                let message = format!("`{}` has the code `{}` already", earlier.ident, checked.code);
                let span = case.arguments.get("code").map_or(case.ident.span(), |argument| argument.span());
                errors.at(span, message);
            }
            cases.push(checked);
        }
        Self { ident: parsed.ident.clone(), is_enum: parsed.is_enum, cases }
    }
}

impl FailureCase {
    fn new(case: &Case<'_>, errors: &mut Errors) -> Option<Self> {
        let arguments = &case.arguments;
        let words = KINDS.map(|(word, _)| word);
        let kind = arguments.word("kind", &words, errors).map(|position| KINDS[position].1);
        let code = arguments.string_as("code", errors, code).unwrap_or_else(|| kebab(&case.ident.to_string()));
        let status = status(case, errors);
        let literal = arguments.string("message", errors);
        let message = literal.as_ref().and_then(|literal| errors.keep(bind(literal, case.fields)));
        match (arguments.get("kind"), arguments.get("message")) {
            (None, None) => {
                let example = "`#[failure(kind = conflict, message = \"…\")]`";
                errors
                    .at(case.ident.span(), format!("say what a caller can do about it, and what happened: {example}"));
            }
            (None, Some(_)) => {
                errors.at(
                    case.ident.span(),
                    format!("say what a caller can do about it: `kind` is one of `{}`", words.join("`, `")),
                );
            }
            (Some(_), None) => {
                errors.at(case.ident.span(), "say what happened: `message = \"…\"`, with fields in braces");
            }
            (Some(_), Some(_)) => {}
        }
        let source = source(case.fields, errors);
        Some(Self {
            ident: case.ident.clone(),
            members: case.fields.members().collect(),
            types: case.fields.iter().map(|field| field.ty.clone()).collect(),
            kind: kind?,
            code,
            status,
            message: message?,
            message_span: literal?.span(),
            source,
        })
    }
}

fn status(case: &Case<'_>, errors: &mut Errors) -> Option<u16> {
    let status: syn::LitInt = case.arguments.value("status", errors)?;
    match status.base10_parse::<u16>() {
        Ok(number @ 400..=599) => Some(number),
        _ => {
            errors.at(status.span(), "an error has a status from 400 to 599 (RFC 9110, section 15)");
            None
        }
    }
}

fn code(literal: &LitStr) -> syn::Result<String> {
    let text = literal.value();
    let known = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    let is_kebab = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(known)
        && !text.contains("--")
        && !text.ends_with('-');
    if is_kebab {
        return Ok(text);
    }
    let suggestion = kebab(&text.replace([' ', '-', '.', ':'], "_"));
    Err(syn::Error::new(
        literal.span(),
        format!("a code is made of lower-case words with `-` between them, such as `{suggestion}`"),
    ))
}

fn source(fields: &Fields, errors: &mut Errors) -> Option<usize> {
    let mut slot = Slot::new("`#[source]`");
    for (index, field) in fields.iter().enumerate() {
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("source")) {
            if attribute.meta.require_path_only().is_err() {
                errors.on(attribute, "`#[source]` stands alone");
            }
            let name = field.ident.as_ref().map_or_else(|| format!("field {index}"), |ident| format!("`{ident}`"));
            let span = attribute.path().segments.first().map_or_else(Span::call_site, |first| first.ident.span());
            errors.keep(slot.set(span, (index, name), |(_, name)| name.clone()));
        }
    }
    slot.get().map(|(index, _)| *index)
}
