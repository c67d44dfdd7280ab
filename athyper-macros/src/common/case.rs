//! Names in the spelling that another place wants.

/// `SignUpRequest` as `sign_up_request`; a run of capitals is one word, so `HTTPServer` is `http_server`.
pub(crate) fn snake(name: &str) -> String {
    words(name, '_')
}

/// `UserTaken` as `user-taken`.
pub(crate) fn kebab(name: &str) -> String {
    words(name, '-')
}

fn words(name: &str, separator: char) -> String {
    let characters: Vec<char> = name.strip_prefix("r#").unwrap_or(name).chars().collect();
    let mut text = String::new();
    for (index, &character) in characters.iter().enumerate() {
        if character == '_' {
            if !text.is_empty() && !text.ends_with(separator) {
                text.push(separator);
            }
            continue;
        }
        if character.is_uppercase() && index > 0 {
            let after_small = !characters[index - 1].is_uppercase();
            let before_small = characters.get(index + 1).is_some_and(|next| next.is_lowercase());
            if (after_small || before_small) && !text.ends_with(separator) && !text.is_empty() {
                text.push(separator);
            }
        }
        text.extend(character.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{kebab, snake};

    #[test]
    fn words_are_told_apart_by_capitals_and_underscores() {
        for (name, snake_case, kebab_case) in [
            ("Welcome", "welcome", "welcome"),
            ("SignUpRequest", "sign_up_request", "sign-up-request"),
            ("HTTPServer", "http_server", "http-server"),
            ("ExportV2", "export_v2", "export-v2"),
            ("r#Type", "type", "type"),
            ("already_snake", "already_snake", "already-snake"),
            ("_Odd__Name_", "odd_name_", "odd-name-"),
            ("Ünder", "ünder", "ünder"),
        ] {
            assert_eq!(snake(name), snake_case);
            assert_eq!(kebab(name), kebab_case);
        }
    }
}
