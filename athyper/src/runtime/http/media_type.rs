//! Media types.

use http::HeaderValue;

/// Whether a content type is `application/json` or ends in `+json` (RFC 6839, section 3.1).
pub(crate) fn is_json(content_type: &HeaderValue) -> bool {
    let Ok(text) = content_type.to_str() else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim();
    let Some((kind, subtype)) = essence.split_once('/') else { return false };
    let is_suffixed = subtype.len() > 5 && subtype.as_bytes()[subtype.len() - 5..].eq_ignore_ascii_case(b"+json");
    kind.eq_ignore_ascii_case("application") && (subtype.eq_ignore_ascii_case("json") || is_suffixed)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::is_json;

    #[test]
    fn json_is_told_by_type_or_suffix() {
        for (text, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/problem+json", true),
            ("application/vnd.api+JSON;x=y", true),
            ("application/+json", false),
            ("application/jsonp", false),
            ("text/json", false),
            ("json", false),
            ("", false),
        ] {
            assert_eq!(is_json(&HeaderValue::from_static(text)), expected, "{text}");
        }
    }
}
