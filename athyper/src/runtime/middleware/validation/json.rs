//! A look at a JSON document before it is parsed: one pass, no recursion, no allocation.

use std::borrow::Cow;

/// What is wrong with a document that should not be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is nested deeper than the limit.
    TooDeep,
    /// It has a key that changes the prototype of objects where a JavaScript program merges it.
    Polluting,
}

/// The deepest limit there can be: a bit for each level.
pub(super) const DEEPEST: u32 = 127;

/// Looks at nesting and keys only; what is not JSON is left to the parser.
///
/// The keys are those of CWE-1321: `__proto__`, and `prototype` within the value of `constructor`.
pub(super) fn inspect(document: &[u8], max_depth: u32) -> Result<(), Refused> {
    let max_depth = max_depth.min(DEEPEST);
    let mut depth = 0_u32;
    // One bit for each level: whether that container is the value of a key `constructor`.
    let mut constructors = 0_u128;
    let mut value_of_constructor = false;
    let mut position = 0;
    while let Some(byte) = document.get(position) {
        position += 1;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > max_depth {
                    return Err(Refused::TooDeep);
                }
                let bit = 1_u128 << depth;
                constructors = if value_of_constructor { constructors | bit } else { constructors & !bit };
                value_of_constructor = false;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => value_of_constructor = false,
            b'"' => {
                let start = position;
                position = end_of_string(document, start);
                let text = &document[start..position.min(document.len())];
                position += 1;
                let after = document[position.min(document.len())..].iter().find(|byte| !byte.is_ascii_whitespace());
                if after == Some(&b':') {
                    match &*unescape(text) {
                        b"__proto__" => return Err(Refused::Polluting),
                        b"prototype" if constructors & (1 << depth) != 0 => return Err(Refused::Polluting),
                        key => value_of_constructor = key == b"constructor",
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where the closing quotation mark stands, or the end.
fn end_of_string(document: &[u8], start: usize) -> usize {
    let mut position = start;
    while let Some(byte) = document.get(position) {
        match byte {
            b'"' => break,
            b'\\' => position += 2,
            _ => position += 1,
        }
    }
    position
}

fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let quoted = [b"\"", text, b"\""].concat();
    // What does not unescape is no JSON, and the parser will say so.
    Cow::Owned(serde_json::from_slice::<String>(&quoted).map_or_else(|_| text.to_vec(), String::into_bytes))
}

#[cfg(test)]
mod tests {
    use super::{Refused, inspect};

    #[test]
    fn nesting_is_limited() {
        assert_eq!(inspect(br#"{"a":[{"b":[1]}]}"#, 4), Ok(()));
        assert_eq!(inspect(br#"{"a":[{"b":[1]}]}"#, 3), Err(Refused::TooDeep));
        assert_eq!(inspect("[".repeat(10_000).as_bytes(), 64), Err(Refused::TooDeep));
        assert_eq!(inspect("[".repeat(200).as_bytes(), u32::MAX), Err(Refused::TooDeep));
        assert_eq!(inspect(format!("[{}]", "[],".repeat(10_000)).as_bytes(), 2), Ok(()));
        assert_eq!(inspect(br#"["[[[[[[", "\"[[[["]"#, 1), Ok(()));
    }

    #[test]
    fn keys_that_pollute_prototypes_are_refused() {
        for document in [
            r#"{"__proto__":{"admin":true}}"#,
            r#"{"a":[{"__proto__" : 1}]}"#,
            "{\"__proto__\"\n:1}",
            r#"{"\u005f_proto__":1}"#,
            r#"{"constructor":{"prototype":{"admin":true}}}"#,
            r#"{"constructor" : {"a":1,"prototype":{}}}"#,
            r#"{"constructor":[{"x":1}],"b":{"constructor":{"a":{},"prototype":1}}}"#,
        ] {
            assert_eq!(inspect(document.as_bytes(), 64), Err(Refused::Polluting), "{document}");
        }
    }

    #[test]
    fn the_same_words_elsewhere_are_fine() {
        for document in [
            r#"{"a":"__proto__"}"#,
            r#"["__proto__", "constructor", "prototype"]"#,
            r#"{"prototype":{"speed":1}}"#,
            r#"{"constructor":"Ferrari","prototype":1}"#,
            r#"{"constructor":1,"a":{"prototype":1}}"#,
            r#"{"constructor":{"name":"x","team":{"prototype":1}}}"#,
            r#"{"__proto__x":1,"x__proto__":1}"#,
            "",
            "\"",
            "\"\\",
            "}}]]",
        ] {
            assert_eq!(inspect(document.as_bytes(), 64), Ok(()), "{document}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_looked_at_without_a_panic(bytes: Vec<u8>) {
            let _ = inspect(&bytes, 64);
        }

        #[test]
        fn what_is_refused_as_polluting_has_such_a_key(text in r#"[\[\]{}:," a_\\"]{0,40}"#) {
            if inspect(text.as_bytes(), 64) == Err(Refused::Polluting) {
                proptest::prop_assert!(text.contains("__proto__"));
            }
        }
    }
}
