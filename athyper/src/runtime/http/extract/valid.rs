//! Input that keeps the rules its type states.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use serde::de::DeserializeOwned;
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

use super::form::Form;
use super::json::{Json, push_segment};
use super::query::Query;
use crate::foundation::error::{Error, FieldError, Result};

/// An extractor whose input can be validated: [`Json`], [`Query`] and [`Form`] of a type that is `Validate`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be validated",
    label = "the type inside is not `Validate`",
    note = "add `#[derive(validator::Validate)]` to the type inside of `Json`, `Query` or `Form`, or take it without `Valid`"
)]
pub trait Validatable {
    /// Checks the rules.
    ///
    /// # Errors
    /// The fields that break a rule.
    fn validate(&self) -> Result<(), ValidationErrors>;
}

macro_rules! validatable {
    ($($extractor:ident),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: Validate> Validatable for $extractor<T> {
            fn validate(&self) -> Result<(), ValidationErrors> {
                self.0.validate()
            }
        }
    )*};
}

validatable!(Json, Query, Form);

/// Input that keeps the rules of its type (`#[derive(Validate)]` of the `validator` crate).
///
/// Input that breaks one is answered 422 with every field that does: a JSON pointer, the rule's code and a sentence.
///
/// ```
/// use athyper::http::{Json, Valid};
/// use serde::Deserialize;
/// use validator::{Validate, ValidationErrors};
///
/// #[derive(Deserialize)]
/// struct SignUp {
///     email: String,
/// }
///
/// // `#[derive(Validate)]` writes this.
/// impl Validate for SignUp {
///     fn validate(&self) -> Result<(), ValidationErrors> {
///         Ok(())
///     }
/// }
///
/// async fn sign_up(Valid(Json(sign_up)): Valid<Json<SignUp>>) -> String {
///     sign_up.email
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Valid<E: Validatable>(pub E);

impl<E: Validatable> Valid<E> {
    fn check(input: E) -> Result<Self> {
        match input.validate() {
            Ok(()) => Ok(Self(input)),
            Err(errors) => Err(broken(&errors)),
        }
    }
}

macro_rules! from_body {
    ($($extractor:ident),*) => {$(
        impl<T, S> FromRequest<S> for Valid<$extractor<T>>
        where
            T: DeserializeOwned + Validate,
            S: Send + Sync,
        {
            type Rejection = Error;

            async fn from_request(request: Request, state: &S) -> Result<Self> {
                Self::check($extractor::from_request(request, state).await?)
            }
        }
    )*};
}

from_body!(Json, Form);

impl<T, S> FromRequestParts<S> for Valid<Query<T>>
where
    T: DeserializeOwned + Validate,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        Self::check(Query::from_request_parts(parts, state).await?)
    }
}

fn broken(errors: &ValidationErrors) -> Error {
    let mut fields = Vec::new();
    collect(errors, "", &mut fields);
    fields.sort_by(|left, right| left.pointer.cmp(&right.pointer).then_with(|| left.code.cmp(&right.code)));
    Error::invalid("some fields break a rule").with_code("validation-failed").with_fields(fields)
}

fn collect(errors: &ValidationErrors, parent: &str, fields: &mut Vec<FieldError>) {
    for (name, kind) in errors.errors() {
        // A rule of the whole struct is reported under this name.
        let mut pointer = parent.to_owned();
        if name != "__all__" {
            push_segment(&mut pointer, name);
        }
        match kind {
            ValidationErrorsKind::Struct(errors) => collect(errors, &pointer, fields),
            ValidationErrorsKind::List(entries) => {
                for (index, errors) in entries {
                    let mut pointer = pointer.clone();
                    push_segment(&mut pointer, &index.to_string());
                    collect(errors, &pointer, fields);
                }
            }
            ValidationErrorsKind::Field(errors) => fields.extend(errors.iter().map(|error| FieldError {
                pointer: pointer.clone(),
                code: error.code.to_string(),
                detail: sentence(error),
            })),
        }
    }
}

/// The rule's own message, or a sentence for the rules that `validator` brings.
fn sentence(error: &ValidationError) -> String {
    if let Some(message) = &error.message {
        return message.to_string();
    }
    let bound = |name: &str| error.params.get(name).map(ToString::to_string);
    let bounds = |what: &str| match (bound("min"), bound("max"), bound("equal")) {
        (_, _, Some(equal)) => format!("{what} must be {equal}"),
        (Some(min), Some(max), _) => format!("{what} must be between {min} and {max}"),
        (Some(min), None, _) => format!("{what} must be at least {min}"),
        (None, Some(max), _) => format!("{what} must be at most {max}"),
        (None, None, None) => format!("{what} is out of bounds"),
    };
    match &*error.code {
        "email" => "this is not an e-mail address".to_owned(),
        "url" => "this is not a URL".to_owned(),
        "ip" | "ip_v4" | "ip_v6" => "this is not an IP address".to_owned(),
        "length" => bounds("the length"),
        "range" => bounds("the value"),
        "required" | "required_nested" => "this must be given".to_owned(),
        "must_match" => "this must be the same as the other field".to_owned(),
        "contains" => "this must contain what is required".to_owned(),
        "does_not_contain" => "this must not contain what is forbidden".to_owned(),
        "regex" => "this does not have the required form".to_owned(),
        "credit_card" => "this is not a card number".to_owned(),
        "non_control_character" => "this must not contain control characters".to_owned(),
        code => format!("this breaks the rule `{code}`"),
    }
}
