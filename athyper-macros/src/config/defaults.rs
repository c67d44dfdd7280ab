//! Defaults: literals are read as a variable of the environment would be, anything else is an expression.

use syn::{Expr, ExprArray, Lit, Type, UnOp};

use crate::common::errors::Errors;
use crate::common::literals;
use crate::common::signature::{argument_of, is_named};

/// A default, checked as far as the spelling of the field's type allows.
pub(super) enum Default {
    /// The text that is read as a variable would be.
    Text(String),
    /// The texts of a list.
    List(Vec<String>),
    /// `Default::default()`.
    OfType,
    /// An expression, evaluated when nobody says a value.
    Expression(Box<Expr>),
}

impl Default {
    /// Reads a default for a field of type `ty`.
    pub(super) fn new(value: Expr, ty: &Type, errors: &mut Errors) -> Self {
        if let Some(text) = literal_text(&value) {
            check_literal(&value, &text, ty, errors);
            return Self::Text(text);
        }
        if let Expr::Array(ExprArray { elems, .. }) = &value
            && let Some(texts) = elems.iter().map(literal_text).collect::<Option<Vec<_>>>()
        {
            if let Some(inner) = argument_of(ty, "Vec") {
                for (element, text) in elems.iter().zip(&texts) {
                    check_literal(element, text, inner, errors);
                }
            }
            return Self::List(texts);
        }
        Self::Expression(Box::new(value))
    }
}

fn literal_text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            Lit::Int(number) => Some(number.base10_digits().to_owned()),
            Lit::Float(number) => Some(number.base10_digits().to_owned()),
            Lit::Bool(truth) => Some(truth.value.to_string()),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match &*unary.expr {
            Expr::Lit(literal) if matches!(literal.lit, Lit::Int(_) | Lit::Float(_)) => {
                literal_text(&unary.expr).map(|text| format!("-{text}"))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Refuses a literal that the field's type is known not to read.
fn check_literal(value: &Expr, text: &str, ty: &Type, errors: &mut Errors) {
    let ty = argument_of(ty, "Option").unwrap_or(ty);
    macro_rules! number {
        ($($type:ident)*) => {$(
            if is_named(ty, stringify!($type)) && text.parse::<$type>().is_err() {
                errors.on(value, format!("the field is a `{}`, which cannot be `{text}`", stringify!($type)));
            }
        )*};
    }
    number!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize f64 bool);
    if is_named(ty, "Duration") {
        match value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(literal) => {
                    errors.keep(literals::duration(literal));
                }
                other => errors.on(other, "a length of time has a unit: write for instance \"30s\" or \"1h 30m\""),
            },
            other => errors.on(other, "a length of time has a unit: write for instance \"30s\" or \"1h 30m\""),
        }
    }
}
