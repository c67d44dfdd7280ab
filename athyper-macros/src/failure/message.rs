//! Messages with fields in braces.

use syn::{Error, Fields, LitStr, Member, Result};

use crate::common::arguments::nearest;

/// The text for `write!`, with each field under the name that it is bound to.
pub(super) fn bind(literal: &LitStr, fields: &Fields) -> Result<String> {
    let text = literal.value();
    let wrong = |message: String| Err(Error::new(literal.span(), message));
    let members: Vec<Member> = fields.members().collect();
    let mut bound = String::new();
    let mut rest = text.as_str();
    while let Some(position) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(position);
        bound.push_str(before);
        if brace.starts_with("{{") || brace.starts_with("}}") {
            bound.push_str(&brace[..2]);
            rest = &brace[2..];
            continue;
        }
        let Some(inside) = brace.strip_prefix('{') else {
            return wrong("the message has a `}` without a `{`; write `}}` for a brace".to_owned());
        };
        let Some((inside, after)) = inside.split_once('}') else {
            return wrong("the message has a `{` without a `}`; write `{{` for a brace".to_owned());
        };
        let (name, format) = match inside.split_once(':') {
            Some((name, format)) => (name.trim(), format!(":{format}")),
            None => (inside.trim(), String::new()),
        };
        if name.is_empty() {
            return wrong("name the field between the braces, such as `{email}` or `{0}`".to_owned());
        }
        let names: Vec<String> = members.iter().map(name_of).collect();
        let Some(index) = names.iter().position(|known| known == name) else {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            return wrong(match (nearest(name, &known), known.is_empty()) {
                (Some(near), _) => format!("there is no field `{name}`; did you mean `{{{near}}}`?"),
                (None, true) => format!("there is no field `{name}`: there are none at all"),
                (None, false) => format!("there is no field `{name}`, only `{}`", known.join("`, `")),
            });
        };
        bound.push_str(&format!("{{{}{format}}}", local_name(index)));
        rest = after;
    }
    bound.push_str(rest);
    Ok(bound)
}

/// What a field is bound to in our output.
pub(super) fn local_name(index: usize) -> String {
    format!("field_{index}")
}

fn name_of(member: &Member) -> String {
    match member {
        Member::Named(name) => name.to_string().trim_start_matches("r#").to_owned(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;
    use syn::{Fields, FieldsNamed, LitStr, parse_quote};

    use super::bind;

    fn bound(text: &str) -> Option<String> {
        let fields: FieldsNamed = parse_quote!({ email: String, r#type: u8 });
        bind(&LitStr::new(text, Span::call_site()), &Fields::Named(fields)).ok()
    }

    #[test]
    fn fields_are_bound_by_position() {
        assert_eq!(bound("taken").as_deref(), Some("taken"));
        assert_eq!(bound("{email} is {type:>3} {{x}}").as_deref(), Some("{field_0} is {field_1:>3} {{x}}"));
        for text in ["{}", "{mail}", "{0}", "{email", "email}", "{email:?", "a } b"] {
            assert!(bound(text).is_none(), "{text}");
        }
    }
}
