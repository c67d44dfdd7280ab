//! Showing values without what must stay secret.

use super::{ConfigData, ConfigValue, Shape};

/// What stands in place of a secret.
pub(crate) const HIDDEN: &str = "[secret]";

const LONGEST_ECHO: usize = 80;

/// Replaces passwords in anything that looks like a URL or a connection string: what stands between the first `:` and the
/// last `@` of its authority, and the values of parameters named as passwords are. Rather hides too much than too little.
pub(crate) fn hide_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let authority = text.find("://").map(|scheme| scheme + 3);
    let host = text.rfind('@').filter(|at| authority.map_or(!text.contains(char::is_whitespace), |start| start <= *at));
    if let Some(at) = host {
        let user = &text[authority.unwrap_or(0)..at];
        let before = &text[..authority.unwrap_or(0)];
        match user.find(':') {
            Some(colon) => shown.push_str(&format!("{before}{}:{HIDDEN}", &user[..colon])),
            // A user alone is a token in HTTP, and a name elsewhere.
            None if before.starts_with("http") => shown.push_str(&format!("{before}{HIDDEN}")),
            None => shown.push_str(&text[..at]),
        }
        rest = &text[at..];
    }
    for parameter in rest.split_inclusive(['?', '&', ';', '#', ' ', ',']) {
        match parameter.split_once('=') {
            Some((name, value)) if sounds_secret(name.trim()) => {
                let separator = value.chars().next_back().filter(|last| "?&;# ,".contains(*last));
                shown.push_str(&format!("{name}={HIDDEN}"));
                shown.extend(separator);
            }
            _ => shown.push_str(parameter),
        }
    }
    shown
}

/// Whether a key says that its value is secret, although its type does not.
pub(crate) fn sounds_secret(key: &str) -> bool {
    // By the last letter: most keys need no comparison.
    let words: &[&str] = match key.as_bytes().last().map(u8::to_ascii_lowercase) {
        Some(b'd') => &["password", "passwd"],
        Some(b'e') => &["passphrase"],
        Some(b'n') => &["token"],
        Some(b's') => &["credentials"],
        Some(b't') => &["secret"],
        Some(b'y') => &["api_key", "apikey", "private_key"],
        _ => return false,
    };
    words.iter().any(|word| {
        let start = key.len().checked_sub(word.len());
        start.is_some_and(|start| key.as_bytes()[start..].eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// How a value is shown to people, `secret` ones hidden.
fn display_value(value: &ConfigValue, shape: Shape) -> String {
    match shape {
        Shape::Opaque => return "[not shown]".to_owned(),
        _ if shape.is_secret() => return HIDDEN.to_owned(),
        _ => {}
    }
    match &value.data {
        ConfigData::Text(text) | ConfigData::String(text) | ConfigData::Datetime(text) => hide_passwords(text),
        ConfigData::Integer(number) => number.to_string(),
        ConfigData::Float(number) => number.to_string(),
        ConfigData::Boolean(truth) => truth.to_string(),
        ConfigData::List(items) => {
            let inner = shape.item();
            let shown: Vec<_> = items.iter().map(|item| display_value(item, inner)).collect();
            format!("[{}]", shown.join(", "))
        }
        ConfigData::Table(entries) => {
            let shown: Vec<_> = entries
                .iter()
                .map(|(key, entry)| format!("{key} = {}", display_entry(key, entry, shape.child(key))))
                .collect();
            format!("{{ {} }}", shown.join(", "))
        }
    }
}

/// How the value of a key is shown: hidden too when the key sounds secret although its type does not say so.
pub(crate) fn display_entry(key: &str, value: &ConfigValue, shape: Option<Shape>) -> String {
    match shape {
        Some(shape) if !sounds_secret(key) || shape.is_table() => display_value(value, shape),
        _ => HIDDEN.to_owned(),
    }
}

/// How a wrong value is repeated in an error.
pub(super) fn echo(value: &ConfigValue) -> String {
    match &value.data {
        ConfigData::Text(text) | ConfigData::String(text) => {
            let hidden = hide_passwords(text);
            if hidden.chars().count() > LONGEST_ECHO {
                format!("{:?} and more", hidden.chars().take(LONGEST_ECHO).collect::<String>())
            } else {
                format!("{hidden:?}")
            }
        }
        ConfigData::Integer(number) => number.to_string(),
        ConfigData::Float(number) => number.to_string(),
        ConfigData::Boolean(truth) => truth.to_string(),
        ConfigData::Datetime(text) => text.clone(),
        ConfigData::List(_) => "a list".to_owned(),
        ConfigData::Table(_) => "a table".to_owned(),
    }
}
