//! A handler, checked.

use syn::{Ident, PathArguments, Type};

use super::parse::{OF_PAYLOAD, Parsed};
use crate::common::dependency::Dependency;
use crate::common::errors::Errors;
use crate::common::job_options::JobOptions;
use crate::common::signature::{Parameter, check_owned, check_plain, is_named, return_type};

/// Where an argument of the handler's call comes from.
pub(crate) enum Source {
    /// The decoded payload.
    Payload,
    /// The attempt.
    Context,
    /// The container.
    Container(Dependency),
}

/// A handler, checked.
pub(super) struct Job {
    pub(super) ident: Ident,
    pub(super) payload: Type,
    pub(super) returned: Type,
    pub(super) sources: Vec<Source>,
    /// `None` when the payload's crate says how the job runs: `contract`.
    pub(super) options: Option<JobOptions>,
    pub(super) concurrency: Option<u32>,
}

impl Job {
    pub(super) fn new(parsed: Parsed, errors: &mut Errors) -> Option<Self> {
        let Parsed { arguments, function, parameters } = parsed;
        check_plain(&function, "a job", errors);
        if function.sig.asyncness.is_none() {
            errors.on(function.sig.fn_token, "a job is an `async fn`");
        }
        for argument in arguments.given() {
            let name = argument.name.to_string();
            if OF_PAYLOAD.iter().any(|(known, _)| *known == name) {
                let message =
                    format!("`{name}` belongs to the payload: `#[derive(Job)]` with `#[job({name} = …)]` below it");
                errors.at(argument.name.span(), message);
            } else if arguments.flag("contract") && !matches!(name.as_str(), "contract" | "concurrency") {
                let message =
                    format!("`{name}` is part of the contract: it stands on the payload, in `#[job(contract, …)]`");
                errors.at(argument.name.span(), message);
            }
        }
        let options = JobOptions::read(&arguments, errors);
        let concurrency = arguments.at_least("concurrency", 1, errors);
        let (sources, payload) = sources(parameters, errors);
        let Some(payload) = payload else {
            let message = "a job takes its payload: add a parameter of the type that is enqueued";
            errors.at(function.sig.ident.span(), message);
            return None;
        };
        if !is_payload_type(&payload, errors) {
            return None;
        }
        Some(Self {
            returned: return_type(&function),
            ident: function.sig.ident,
            payload,
            sources,
            options: (!arguments.flag("contract")).then_some(options),
            concurrency,
        })
    }
}

/// Tells the parameters apart: the first plain one is the payload, `JobContext` is known by its type.
pub(crate) fn sources(parameters: Vec<Parameter>, errors: &mut Errors) -> (Vec<Source>, Option<Type>) {
    let mut payload: Option<(Type, String)> = None;
    let mut context = false;
    let mut sources = Vec::new();
    for parameter in parameters {
        if parameter.injection.is_some() {
            check_owned(&parameter.ty, errors);
            sources.push(Source::Container(parameter.into_dependency()));
        } else if is_named(&parameter.ty, "JobContext") {
            if std::mem::replace(&mut context, true) {
                errors.at(parameter.span, "the `JobContext` is given once");
            }
            sources.push(Source::Context);
        } else if let Some((_, first)) = &payload {
            let message =
                format!("{first} is the payload already: write `#[inject]` before what the container provides");
            errors.at(parameter.span, message);
        } else {
            payload = Some((parameter.ty, parameter.label));
            sources.push(Source::Payload);
        }
    }
    (sources, payload.map(|(ty, _)| ty))
}

/// Whether a type can be identified by its name on the wire.
fn is_payload_type(ty: &Type, errors: &mut Errors) -> bool {
    let message = "the payload is a struct or enum of the product's own: its name identifies the job";
    match ty {
        Type::Path(path) if path.qself.is_none() => {
            let Some(last) = path.path.segments.last() else { return false };
            if matches!(last.arguments, PathArguments::None) {
                return true;
            }
            if is_named(ty, "Arc") {
                errors.on(ty, format!("{message}; write `#[inject]` before what the container provides"));
            } else {
                errors.on(ty, format!("{message}, so it has no generic arguments"));
            }
        }
        _ => errors.on(ty, message),
    }
    false
}
