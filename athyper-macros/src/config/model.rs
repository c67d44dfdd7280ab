//! A table or a word of the configuration, checked.

use syn::spanned::Spanned;
use syn::{Expr, Field as SynField, Fields, Ident, LitStr, Path, Type, Variant};

use super::defaults::Default;
use super::parse::{Body, Parsed};
use crate::common::arguments::{Argument, Arguments};
use crate::common::case::snake;
use crate::common::documentation::first_paragraph;
use crate::common::errors::Errors;
use crate::common::signature::argument_of;

/// A type of the configuration, checked.
pub(super) enum Config {
    Table { ident: Ident, section: Option<String>, listed: bool, check: Option<Path>, fields: Vec<Field> },
    Word { ident: Ident, words: Vec<(String, Ident)> },
}

/// How a field's value is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As its type says.
    Typed,
    /// `FromStr`.
    Parsed,
    /// serde.
    Deserialized,
}

/// One field.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) key: String,
    pub(super) ty: Type,
    /// `T` of `Option<T>`.
    pub(super) optional: Option<Type>,
    pub(super) reading: Reading,
    pub(super) default: Option<Default>,
    pub(super) prod_default: Option<Default>,
    pub(super) variable: Option<String>,
    pub(super) insecure: Option<String>,
    pub(super) secret: bool,
    pub(super) shown: bool,
    pub(super) documentation: String,
}

impl Config {
    pub(super) fn new(parsed: Parsed<'_>, errors: &mut Errors) -> Option<Self> {
        let Parsed { ident, arguments, body } = parsed;
        match body {
            Body::Struct(fields) => {
                let section = arguments.string_as("section", errors, |literal| key(literal, "a section's name"));
                let listed = !arguments.flag("unlisted");
                let check = arguments.value("check", errors);
                let fields: Vec<Field> = fields
                    .into_iter()
                    .map(|(name, field, options)| Field::new(name, field, &options, errors))
                    .collect();
                check_variables(&fields, errors);
                Some(Self::Table { ident: ident.clone(), section, listed, check, fields })
            }
            Body::Enum(variants) => {
                let words = words(ident, &variants, errors);
                Some(Self::Word { ident: ident.clone(), words })
            }
        }
    }
}

impl Field {
    fn new(ident: &Ident, field: &SynField, options: &Arguments, errors: &mut Errors) -> Self {
        let name = ident.to_string();
        let key = name.strip_prefix("r#").unwrap_or(&name).to_owned();
        if !is_key(&key) {
            let message = "a key is made of lower-case letters, digits and single `_`: a variable of the environment has to \
                           spell it";
            errors.at(ident.span(), message);
        }
        let reading = match (options.get("parse"), options.get("deserialize")) {
            (Some(_), Some(argument)) => {
                errors.at(argument.span(), "`parse` reads it already: leave one of the two out");
                Reading::Parsed
            }
            (Some(_), None) => Reading::Parsed,
            (None, Some(_)) => Reading::Deserialized,
            (None, None) => Reading::Typed,
        };
        if let Some(shown) = options.get("shown") {
            if options.flag("secret") {
                errors.at(shown.span(), "a `secret` is never shown: leave one of the two out");
            } else if reading != Reading::Deserialized {
                errors.at(shown.span(), "`shown` is for `deserialize`: every other value is shown anyway");
            }
        }
        let prod_default = default("prod_default", options, &field.ty, errors);
        if let Some(Default::Expression(expression)) = &prod_default {
            errors.on(expression, "the default of `prod` is a literal, or a list of them");
        }
        let default = match options.get("default") {
            Some(Argument { value: None, .. }) => Some(Default::OfType),
            _ => default("default", options, &field.ty, errors),
        };
        let insecure = options.string("insecure_in_prod", errors).map(|literal| literal.value());
        if let (Some(argument), Some(_)) = (options.get("prod_default"), &insecure) {
            errors.at(argument.name.span(), "`insecure_in_prod` refuses to start with a default, so `prod` needs none");
        }
        Self {
            ident: ident.clone(),
            key,
            ty: field.ty.clone(),
            optional: argument_of(&field.ty, "Option").cloned(),
            reading,
            default,
            prod_default,
            variable: options.string_as("variable", errors, variable),
            insecure,
            secret: options.flag("secret"),
            shown: options.flag("shown"),
            documentation: first_paragraph(&field.attrs),
        }
    }
}

fn default(name: &str, options: &Arguments, ty: &Type, errors: &mut Errors) -> Option<Default> {
    let value = options.value::<Expr>(name, errors)?;
    Some(Default::new(value, ty, errors))
}

fn check_variables(fields: &[Field], errors: &mut Errors) {
    for (index, field) in fields.iter().enumerate() {
        let earlier =
            fields[..index].iter().find(|earlier| field.variable.is_some() && earlier.variable == field.variable);
        if let (Some(earlier), Some(variable)) = (earlier, &field.variable) {
            errors.at(field.ident.span(), format!("`{variable}` sets `{}` already", earlier.key));
        }
    }
}

fn words(ident: &Ident, variants: &[(&Variant, Arguments)], errors: &mut Errors) -> Vec<(String, Ident)> {
    if variants.is_empty() {
        errors.at(ident.span(), "there is no word to choose from: add a variant");
    }
    let mut words: Vec<(String, Ident)> = Vec::new();
    for (variant, options) in variants {
        if !matches!(variant.fields, Fields::Unit) {
            errors.at(variant.fields.span(), "a variant is one word and holds nothing");
        }
        let word = options.string_as("word", errors, |literal| {
            if literal.value().trim().is_empty() {
                return Err(syn::Error::new(literal.span(), "the word is empty"));
            }
            Ok(literal.value())
        });
        let word = word.unwrap_or_else(|| snake(&variant.ident.to_string()));
        if let Some((_, earlier)) = words.iter().find(|(known, _)| *known == word) {
            errors.at(variant.ident.span(), format!("`{word}` is the word for `{earlier}` already"));
        }
        words.push((word, variant.ident.clone()));
    }
    words
}

fn key(literal: &LitStr, what: &str) -> syn::Result<String> {
    let text = literal.value();
    if is_key(&text) {
        return Ok(text);
    }
    Err(syn::Error::new(literal.span(), format!("{what} is made of lower-case letters, digits and single `_`")))
}

fn is_key(text: &str) -> bool {
    let known = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    !text.is_empty()
        && text.chars().all(known)
        && !text.contains("__")
        && !text.starts_with('_')
        && !text.ends_with('_')
}

fn variable(literal: &LitStr) -> syn::Result<String> {
    let text = literal.value();
    let known = |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_';
    if text.starts_with("ATHYPER__") {
        return Err(syn::Error::new(literal.span(), "variables that begin with `ATHYPER__` name a section and a key"));
    }
    if text.starts_with(|first: char| first.is_ascii_uppercase()) && text.chars().all(known) {
        return Ok(text);
    }
    Err(syn::Error::new(literal.span(), "a variable is made of capitals, digits and `_`, such as `SMTP_PORT`"))
}
