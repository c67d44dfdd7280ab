//! A handler, checked.

use syn::{Ident, PathArguments, Type};

use super::limits::Limits;
use super::parse::{OF_PAYLOAD, Parsed, is_of_handler};
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
    pub(super) limits: Limits,
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
            } else if arguments.flag("contract") && !is_of_handler(&name) {
                let message =
                    format!("`{name}` is part of the contract: it stands on the payload, in `#[job(contract, …)]`");
                errors.at(argument.name.span(), message);
            }
        }
        let options = JobOptions::read(&arguments, errors);
        let concurrency = arguments.at_least("concurrency", 1, errors);
        // Whether tenants take turns by a contract is known once all is put together.
        let limits = Limits::read(&arguments, options.takes_turns() || arguments.flag("contract"), errors);
        let (sources, payload) = sources(parameters, "payload", errors);
        let Some(payload) = payload else {
            let message = "a job takes its payload: add a parameter of the type that is enqueued";
            errors.at(function.sig.ident.span(), message);
            return None;
        };
        if let Err(message) = check_payload_type(&payload) {
            errors.on(&payload, message);
            return None;
        }
        Some(Self {
            returned: return_type(&function),
            ident: function.sig.ident,
            payload,
            sources,
            options: (!arguments.flag("contract")).then_some(options),
            concurrency,
            limits,
        })
    }
}

/// Tells the parameters apart: the first plain one is the payload, `JobContext` is known by its type.
pub(crate) fn sources(
    parameters: Vec<Parameter>,
    payload_is: &str,
    errors: &mut Errors,
) -> (Vec<Source>, Option<Type>) {
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
                format!("{first} is the {payload_is} already: write `#[inject]` before what the container provides");
            errors.at(parameter.span, message);
        } else {
            payload = Some((parameter.ty, parameter.label));
            sources.push(Source::Payload);
        }
    }
    (sources, payload.map(|(ty, _)| ty))
}

/// Types that are nobody's own, which the compiler would say in words that help nobody.
const FOREIGN: [&str; 26] = [
    "Arc", "Box", "Cow", "HashMap", "Lazy", "Config", "Option", "PathBuf", "Rc", "Result", "Self", "String", "Vec",
    "bool", "char", "f32", "f64", "i16", "i32", "i64", "i8", "u16", "u32", "u64", "u8", "usize",
];

/// Whether a type can be identified by its name on the wire.
pub(super) fn check_payload_type(ty: &Type) -> Result<(), String> {
    let message = "the payload is a struct or enum of the product's own: its name identifies the job";
    let Type::Path(path) = ty else { return Err(message.to_owned()) };
    let Some(last) = path.path.segments.last().filter(|_| path.qself.is_none()) else { return Err(message.to_owned()) };
    if ["Arc", "Lazy", "Config"].iter().any(|name| last.ident == name) {
        Err(format!("{message}; write `#[inject]` before what the container provides"))
    } else if FOREIGN.iter().any(|name| last.ident == name) {
        Err(message.to_owned())
    } else if !matches!(last.arguments, PathArguments::None) {
        Err(format!("{message}, so it has no generic arguments"))
    } else {
        Ok(())
    }
}
