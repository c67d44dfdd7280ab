//! What the variables of the environment say.

use crate::foundation::config::{ConfigValue, Origin};
use crate::foundation::problem::{Problem, ProblemClass, Problems};

use super::known_keys::KnownKeys;

const PREFIX: &str = "ATHYPER__";

/// One variable that says a value.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) path: Vec<String>,
    pub(super) value: ConfigValue,
}

/// What variables say: short ones first, so that long ones win.
pub(super) fn read_variables(variables: &[(String, String)], known: &KnownKeys, problems: &mut Problems) -> Vec<Said> {
    let mut short = Vec::new();
    let mut long = Vec::new();
    for (name, text) in variables {
        let value = ConfigValue::text(text.clone(), Origin::Variable(name.as_str().into()));
        if let Some(rest) = name.strip_prefix(PREFIX) {
            let path: Vec<_> = rest.split("__").map(str::to_ascii_lowercase).collect();
            if path.iter().any(String::is_empty) {
                problems.push(misspelt(name, known));
            } else {
                long.push(Said { path, value });
            }
        } else if let Some(key) = known.iter().find(|key| key.field.variable == Some(name.as_str())) {
            // Others own these names, and tools that pass them on leave them empty when there is nothing to say.
            if !text.is_empty() {
                short.push(Said { path: key.path.split('.').map(str::to_owned).collect(), value });
            }
        } else if name.starts_with("ATHYPER_") && known.misspelt_variable(name).is_some() {
            problems.push(misspelt(name, known));
        }
    }
    short.append(&mut long);
    short
}

fn misspelt(name: &str, known: &KnownKeys) -> Problem {
    let problem =
        Problem::new(ProblemClass::Configuration, "ATH-CONFIG-UNKNOWN", format!("variable {name} is not known"));
    match known.misspelt_variable(name) {
        Some(meant) => problem.with_fix(format!("did you mean {meant}?")),
        None => problem.with_fix("the form is ATHYPER__SECTION__KEY; unset it, or set what you meant"),
    }
}

/// The process's own variables. Only the generated `main` asks for them; those that are no text are left out, unless their
/// name is one that configuration reads.
///
/// # Errors
/// The variables of ours whose value is no UTF-8.
pub(crate) fn process_environment() -> Result<Vec<(String, String)>, Problems> {
    let mut variables = Vec::new();
    let mut problems = Problems::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => variables.push((name, value)),
            Err(_) if name.starts_with("ATHYPER") => problems.push(
                Problem::new(ProblemClass::Configuration, "ATH-CONFIG-SYNTAX", format!("variable {name} is not UTF-8"))
                    .with_fix("set it to text, or unset it"),
            ),
            Err(_) => {}
        }
    }
    if problems.is_empty() { Ok(variables) } else { Err(problems) }
}
