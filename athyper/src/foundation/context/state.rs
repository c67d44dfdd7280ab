//! The rules of `tracestate` (W3C Trace Context, section 3.3).

/// How many entries a list may have.
const MOST_ENTRIES: usize = 32;

/// The entries of all header values in order, without those that are empty; `None` when there are none or one breaks the rules.
pub(super) fn join<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut joined = String::new();
    let mut count = 0;
    for entry in values.flat_map(|value| value.split(',')).map(|entry| entry.trim_matches([' ', '\t'])) {
        if entry.is_empty() {
            continue;
        }
        count += 1;
        let (key, value) = entry.split_once('=')?;
        if count > MOST_ENTRIES || !is_key(key) || !is_value(value) {
            return None;
        }
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(entry);
    }
    (count > 0).then_some(joined)
}

/// A key of a vendor, or `tenant@vendor`.
fn is_key(key: &str) -> bool {
    fn is_part(part: &str, longest: usize, may_begin_with_digit: bool) -> bool {
        let mut bytes = part.bytes();
        let begins = bytes
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || (may_begin_with_digit && first.is_ascii_digit()));
        begins
            && part.len() <= longest
            && bytes.all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/')
            })
    }
    match key.split_once('@') {
        Some((tenant, vendor)) => is_part(tenant, 241, true) && is_part(vendor, 14, false),
        None => is_part(key, 256, true),
    }
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && !value.ends_with(' ')
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn entries_are_joined_in_order() {
        for (values, expected) in [
            (vec!["a=1"], Some("a=1")),
            (vec!["a=1,b=2", "c=3"], Some("a=1,b=2,c=3")),
            (vec![" a=1 ,\tb=2"], Some("a=1,b=2")),
            (vec!["a=1,,b=2", ""], Some("a=1,b=2")),
            (vec!["fw529a3039@dt=x y"], Some("fw529a3039@dt=x y")),
            (vec!["a=!~"], Some("a=!~")),
            (vec![], None),
            (vec![""], None),
        ] {
            assert_eq!(join(values.iter().copied()).as_deref(), expected, "{values:?}");
        }
    }

    #[test]
    fn one_wrong_entry_spoils_the_list() {
        let many = (0..33).map(|number| format!("k{number}=v")).collect::<Vec<_>>().join(",");
        let long = format!("k={}", "v".repeat(257));
        for wrong in [
            "A=1",
            "a",
            "=1",
            "a=",
            "a=1=2",
            "a@=1",
            "@b=1",
            "a@b@c=1",
            "a@1=1",
            "a=\u{e4}",
            "a=1;b\u{7f}=2",
            &many,
            &long,
        ] {
            assert_eq!(join(["ok=1", wrong].into_iter()), None, "{wrong}");
        }
    }
}
